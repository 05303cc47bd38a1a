import { isToken } from '../client/columns.ts'
import { KhienError } from '../kit/errors.ts'
import { faultOf, keyText, setColumn, type Key, type Session, type Source } from '../source/index.ts'
import { parts, type PutItem } from './door.ts'
import type { Move, Moving } from './move.ts'
import { gather, placeOf, type Place, type Placed } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { leave, unleave, type Left } from './state.ts'
import { tokenOf } from './tokens.ts'

export type Cell = {
  readonly row: Placed
  readonly column: PlanColumn
  readonly place: Place
  readonly value: string
}
export type Sealed = Cell & { readonly token: string }
export type Carried = { readonly sealed: readonly Sealed[]; readonly left: readonly Left[] }

/** Longest body of a call in characters; the vault takes four MiB. */
const BODY = 1_000_000
export const isBlank = (value: string | null | undefined): boolean =>
  value === null || value === undefined || value.trim() === ''

/** Puts the values that lie in these rows into the vault. What it does not take comes back with the reason; the cell stays. */
export async function carry(move: Move, moving: Moving, rows: readonly Placed[]): Promise<Carried> {
  const left: Left[] = []
  const cells: Cell[] = []
  for (const row of rows)
    for (const column of moving.planned.columns) {
      const value = row.row[column.column]
      if (isBlank(value) || isToken(value)) continue
      const stays = (code: string): void =>
        void left.push({ table: moving.table.label, key: keyText(row.key), column: column.column, code })
      if (row.subject === undefined) {
        stays('adopt/no-person')
        continue
      }
      const place = placeOf(column, row.subject, row.row)
      if (place) cells.push({ row, column, place, value: value! })
      else stays('adopt/no-record')
    }
  const sealed = await put(move, moving, cells, left)
  return { sealed, left }
}

/** Item by item; a field that is refused is taken out, and what shared its item goes again without it. */
async function put(move: Move, moving: Moving, cells: readonly Cell[], left: Left[]): Promise<Sealed[]> {
  const sealed: Sealed[] = []
  let waiting = gather(cells)
  while (waiting.length > 0) {
    const again: typeof waiting = []
    for (const batch of batches(waiting)) {
      const answers = await move.door.put(batch.map(itemOf))
      for (const [i, group] of batch.entries()) {
        const answer = answers[i]!
        if (answer.ok) {
          for (const cell of group.cells)
            sealed.push({ ...cell, token: answer.tokens?.[cell.place.field] ?? tokenOf(cell.place) })
          continue
        }
        if (answer.code === 'vault/unknown-field') throw new KhienError(answer.code, answer.detail)
        const named = group.cells.filter((cell) => answer.field?.endsWith(`.${cell.place.field}`))
        const bad = named.length > 0 ? named : group.cells
        for (const { row, column } of bad)
          left.push({ table: moving.table.label, key: keyText(row.key), column: column.column, code: answer.code })
        const rest = group.cells.filter((cell) => !bad.includes(cell))
        if (rest.length > 0) again.push({ at: group.at, cells: rest })
      }
    }
    waiting = again
  }
  return sealed
}

const itemOf = ({ at, cells }: { at: Place; cells: readonly Cell[] }): PutItem => ({
  subject: at.subject,
  collection: at.collection,
  record: at.record,
  fields: Object.fromEntries(cells.map((cell) => [cell.place.field, cell.value])),
})

function* batches<G extends { cells: readonly Cell[] }>(groups: readonly G[]): Generator<G[]> {
  for (const part of parts(groups)) {
    let batch: G[] = []
    let size = 0
    for (const group of part) {
      const more = group.cells.reduce((sum, cell) => sum + cell.value.length, 0)
      if (batch.length > 0 && size + more > BODY) {
        yield batch
        ;[batch, size] = [[], 0]
      }
      batch.push(group)
      size += more
    }
    if (batch.length > 0) yield batch
  }
}

/** Keeps the list of cells that stay: those of now on it, those that were taken off it. */
export async function settle(session: Session, source: Source, moving: Moving, rows: readonly Placed[], carried: Carried): Promise<void> {
  await unleave(session, moving.table.label, rows.map(({ key }) => keyText(key)))
  await leave(session, source.kind, carried.left)
} // prettier-ignore

/** Writes tokens into cells whose rows are locked by this session: one change of a row for all of its cells. */
export async function replace(move: Move, moving: Moving, cells: readonly Sealed[], session: Session): Promise<void> {
  const columns = [...new Set(cells.map(({ column }) => column.column))]
  const rows = new Map<string, { key: Key; value: (string | undefined)[] }>()
  for (const { row, column, token } of cells) {
    const id = keyText(row.key)
    const change = rows.get(id) ?? { key: row.key, value: columns.map(() => undefined) }
    change.value[columns.indexOf(column.column)] = token
    rows.set(id, change)
  }
  for (const part of parts([...rows.values()])) await setColumn(session, moving.table, move.source.kind, columns, part)
}

export const clashes = (error: unknown): boolean => faultOf(error) === 'taken'

export const notUnique = (moving: Moving, { row, column }: Sealed): Left => ({
  table: moving.table.label,
  key: keyText(row.key),
  column: column.column,
  code: 'adopt/not-unique',
})
