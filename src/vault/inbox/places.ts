import type { Transaction } from '../../storage/sql/index.ts'
import type { PutItem } from '../put.ts'
import { PLACE, type VaultTables } from '../store.ts'

const ROWS = 100
/** Of a place that holds nothing yet; nobody outside the transaction ever sees one. */
const NOTHING = -1

/**
 * PostgreSQL: holds the places of these fields, filled or not, so that a `put` of the same moment is either seen here
 * or waits; else an older item could be laid over the newer value it did not see. `releasePlaces` ends it.
 */
export async function holdPlaces(trx: Transaction<VaultTables>, items: readonly PutItem[]): Promise<void> {
  const places = items
    .flatMap(({ subject, collection, record, fields }) =>
      Object.keys(fields).map((field) => ({ subject, collection, record, field })),
    )
    // In the order of put.ts: two that hold the same places must not wait for each other crosswise.
    .toSorted((a, b) => {
      const unlike = PLACE.find((name) => a[name] !== b[name])
      return unlike === undefined ? 0 : a[unlike] < b[unlike] ? -1 : 1
    })
  for (let from = 0; from < places.length; from += ROWS)
    await trx
      .insertInto('vault_value')
      .values(places.slice(from, from + ROWS).map((place) => ({ ...place, sealed: Uint8Array.of(), at: NOTHING })))
      .onConflict((c) => c.columns([...PLACE]).doUpdateSet((eb) => ({ at: eb.ref('vault_value.at') })))
      .execute()
}

/** Takes away the places into which nothing came. */
export async function releasePlaces(trx: Transaction<VaultTables>, items: readonly PutItem[]): Promise<void> {
  await trx
    .deleteFrom('vault_value')
    .where('subject', 'in', [...new Set(items.map((item) => item.subject))])
    .where('at', '=', NOTHING)
    .execute()
}
