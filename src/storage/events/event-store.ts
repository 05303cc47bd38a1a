import { existsSync, mkdirSync } from 'node:fs'
import { open, readFile, readdir, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Session } from 'chdb'
import { KhienError } from '../../kit/errors.ts'
import { eventsOf, framesOf, syncFolder } from '../segments/index.ts'
import { CREATE, INSERT_COLUMNS, SPOOL_STRUCTURE, TABLE } from './columns.ts'
import {
  countQuery,
  histogramQuery,
  oneQuery,
  searchQuery,
  shownValue,
  storedEvent,
  topQuery,
  type Query,
} from './queries.ts'
import { RowWriter, type EventRecord } from './row-binary.ts'
import type { EventQueries, HistogramAsked, SearchAsked, SearchAnswer, Span, TopAsked } from './client.ts'

const QUERY_SESSIONS = 2
const QUERY_SECONDS = 10
const QUERY_BYTES = 2_000_000_000
const MOST_WAITING = 32
const LOAD_SECONDS = 120
const LOAD_BYTES = 4_000_000_000
/** Row numbers within a segment take 20 bits of `seq`. */
const ROWS = 2 ** 20

export type Loaded = { readonly rows: number; readonly added: number; readonly inStore: number }

/**
 * chDB under one folder: one session that inserts, two that read (a session is one connection; a slow query on the
 * inserting one would hold up the intake). Only in a process of its own: in a worker thread chDB ends the process.
 */
export class ChdbEventStore implements EventQueries, AsyncDisposable {
  readonly #spool: string
  readonly #segments: string
  readonly #ingest: Session
  readonly #idle: Session[]
  readonly #all: Session[]
  readonly #waiting: ((session: Session) => void)[] = []
  #loading: Promise<unknown> = Promise.resolve()

  private constructor(folder: string, sessions: readonly Session[]) {
    this.#spool = join(folder, 'spool')
    this.#segments = join(folder, 'segments')
    this.#all = [...sessions]
    this.#ingest = sessions[0]!
    this.#idle = sessions.slice(1)
  }

  /** Opens or creates the store under `<folder>/chdb`; segments are read from `<folder>/segments`. */
  static async open(folder: string): Promise<ChdbEventStore> {
    const path = join(folder, 'chdb')
    mkdirSync(path, { recursive: true, mode: 0o700 })
    mkdirSync(join(folder, 'spool'), { recursive: true, mode: 0o700 })
    const sessions = Array.from({ length: 1 + QUERY_SESSIONS }, () => new Session(path))
    const known = existsSync(join(path, 'data'))
    for (const sql of CREATE) await sessions[0]!.queryAsync(sql)
    // Parts are synced with every insert; what names and describes the table is written once, here.
    if (!known) await syncTree(path)
    await syncFolder(folder)
    return new ChdbEventStore(folder, sessions)
  }

  /** Loads one sealed segment; repeated, it changes nothing. In turn, never two at once. */
  load(id: string): Promise<Loaded> {
    const loaded = this.#loading.then(() => this.#load(id))
    this.#loading = loaded.catch(() => {})
    return loaded
  }

