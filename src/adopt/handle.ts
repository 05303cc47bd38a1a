import { isToken } from '../client/columns.ts'
import { newSubject } from '../client/index.ts'
import { keyText, lockRows, setColumn, words, type Key, type Session } from '../source/index.ts'
import { carry, clashes, isBlank, notUnique, replace, settle, type Sealed } from './carry.ts'
import { parts } from './door.ts'
import { own, SUBJECT, switchedAmong, type Move, type Moving } from './move.ts'
import { columnsOf, gather, place, placeOf, type Placed } from './places.ts'
import { leave } from './state.ts'

/**
 * Brings rows into the vault while holding them: nobody changes a row between its being read and its being put. Rows that
 * another transaction holds are left out at once. `follows`: cells that became empty are erased there, and cells of
 * switched columns get their tokens. Where a unique index says no, half of the rows and the other half, down to the one row
 * whose cell clashes. Returns keys whose rows are done; the others were locked, wait for their person, or are gone.
 */
export async function handle(move: Move, moving: Moving, keys: readonly Key[], follows: boolean): Promise<Key[]> {
  try {
    return await attempt(move, moving, keys, follows ? 'follow' : 'put')
  } catch (error) {
    if (!follows || !clashes(error)) throw error
    if (keys.length === 1) return attempt(move, moving, keys, 'cell by cell')
    const half = Math.ceil(keys.length / 2)
    const some = await handle(move, moving, keys.slice(0, half), true)
    return [...some, ...(await handle(move, moving, keys.slice(half), true))]
  }
}

type How = 'put' | 'follow' | 'cell by cell'

function attempt(move: Move, moving: Moving, keys: readonly Key[], how: How): Promise<Key[]> {
  const { source } = move
  return own(source, async (session) => {
    const locked = await lockRows(session, moving.table, source.kind, keys, columnsOf(moving))
    const named = await name(session, move, moving, await place(session, move, moving, locked))
    const rows = named.filter((row) => !row.waits)
    const carried = await carry(move, moving, rows)
    await settle(session, source, moving, rows, carried)
    if (how !== 'put') {
      await eraseBlanks(move, moving, rows)
      const switched = await switchedAmong(session, moving)
      const cells = carried.sealed.filter(({ column }) => switched.has(column))
      if (how === 'follow') await replace(move, moving, cells, session)
      else await replaceEach(move, moving, cells, session)
    }
    return rows.map(({ key }) => key)
  })
}

/** Each cell by itself; those that clash stay. */
async function replaceEach(move: Move, moving: Moving, cells: readonly Sealed[], session: Session): Promise<void> {
  for (const cell of cells) {
    await session.run(words('savepoint khien_cell'))
    try {
      await replace(move, moving, [cell], session)
    } catch (error) {
      if (!clashes(error)) throw error
      await session.run(words('rollback to savepoint khien_cell'))
      await leave(session, move.source.kind, [notUnique(moving, cell)])
    }
  }
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
