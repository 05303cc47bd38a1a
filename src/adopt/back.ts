import { isToken } from '../client/columns.ts'
import { KhienError } from '../kit/errors.ts'
import { countRows, keyText, lockRows, page, setColumn, type Key } from '../source/index.ts'
import { demandGiven, read, type Compare } from './compare.ts'
import { alone } from './copy.ts'
import { columnIn, note, own, patiently, stateName, tokens, type Move, type Moving } from './move.ts'
import { columnsOf, place, placeOf } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { leave, remember, type Left } from './state.ts'

/** Few at once: they are locked while the vault is asked. */
const PAGE = 100
const PASSES = 20

export type Back = {
  readonly restored: number
  /** Cells that hold tokens still: written by the app meanwhile, or not given out. */
  readonly tokens: number
  readonly left: readonly Left[]
}

/**
 * Puts values back where tokens stand. A row is held while its value is read, so that nothing the app writes meanwhile is
 * overwritten. Goes round until a round finds no token, or the same that are not given out.
 */
export async function backColumn(move: Move, named: string, onProgress?: (rows: number) => void): Promise<Back> {
  const { column, ...moving } = columnIn(move, named)
  await using _ = await alone(move, `back ${named}`)
  await note(move, (s) => remember(s, move.source.kind, stateName(moving.table, column), 'back'))
  let restored = 0
  let left: Left[] = []
  for (let pass = 1; pass <= PASSES; pass++) {
    left = []
    const before = restored
    let after: Key | undefined
    let seen = 0
    for (;;) {
      const keys = await patiently(move, `reading ${moving.table.label}`, () => pageOf(move, moving, column, after))
      if (keys.length === 0) break
      if (move.signal.aborted) throw new KhienError('adopt/stopped', 'Stopped; the same command goes on from here.')
      after = keys.at(-1)
      seen += keys.length
      const done = await patiently(move, `bringing back ${named}`, () => restore(move, moving, column, keys))
      restored += done.restored
      left.push(...done.left)
      onProgress?.(restored)
      if (keys.length < PAGE) break
    }
    if (seen === 0 || (restored === before && left.length === seen)) break
  }
  const { source } = move
  await note(move, (s) => leave(s, source.kind, left))
  return { restored, tokens: await source.read((s) => countRows(s, moving.table, tokens(source, column.column))), left }
}

async function pageOf({ source }: Move, { table }: Moving, column: PlanColumn, after: Key | undefined): Promise<Key[]> {
  const rows = await source.read((s) =>
    page(s, table, source.kind, { columns: [], after, where: tokens(source, column.column), limit: PAGE }),
  )
  return rows.map(({ key }) => key)
}

function restore(
  move: Move,
  moving: Moving,
  column: PlanColumn,
  keys: readonly Key[],
): Promise<{ restored: number; left: Left[] }> {
  const { source } = move
  return own(source, async (s) => {
    const rows = await place(s, move, moving, await lockRows(s, moving.table, source.kind, keys, columnsOf(moving)))
    const left: Left[] = []
    const stays = (key: Key, code: string): void =>
      void left.push({ table: moving.table.label, key: keyText(key), column: column.column, code })
    const cells = rows.flatMap((row): Compare[] => {
      // Read again under the lock: the app may have written its own value since.
      if (!isToken(row.row[column.column])) return []
      const at = row.subject === undefined ? undefined : placeOf(column, row.subject, row.row)
      if (!at) stays(row.key, 'adopt/no-person')
      return at ? [{ row, column, place: at, value: row.row[column.column] ?? null }] : []
    })
    const held = await read(move, cells)
    demandGiven(move, column, [...held.values()])
    const changes: { key: Key; value: string }[] = []
    for (const cell of cells) {
      const there = held.get(cell)!
      if ('refused' in there) stays(cell.row.key, there.refused)
      else if (there.value === null) stays(cell.row.key, 'vault/nothing-held')
      else changes.push({ key: cell.row.key, value: there.value })
    }
    await setColumn(s, moving.table, source.kind, column.column, changes)
    return { restored: changes.length, left }
  })
}
