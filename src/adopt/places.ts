import { recordOf } from '../client/columns.ts'
import { list, name, sql, type KeyedRow, type Query, type Row, type Session } from '../source/index.ts'
import { SUBJECT, type Move, type Moving } from './move.ts'
import { columnsIn, type Hop, type PlanColumn } from './plan.ts'

/** A row with its person. `waits`: the person is there and has no subject token yet. */
export type Placed = KeyedRow & { readonly subject: string | undefined; readonly waits: boolean }
/** Where a cell's value lies in the vault. */
export type Place = {
  readonly subject: string
  readonly collection: string
  readonly field: string
  readonly record: string
}

/** Columns that moving needs of a row besides its key. */
export function columnsOf({ planned }: Moving): string[] {
  const way = planned.person === 'row' ? [SUBJECT] : [planned.person[0]!.column]
  return [...new Set([...way, ...planned.columns.flatMap((c) => [c.column, ...columnsIn(c.record)])])]
}

const ofPerson = (row: KeyedRow): Placed => ({ ...row, subject: row.row[SUBJECT] ?? undefined, waits: false })

/** Finds whose rows these are, hop by hop. */
export async function place(session: Session, move: Move, moving: Moving, rows: readonly KeyedRow[]): Promise<Placed[]> {
  const { person } = moving.planned
  if (person === 'row') return rows.map((row) => ofPerson(row))
  const found = await subjectsBy(session, move, person, rows.map(({ row }) => row[person[0]!.column] ?? null))
  return rows.map((row) => {
    const subject = found.get(row.row[person[0]!.column] ?? '')
    return { ...row, subject: subject || undefined, waits: subject === '' }
  })
} // prettier-ignore

/** The same in a reading of its own, where something has to be read. */
export const placeAlone = (move: Move, moving: Moving, rows: readonly KeyedRow[]): Promise<Placed[]> =>
  moving.planned.person === 'row'
    ? Promise.resolve(rows.map((row) => ofPerson(row)))
    : move.source.read((s) => place(s, move, moving, rows))

/** Subjects by the value of the first hop's column; an empty one for a person who has none yet. */
export async function subjectsBy(
  session: Session, move: Move, hops: readonly Hop[], values: readonly (string | null)[],
): Promise<Map<string, string>> {
  let at = new Map([...new Set(values)].filter((v) => v !== null).map((v) => [v, v]))
  for (const [i, hop] of hops.entries()) {
    const wanted = [...new Set(at.values())]
    if (wanted.length === 0) return new Map()
    const next = i === hops.length - 1 ? SUBJECT : hops[i + 1]!.column
    const rows = await session.rows(
      sql`select ${name(hop.to)} as a, ${name(next)} as b from ${tableOf(move, hop)} where ${oneOf(move, hop, wanted)}`,
    )
    const last = next === SUBJECT
    const step = new Map(rows.flatMap((row) => (row['b'] === null && !last ? [] : [[row['a']!, row['b'] ?? ''] as const])))
    at = new Map([...at].flatMap(([value, here]) => (step.has(here) ? [[value, step.get(here)!] as const] : [])))
  }
  return at
} // prettier-ignore

function tableOf(move: Move, hop: Hop): Query {
  const known = move.tables.find(({ table }) => table.label === hop.table)?.table
  return known ? name(known.schema, known.name) : name(...hop.table.split('.'))
}

const oneOf = (move: Move, hop: Hop, values: readonly string[]): Query => {
  const known = move.tables.find(({ table }) => table.label === hop.table)?.table
  const whole =
    known?.columns.find((column) => column.name === hop.to)?.shape === 'number' && move.source.kind === 'mysql'
  return sql`${name(hop.to)} in (${list(values.map((v) => (whole ? sql`cast(${v} as decimal(30))` : sql`${v}`)))})`
}

/** The record's name of one column's cell; undefined when a part is missing or the vault could not take the name. */
export function recordIn(column: PlanColumn, row: Row): string | undefined {
  if (column.record === '-') return '-'
  let whole = true
  const text = column.record.replace(/\{([^{}]+)\}/g, (_, part: string) => {
    const value = row[part]
    if (value === null || value === undefined || value === '') whole = false
    return value ?? ''
  })
  return whole ? recordOf(text) : undefined
}

export function placeOf(column: PlanColumn, subject: string, row: Row): Place | undefined {
  const record = recordIn(column, row)
  const [collection, field] = column.to.split('.') as [string, string]
  return record === undefined ? undefined : { subject, collection, field, record }
}

/** Cells by item of a call: what lies in one record goes in one item. */
export function gather<C extends { readonly place: Place }>(cells: readonly C[]): { at: Place; cells: C[] }[] {
  const groups = new Map<string, { at: Place; cells: C[] }>()
  for (const cell of cells) {
    const { subject, collection, record } = cell.place
    const id = `${subject} ${collection} ${record}`
    const group = groups.get(id)
    if (group) group.cells.push(cell)
    else groups.set(id, { at: cell.place, cells: [cell] })
  }
  return [...groups.values()]
}
