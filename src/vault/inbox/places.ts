import { letPass, oneAtATime, type Database, type Transaction } from '../../storage/sql/index.ts'
import type { PutItem } from '../put.ts'
import { PLACE, type VaultTables } from '../store.ts'
import type { InboxTables } from './store.ts'

type Tables = VaultTables & InboxTables
type Place = { readonly subject: string; readonly collection: string; readonly record: string; readonly field: string }

const ROWS = 100
/** Of a place that holds nothing yet; nobody outside the transaction ever sees one. */
const NOTHING = -1
const ERASING = 'vault erasing'
/** In the stead of a field: all of the record. */
const ALL = '*'

/**
 * Holds the places of these fields, so that what stands there, or was erased there, is not written over by an older item.
 * A place that was erased after some item's time counts as written at that time. On PostgreSQL every place is held, filled
 * or not: a `put` of the same moment is either seen or waits. `releasePlaces` ends it.
 */
export async function holdPlaces(
  db: Database,
  transaction: Transaction<VaultTables>,
  items: readonly PutItem[],
): Promise<void> {
  const trx = transaction as unknown as Transaction<Tables>
  await letPass(db, trx, ERASING)
  const erased = await erasedPlaces(trx, items)
  const places = items
    .flatMap(({ subject, collection, record, fields }) =>
      Object.keys(fields).map((field) => ({ subject, collection, record, field })),
    )
    .map((place) => ({
      ...place,
      at: Math.max(NOTHING, ...[place.field, ALL].map((field) => erased.get(nameOf({ ...place, field })) ?? NOTHING)),
    })) // prettier-ignore
    .filter(({ at }) => db.dialect === 'postgres' || at !== NOTHING)
    // In the order of put.ts: two that hold the same places must not wait for each other crosswise.
    .toSorted((a, b) => {
      const unlike = PLACE.find((name) => a[name] !== b[name])
      return unlike === undefined ? 0 : a[unlike] < b[unlike] ? -1 : 1
    })
  for (let from = 0; from < places.length; from += ROWS)
    await trx
      .insertInto('vault_value')
      .values(places.slice(from, from + ROWS).map((place) => ({ ...place, sealed: Uint8Array.of() })))
      .onConflict((c) => c.columns([...PLACE]).doUpdateSet((eb) => ({ at: eb.ref('vault_value.at') })))
      .execute()
}

/** Takes away the places into which nothing came: every value that was sealed has bytes. */
export async function releasePlaces(trx: Transaction<VaultTables>, items: readonly PutItem[]): Promise<void> {
  await trx
    .deleteFrom('vault_value')
    .where('subject', 'in', [...new Set(items.map((item) => item.subject))])
    .where((eb) => eb(eb.fn('length', ['sealed']), '=', 0))
    .execute()
}

/** Times from which on a writing of a place counts again. */
async function erasedPlaces(trx: Transaction<Tables>, items: readonly PutItem[]): Promise<Map<string, number>> {
  const rows = await trx
    .selectFrom('vault_erased_place')
    .selectAll()
    .where('subject', 'in', [...new Set(items.map((item) => item.subject))])
    .execute()
  return new Map(rows.map((row) => [nameOf(row), Number(row.at) + 1]))
}

const nameOf = ({ subject, collection, record, field }: Place): string => `${subject} ${collection} ${record} ${field}`

/**
 * Notes in the transaction that erases what is erased, held or not: an app may have written it while the vault was away.
 * To be called before anything is deleted.
 */
export async function noteErased(
  db: Database,
  transaction: Transaction<VaultTables>,
  items: readonly (Omit<Place, 'field'> & { readonly fields?: readonly string[] | undefined })[],
  at: number,
): Promise<void> {
  const trx = transaction as unknown as Transaction<Tables>
  await oneAtATime(db, trx, ERASING)
  const places = items.flatMap(({ subject, collection, record, fields }) =>
    [...new Set(fields ?? [ALL])].map((field) => ({ subject, collection, record, field, at })),
  )
  const rows = [...new Map(places.map((place) => [nameOf(place), place])).values()]
  for (let from = 0; from < rows.length; from += ROWS)
    await trx
      .insertInto('vault_erased_place')
      .values(rows.slice(from, from + ROWS))
      .onConflict((c) => c.columns([...PLACE]).doUpdateSet({ at }))
      .execute()
}
