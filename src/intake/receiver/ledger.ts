import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import type { BatchHeader, Segment } from '../../storage/segments/index.ts'

export type Totals = {
  readonly received: number
  readonly stored: number
  readonly segments: number
  readonly rejected: Record<string, number>
}
/** `digest` of the batch as it came; null where an older version took it. */
export type Known = { readonly accepted: number; readonly rejected: number; readonly digest: string | null }

/** How long a batch id is remembered after its segment was loaded: 48 hours, and a client may repeat for 24. */
const REMEMBERED_MS = 48 * 3_600_000
/** Rows of loaded segments that are kept to look at. */
const SEGMENTS_KEPT = 100_000

/**
 * What became of segments whose files may be gone: totals, batch ids, the last number. One transaction a segment, synced
 * before it returns; a segment counted before changes nothing.
 */
export class LedgerFile implements Disposable {
  readonly #db: DatabaseSync
  #totals: Totals

  constructor(folder: string) {
    this.#db = new DatabaseSync(join(folder, 'ledger.db'))
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 50;
      CREATE TABLE IF NOT EXISTS total (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS segment (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, at INTEGER NOT NULL,
        received INTEGER NOT NULL, stored INTEGER NOT NULL, batches INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS batch (key BLOB PRIMARY KEY, at INTEGER NOT NULL, accepted INTEGER NOT NULL,
        rejected INTEGER NOT NULL, digest TEXT) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS batch_at ON batch (at);`)
    const columns = this.#db.prepare('SELECT name FROM pragma_table_info(?)').all('batch') as { name: string }[]
    if (!columns.some(({ name }) => name === 'digest')) this.#db.exec('ALTER TABLE batch ADD COLUMN digest TEXT')
    this.#totals = this.#read()
  }

  get totals(): Totals {
    return this.#totals
  }

  get lastSeq(): number {
    return Number((this.#db.prepare('SELECT max(seq) AS seq FROM segment').get() as { seq: number | null }).seq ?? 0)
  }

  has(segment: Segment): boolean {
    return this.#db.prepare('SELECT 1 FROM segment WHERE id = ?').get(segment.id) !== undefined
  }

  /** Counts a segment as stored. */
  add(segment: Segment, at: number): void {
    const db = this.#db
    db.exec('BEGIN IMMEDIATE')
    try {
      const { changes } = db
        .prepare('INSERT OR IGNORE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(segment.seq, segment.id, at, segment.lines, segment.events, segment.frames.length, segment.bytes)
      if (changes === 1) this.#count(segment)
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
    this.#totals = this.#read()
  }

  #count(segment: Segment): void {
    const total = this.#db.prepare(
      'INSERT INTO total VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n',
    )
    total.run('received', segment.lines)
    total.run('stored', segment.events)
    total.run('segments', 1)
    const batch = this.#db.prepare('INSERT OR IGNORE INTO batch VALUES (?, ?, ?, ?, ?)')
    const rejected: Record<string, number> = {}
    for (const { header } of segment.frames) {
      batch.run(keyOf(header), header.received, header.events, header.lines - header.events, header.digest ?? null)
      for (const [reason, n] of Object.entries(header.rejected)) rejected[reason] = (rejected[reason] ?? 0) + n
    }
    for (const [reason, n] of Object.entries(rejected)) total.run(`rejected:${reason}`, n)
  }

  /** What a loaded batch was answered, while it is remembered. */
  batch(of: Pick<BatchHeader, 'source' | 'batch'>): Known | undefined {
    return this.#db.prepare('SELECT accepted, rejected, digest FROM batch WHERE key = ?').get(keyOf(of)) as
      | Known
      | undefined
  }

  /** Forgets old batch ids and the rows of old segments (their totals stay). At most 10,000 a call. */
  sweep(now: number): void {
    this.#db
      .prepare('DELETE FROM batch WHERE key IN (SELECT key FROM batch WHERE at < ? LIMIT 10000)')
      .run(now - REMEMBERED_MS)
    this.#db.prepare('DELETE FROM segment WHERE seq <= (SELECT max(seq) FROM segment) - ?').run(SEGMENTS_KEPT)
  }

  #read(): Totals {
    const rows = this.#db.prepare('SELECT name, n FROM total').all() as { name: string; n: number }[]
    const n = Object.fromEntries(rows.map((row) => [row.name, row.n]))
    const rejected = rows.filter(({ name }) => name.startsWith('rejected:')).map(({ name, n }) => [name.slice(9), n])
    return {
      received: n['received'] ?? 0,
      stored: n['stored'] ?? 0,
      segments: n['segments'] ?? 0,
      rejected: Object.fromEntries(rejected),
    }
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}

const keyOf = ({ source, batch }: Pick<BatchHeader, 'source' | 'batch'>): Buffer =>
  createHash('sha256').update(`${source}\n${batch}`).digest().subarray(0, 16)
