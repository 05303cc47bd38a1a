import { hash } from 'node:crypto'
import { parts } from './door.ts'
import type { Move } from './move.ts'
import type { Place } from './places.ts'
import type { PlanColumn } from './plan.ts'

const SIGNS = '0123456789abcdefghjkmnpqrstvwxyz'

/** `placeToken` of the client without waiting for a thread: a move makes it for millions of cells, several times. */
export function tokenOf({ subject, collection, record, field }: Place): string {
  const bytes = hash('sha256', ['khien place', subject, collection, record, field].join('\u0000'), 'buffer')
  let token = 'kh_'
  for (let i = 0; i < 18; i++) token += SIGNS[bytes[i]! & 31]!
  return token
}

type Valued = { readonly column: PlanColumn; readonly place: Place; readonly value: string }

/**
 * What stands for these values once they are switched, in their order: by the vault for fields with stable tokens, all
 * fields asked for at the same time, which it keeps in one commit; by the place for others.
 */
export async function tokensFor(move: Move, cells: readonly Valued[]): Promise<string[]> {
  const made = new Map<Valued, string>()
  const byField = new Map<string, Valued[]>()
  for (const cell of cells)
    if (!move.stable(cell.column.to)) made.set(cell, tokenOf(cell.place))
    else if (!byField.get(cell.column.to)?.push(cell)) byField.set(cell.column.to, [cell])
  const calls = [...byField].flatMap(([to, list]) => [...parts(list)].map((part) => ({ to, part })))
  await Promise.all(
    calls.map(async ({ to, part }) => {
      const [collection, field] = to.split('.') as [string, string]
      const tokens = await move.door.tokens(
        collection,
        field,
        part.map(({ value }) => value),
      )
      for (const [i, cell] of part.entries()) made.set(cell, tokens[i]!)
    }),
  )
  return cells.map((cell) => made.get(cell)!)
}
