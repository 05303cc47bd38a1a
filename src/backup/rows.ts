import { z } from 'zod'
import { ByteReader, malformed } from './byte-reader.ts'
import { jsonOf } from './archive.ts'

/** A value of a column as both stores know it. */
export type Cell = string | number | null | Uint8Array
export type TableRows = {
  readonly name: string
  readonly columns: readonly string[]
  /** Statements that make the table, where no migration does. */
  readonly create?: readonly string[]
  /** In batches, so that memory stays bounded. */
  readonly rows: AsyncIterable<readonly (readonly Cell[])[]> | Iterable<readonly (readonly Cell[])[]>
}
export type Counts = Record<string, number>

const NAME = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/)
const Head = z.strictObject({
  table: NAME,
  columns: z.array(NAME).min(1).max(200),
  create: z.array(z.string()).max(20).optional(),
})
const End = z.strictObject({ rows: z.int().min(0) })

/**
 * Tables as lines: a head, a line of JSON a row (bytes as `{"b":"base64"}`), an end with the count; an empty line behind
 * the last table. `counts` is filled as it goes.
 */
export async function* writeRows(
  tables: AsyncIterable<TableRows> | Iterable<TableRows>,
  counts: Counts,
): AsyncGenerator<Uint8Array> {
  for await (const { name, columns, create, rows } of tables) {
    yield Buffer.from(`${JSON.stringify({ table: name, columns, ...(create ? { create } : {}) })}\n`)
    let count = 0
    for await (const batch of rows) {
      if (batch.length === 0) continue
      count += batch.length
      yield Buffer.from(`${batch.map((row) => JSON.stringify(row.map(encoded))).join('\n')}\n`)
    }
    counts[name] = count
    yield Buffer.from(`${JSON.stringify({ rows: count })}\n`)
  }
  yield Buffer.from('\n')
}

const encoded = (cell: Cell): unknown =>
  cell instanceof Uint8Array ? { b: Buffer.from(cell.buffer, cell.byteOffset, cell.length).toString('base64') } : cell

export type TableSink = {
  begin(table: {
    readonly name: string
    readonly columns: readonly string[]
    readonly create: readonly string[]
  }): void | Promise<void>
  rows(batch: readonly (readonly Cell[])[]): void | Promise<void>
  end(): void | Promise<void>
}
const BATCH = 500

/** Hands what `writeRows` wrote to `sink`; answers the counts. Errors: `backup/malformed`. */
export async function readRows(source: AsyncIterable<Uint8Array>, sink: TableSink): Promise<Counts> {
  const reader = new ByteReader(source)
  const counts: Counts = {}
  for (;;) {
    const line = await reader.line()
    if (line === undefined) throw malformed()
    if (line === '') break
    const head = Head.safeParse(jsonOf(line))
    if (!head.success || counts[head.data.table] !== undefined) throw malformed()
    const { table, columns, create = [] } = head.data
    await sink.begin({ name: table, columns, create })
    counts[table] = await readTable(reader, columns.length, sink)
    await sink.end()
  }
  if ((await reader.line()) !== undefined) throw malformed()
  return counts
}

async function readTable(reader: ByteReader, width: number, sink: TableSink): Promise<number> {
  let count = 0
  let batch: Cell[][] = []
  for (;;) {
    const line = await reader.line()
    if (line === undefined) throw malformed()
    if (!line.startsWith('[')) {
      if (batch.length > 0) await sink.rows(batch)
      const end = End.safeParse(jsonOf(line))
      if (!end.success || end.data.rows !== count) throw malformed()
      return count
    }
    const row = (jsonOf(line) as unknown[]).map(decoded)
    if (row.length !== width) throw malformed()
    count++
    batch.push(row)
    if (batch.length < BATCH) continue
    await sink.rows(batch)
    batch = []
  }
}

function decoded(cell: unknown): Cell {
  if (cell === null || typeof cell === 'string' || typeof cell === 'number') return cell
  if (typeof cell === 'object' && 'b' in cell && typeof cell.b === 'string') return Buffer.from(cell.b, 'base64')
  throw malformed()
}