  async #load(id: string): Promise<Loaded> {
    const before = await this.#count()
    const rows = await this.#rowsOf(id)
    const spool = join(this.#spool, `${id}.bin`)
    await writeFile(spool, rows.take(), { mode: 0o600 })
    try {
      // One block, so that the segment is one part a month and its token names all of it.
      await this.#ingest.queryAsync(
        `INSERT INTO ${TABLE} (${INSERT_COLUMNS}) SETTINGS insert_deduplication_token = '${id}', max_insert_threads = 1,
          min_insert_block_size_rows = ${2 * ROWS}, min_insert_block_size_bytes = 0, max_insert_block_size = ${2 * ROWS},
          max_block_size = ${2 * ROWS}, input_format_parallel_parsing = 0, insert_deduplicate = 1,
          max_execution_time = ${LOAD_SECONDS}, max_memory_usage = ${LOAD_BYTES}
        SELECT * FROM file('${quoted(spool)}', 'RowBinary', '${SPOOL_STRUCTURE}')`,
      )
    } finally {
      await unlink(spool)
    }
    const inStore = await this.#count()
    return { rows: rows.rows, added: inStore - before, inStore }
  }

  async #rowsOf(id: string): Promise<RowWriter> {
    const bytes = await readFile(join(this.#segments, `${id}.seg`))
    const { frames, end } = framesOf(bytes)
    if (end !== bytes.length)
      throw new KhienError('events/damaged-segment', `The segment ${id} is damaged at byte ${end}.`)
    const first = Number(id.slice(0, 10)) * ROWS
    const rows = new RowWriter()
    let since = performance.now()
    for (const frame of frames) {
      for (const event of eventsOf<EventRecord>(frame)) rows.put(event, first + rows.rows)
      // Searches of others go on meanwhile.
      if (performance.now() - since > 20) {
        await turn()
        since = performance.now()
      }
    }
    return rows
  }

  async #count(): Promise<number> {
    return Number((await this.#ingest.queryAsync(`SELECT count() FROM ${TABLE}`, { format: 'TSV' })).text())
  }

  /** All events, counted after the loads before it; or those of a span. */
  async count(asked?: Span): Promise<number> {
    if (asked) return Number((await this.#rows<[number]>(countQuery(asked)))[0]![0])
    const counted = this.#loading.then(() => this.#count())
    this.#loading = counted.catch(() => {})
    return counted
  }

  /** Parts of the table, to see merges keep up. */
  async parts(): Promise<{ active: number; bytes: number }> {
    const [row] = await this.#rows<[number, number]>({
      sql: `SELECT toUInt32(count()), toFloat64(sum(bytes_on_disk)) FROM system.parts WHERE active AND database = 'khien' AND table = 'event'`,
      values: {},
    })
    return { active: row![0], bytes: row![1] }
  }

  /** Months that hold events of segments below `below`, oldest first. */
  async months(below: number): Promise<{ month: number; rows: number }[]> {
    const rows = await this.#rows<[number, number]>({
      sql: `SELECT toUInt32(toYYYYMM(time)) AS month, count() FROM ${TABLE} WHERE seq < {end:UInt64} GROUP BY month ORDER BY month`,
      values: { end: below * ROWS },
    })
    return rows.map(([month, n]) => ({ month, rows: n }))
  }

  /** Writes one of these months to `<folder>/<name>`, columns and blocks as the store has them, compressed by its ending. */
  async writeMonth(month: number, below: number, name: string): Promise<{ path: string }> {
    const path = join(dirname(this.#spool), name)
    await this.#aside(
      `INSERT INTO FUNCTION file('${quoted(path)}', 'Native') SELECT ${INSERT_COLUMNS} FROM ${TABLE}
        WHERE toYYYYMM(time) = ${month} AND seq < ${below * ROWS}
        SETTINGS max_threads = 1, engine_file_truncate_on_insert = 1, max_memory_usage = ${QUERY_BYTES}`,
    )
    return { path }
  }

  /** Takes in what `writeMonth` wrote. Errors: `data/newer-format` for columns this version does not have. */
  async readMonth(path: string): Promise<void> {
    const file = `file('${quoted(path)}', 'Native')`
    const text = (await this.#aside(`DESCRIBE ${file} FORMAT TSV`)).split('\n')
    const names = text.flatMap((line) => line.split('\t')[0] || []).map((name) => `\`${name}\``)
    const known = new Set(INSERT_COLUMNS.split(', '))
    if (names.length === 0 || names.some((name) => !known.has(name)))
      throw new KhienError('data/newer-format', 'The events were written by a newer Khiên; take that version.')
    await this.#aside(
      `INSERT INTO ${TABLE} (${names.join(', ')}) SELECT ${names.join(', ')} FROM ${file}
        SETTINGS insert_deduplicate = 0, max_memory_usage = ${LOAD_BYTES}`,
    )
  }

  /** In a session of its own: it may take minutes, and nobody waits behind it. */
  async #aside(sql: string): Promise<string> {
    const session = new Session(join(dirname(this.#spool), 'chdb'))
    try {
      return (await session.queryAsync(sql)).text()
    } finally {
      session.close()
    }
  }

  async search(asked: SearchAsked): Promise<SearchAnswer> {
    const rows = await this.#rows<unknown[]>(searchQuery(asked))
    const found = rows.slice(0, asked.limit).map(storedEvent)
    const last = rows.length > asked.limit ? found.at(-1) : undefined
    return {
      events: found.map(({ event }) => event),
      next: last === undefined ? null : { time: last.time, seq: last.seq },
    }
  }

  async histogram(asked: HistogramAsked): Promise<{ at: number; by: string | null; count: number }[]> {
    const rows = await this.#rows<[number, unknown, number]>(histogramQuery(asked))
    return rows.map(([bucket, value, count]) => ({
      at: asked.from + bucket * asked.bucketMs,
      by: asked.by === null || value === null ? null : shownValue(asked.by, value),
      count,
    }))
  }

  async top(asked: TopAsked): Promise<{ values: { value: string; count: number }[]; total: number }> {
    const rows = await this.#rows<[unknown, number, number]>(topQuery(asked))
    return {
      values: rows.map(([value, count]) => ({ value: shownValue(asked.field, value), count })),
      total: rows[0]?.[2] ?? 0,
    }
  }

  async one(id: string): Promise<Record<string, unknown> | null> {
    const [row] = await this.#rows<unknown[]>(oneQuery(id))
    return row === undefined ? null : storedEvent(row).event
  }

  async #rows<T>({ sql, values }: Query): Promise<T[]> {
    const session = await this.#session()
    try {
      const limits = `SETTINGS max_execution_time = ${QUERY_SECONDS}, max_memory_usage = ${QUERY_BYTES}, output_format_json_quote_64bit_integers = 0`
      const result = await session.queryBindAsync(`${sql} ${limits}`, values, { format: 'JSONCompactEachRow' })
      return result
        .text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as T)
    } catch (error) {
      throw asKnown(error)
    } finally {
      const next = this.#waiting.shift()
      if (next) next(session)
      else this.#idle.push(session)
    }
  }

  #session(): Session | Promise<Session> {
    const idle = this.#idle.pop()
    if (idle) return idle
    if (this.#waiting.length >= MOST_WAITING)
      throw new KhienError('events/busy', 'Too many searches at once; try again.', { status: 503, retryAfter: 1 })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loading
    for (const session of this.#all) session.close()
  }
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else if (entry.isFile()) {
      await using file = await open(path, 'r')
      await file.sync()
    }
  }
  await syncFolder(folder)
}

const quoted = (path: string): string => path.replace(/[\\']/g, '\\$&')

/** TIMEOUT_EXCEEDED and MEMORY_LIMIT_EXCEEDED are a person's to solve; the engine's own text may hold values and stays here. */
function asKnown(error: unknown): KhienError {
  const code = (error as { clickhouseCode?: unknown }).clickhouseCode ?? (error as { code?: unknown }).code
  if (code === 159 || code === 241)
    return new KhienError('events/too-much', 'This search looks at too much; choose a shorter time or fewer values.', {
      status: 422,
      field: 'query.q',
      cause: error,
    })
  return new KhienError('events/query', `The event store could not answer (${String(code ?? 'unknown')}).`, {
    status: 500,
    cause: error,
  })
}
