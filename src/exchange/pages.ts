import { badRequest } from '../kit/errors.ts'

/** The opaque cursor of a list that goes from new to old by id (ids sort by time of birth). */
export const printCursor = (id: string): string => Buffer.from(id).toString('base64url')

export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^[a-z]{2,5}_[0-9A-Z]{26}$/.test(id))
    throw badRequest('exchange/bad-cursor', 'cursor: expected what an earlier answer gave.', 'query.cursor')
  return id
}

/** One page of rows that were read one longer than `limit`. */
export function pageOf<R extends { readonly id: string }, T>(
  rows: readonly R[],
  limit: number,
  view: (row: R) => T,
): { items: T[]; next: string | null } {
  const shown = rows.slice(0, limit)
  return {
    items: shown.map(view),
    next: rows.length > limit ? printCursor(shown.at(-1)!.id) : null,
  }
}

/** How many rows from the first on have at most `most` bytes together; a first that is larger goes alone. */
export function fitting(rows: readonly { readonly size: number }[], most: number): number {
  let bytes = 0
  const end = rows.findIndex(({ size }, i) => (bytes += size) > most && i > 0)
  return end < 0 ? rows.length : end
}
