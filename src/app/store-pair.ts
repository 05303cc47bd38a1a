import { StartError } from '../kit/errors.ts'
import { newId, systemEntropy } from '../kit/ids.ts'
import type { Database, Migration } from '../storage/sql/index.ts'

type PairTables = { store_pair: { id: string }; store_key: { kek: string } }

export const pairMigrations: readonly Migration[] = [
  {
    name: '20261121T000010-create-store-pair',
    async up(db) {
      for (const [table, column] of [
        ['store_pair', 'id'],
        ['store_key', 'kek'],
      ] as const) {
        await db.schema
          .createTable(table)
          .addColumn(column, 'text', (c) => c.primaryKey())
          .execute()
      }
    },
  },
]

/**
 * The data belongs to the node key it was first opened with: under another it would be unreadable, and what is written
 * under both is lost to each. Errors: `data/other-key`.
 */
export async function checkKey(db: Database, kek: string): Promise<void> {
  const known = await db.tables<PairTables>().selectFrom('store_key').select('kek').executeTakeFirst()
  if (known === undefined) await db.tables<PairTables>().insertInto('store_key').values({ kek }).execute()
  else if (known.kek !== kek) {
    throw new StartError(
      'data/other-key',
      `The data was written under the key ${known.kek}, this node has ${kek}; start it with the key.json that belongs to the data.`,
      { status: 409 },
    )
  }
}

/**
 * Data and keys lie in two stores that were made together. Keys of another time, or new empty ones in the place of lost
 * ones, would quietly make every value unreadable. Errors: `data/keys-missing`.
 */
export async function checkPair(db: Database, keysDb: Database): Promise<void> {
  const idOf = (store: Database) => store.tables<PairTables>().selectFrom('store_pair').select('id').executeTakeFirst()
  const [data, keys] = [await idOf(db), await idOf(keysDb)]
  if (data === undefined && keys === undefined) {
    const id = newId('pair', Date.now(), systemEntropy)
    // Keys first: a crash between the two leaves keys without data, which is mended here at the next start.
    for (const store of [keysDb, db]) await store.tables<PairTables>().insertInto('store_pair').values({ id }).execute()
  } else if (data === undefined && keys !== undefined) {
    await db.tables<PairTables>().insertInto('store_pair').values({ id: keys.id }).execute()
  } else if (data?.id !== keys?.id) {
    throw new StartError(
      'data/keys-missing',
      'The key store (keys.db) does not belong to the data (control.db); put the right one back before starting.',
    )
  }
}
