import { isToken } from '../client/columns.ts'
import { newSubject } from '../client/index.ts'
import { keyText, lockRows, setColumn, type Key, type Session } from '../source/index.ts'
import { carry, clashes, isBlank, leaveAlone, replace, settle, type Carried } from './carry.ts'
import { parts } from './door.ts'
import { own, stateOf, SUBJECT, type Move, type Moving } from './move.ts'
import { columnsOf, gather, place, placeOf, type Placed } from './places.ts'
import type { PlanColumn } from './plan.ts'

export type Handled = {
  /** Keys whose rows are done. The others were locked by somebody, wait for their person, or are gone. */
  readonly done: readonly Key[]
  readonly carried: Carried
}

/**
 * Brings rows into the vault while holding them: nobody changes a row between its being read and its being put. Rows that
 * another transaction holds are left out at once. `follows`: cells that became empty are erased there, and cells of
 * switched columns get their tokens.
 */
export async function handle(move: Move, moving: Moving, keys: readonly Key[], follows: boolean): Promise<Handled> {
  try {
    return await attempt(move, moving, keys, follows ? 'all' : 'put')
  } catch (error) {
    if (!clashes(error)) throw error
    if (keys.length > 1) return handleEach(move, moving, keys)
    const handled = await attempt(move, moving, keys, 'erase')
    for (const column of moving.planned.columns) {
      const cells = handled.carried.sealed.filter((cell) => cell.column === column)
      if (cells.length > 0 && (await isSwitched(move, moving, column)))
        await leaveAlone(move, moving, column, cells, 'adopt/not-unique')
    }
    return handled
  }
}

async function handleEach(move: Move, moving: Moving, keys: readonly Key[]): Promise<Handled> {
  const all: Handled[] = []
  for (const key of keys) all.push(await handle(move, moving, [key], true))
  return one(all)
}
const one = (all: readonly Handled[]): Handled => ({
  done: all.flatMap((each) => each.done),
  carried: { sealed: all.flatMap((each) => each.carried.sealed), left: all.flatMap((each) => each.carried.left) },
})

const isSwitched = async (move: Move, { table }: Moving, column: PlanColumn): Promise<boolean> =>
  move.source.read(async (s) => (await stateOf(s, table, column)) === 'switched')

function attempt(move: Move, moving: Moving, keys: readonly Key[], how: 'put' | 'erase' | 'all'): Promise<Handled> {
  const { source } = move
  return own(source, async (session) => {
    const locked = await lockRows(session, moving.table, source.kind, keys, columnsOf(moving))
    const named = await name(session, move, moving, await place(session, move, moving, locked))
    const rows = named.filter((row) => !row.waits)
    const carried = await carry(move, moving, rows)
    await settle(session, source, moving, rows, carried)
    if (how !== 'put') await eraseBlanks(move, moving, rows)
    if (how === 'all')
      for (const column of moving.planned.columns) {
        const cells = carried.sealed.filter((cell) => cell.column === column)
        if (cells.length > 0 && (await stateOf(session, moving.table, column)) === 'switched')
          await replace(move, moving, column, cells, session)
      }
    return { done: rows.map(({ key }) => key), carried }
  })
}

/** Gives persons without a subject token one of their own. */
async function name(session: Session, move: Move, moving: Moving, rows: readonly Placed[]): Promise<Placed[]> {
  if (moving.planned.person !== 'row') return [...rows]
  const fresh = rows.filter((row) => row.subject === undefined).map((row) => ({ key: row.key, value: newSubject() }))
  await setColumn(session, moving.table, move.source.kind, SUBJECT, fresh)
  const given = new Map(fresh.map(({ key, value }) => [keyText(key), value]))
  return rows.map((row) => ({ ...row, subject: row.subject ?? given.get(keyText(row.key)) }))
}

async function eraseBlanks(move: Move, moving: Moving, rows: readonly Placed[]): Promise<void> {
  const cells = rows.flatMap((row) =>
    moving.planned.columns.flatMap((column) => {
      const value = row.row[column.column]
      if (row.subject === undefined || !isBlank(value) || isToken(value)) return []
      const place = placeOf(column, row.subject, row.row)
      return place ? [{ place }] : []
    }),
  )
  for (const part of parts(gather(cells)))
    await move.door.erase(
      move.plan.reason,
      part.map(({ at: { subject, collection, record }, cells }) => ({
        subject,
        collection,
        record,
        fields: cells.map(({ place }) => place.field),
      })),
    )
}
