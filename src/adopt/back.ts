import { isToken } from '../client/columns.ts'
import { countRows, keyText, lockRows, setColumn, type Key } from '../source/index.ts'
import { demandGiven, read, type Compare } from './compare.ts'
import { alone } from './copy.ts'
import { parts } from './door.ts'
import { lanesOf, walk } from './lanes.ts'
import { columnIn, note, own, patiently, stateName, tokens, type Move, type Moving } from './move.ts'
import { columnsOf, place, placeOf } from './places.ts'
import type { PlanColumn } from './plan.ts'
import { gauge, type Progress } from './progress.ts'
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
export async function backColumn(
  move: Move,
  named: string,
  onProgress?: (cells: number, progress: Progress) => void,
): Promise<Back> {
  const { column, ...moving } = columnIn(move, named)
  const { source } = move
  await using _ = await alone(move, `back ${named}`)
  await note(move, (s) => remember(s, source.kind, stateName(moving.table, column), 'back'))
  const where = tokens(source, column.column)
  let restored = 0
  const told = onProgress && gauge(await source.read((s) => countRows(s, moving.table, where)), (p) => onProgress(restored, p))
  let seen = 0
  let left: Left[] = []
  for (let pass = 1; pass <= PASSES; pass++) {
    left = []
    const before = { restored, seen }
    await walk(move, moving, {
      columns: [],
      where,
      limit: PAGE,
      lanes: lanesOf(source.kind),
      async visit(move, rows) {
        const keys = rows.map(({ key }) => key)
        const done = await patiently(move, `bringing back ${named}`, () => restore(move, moving, column, keys))
        restored += done.restored
        left.push(...done.left)
      },
      passed(rows) {
        seen += rows.length
        told?.(moving.table.label, seen)
      },
    })
    const round = seen - before.seen
    if (round === 0 || (restored === before.restored && left.length === round)) break
  }
  for (const part of parts(left, 1_000)) await note(move, (s) => leave(s, source.kind, part))
  return { restored, tokens: await source.read((s) => countRows(s, moving.table, where)), left }
} // prettier-ignore

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
