import type { Erased } from '../../backup/index.ts'
import { StartError } from '../../kit/errors.ts'
import { sealPlace } from '../../vault/put.ts'
import type { KeyTables, VaultTables } from '../../vault/store.ts'
import type { Secrets } from '../secrets.ts'
import type { Stores } from '../stores.ts'

const A_STATEMENT = 500
const A_SAMPLE = 20

/**
 * Takes people who were erased out of stores that were put back: their keys first. The vault knows of them again, so that
 * their tokens are never given out anew and it ends what the log says of them. Answers whose keys were there.
 */
export async function takeOut(stores: Stores, people: readonly Erased[]): Promise<number> {
  let found = 0
  for (let from = 0; from < people.length; from += A_STATEMENT) {
    const part = people.slice(from, from + A_STATEMENT)
    const some = part.map(({ subject }) => subject)
    const gone = await stores.keysDb
      .tables<KeyTables>()
      .deleteFrom('subject_key')
      .where('subject', 'in', some)
      .executeTakeFirst()
    found += Number(gone.numDeletedRows)
    await stores.db.transaction<VaultTables, void>(async (trx) => {
      for (const table of ['vault_index', 'vault_value'] as const)
        await trx.deleteFrom(table).where('subject', 'in', some).execute()
      await trx
        .insertInto('vault_shred')
        .values(
          part.map(({ subject, id, at }) => ({
            subject,
            id,
            at,
            until: null,
            fields: 0,
            receipt: '',
            // The vault ends it by its own rules when it starts: what else it kept of them, and what the log says.
            destroyed_at: null,
            finished_at: null,
          })),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    })
  }
  return found
}

export type Sample = { readonly opened: number; readonly tried: number; readonly collections: number }

/** Opens some values of every collection, and shows none. Whoever was erased is out: a value without a key counts as one that does not open. */
export async function openSample(stores: Stores, secrets: Secrets): Promise<Sample> {
  const values = stores.db.tables<VaultTables>()
  const collections = await values.selectFrom('vault_value').select('collection').distinct().execute()
  let [opened, tried] = [0, 0]
  for (const { collection } of collections) {
    const rows = await values
      .selectFrom('vault_value')
      .selectAll()
      .where('collection', '=', collection)
      .limit(A_SAMPLE)
      .execute()
    for (const row of rows) {
      const key = await stores.keysDb
        .tables<KeyTables>()
        .selectFrom('subject_key')
        .select(['version', 'kek', 'wrapped'])
        .where('subject', '=', row.subject)
        .executeTakeFirst()
      tried++
      if (key !== undefined && opens(secrets, row, key)) opened++
    }
  }
  return { opened, tried, collections: collections.length }
}

/** Errors: `data/other-key` for people's keys that were wrapped after this key.json was copied. */
export async function checkWrapping(stores: Stores, secrets: Secrets): Promise<void> {
  const keks = await stores.keysDb.tables<KeyTables>().selectFrom('subject_key').select('kek').distinct().execute()
  const unknown = keks.find(({ kek }) => secrets.wrapping.of(kek) === undefined)
  if (unknown !== undefined)
    throw new StartError(
      'data/other-key',
      `People's keys in the backup are wrapped by ${unknown.kek}, which this key.json does not have: the node's key was rotated after the file was copied. Take the newest copy of key.json.`,
      { status: 409 },
    )
}

/** Whether a sealed value opens under its person's key. */
export function opens(
  secrets: Secrets,
  row: VaultTables['vault_value'],
  { version, kek, wrapped }: Pick<KeyTables['subject_key'], 'version' | 'kek' | 'wrapped'>,
): boolean {
  try {
    const key = secrets.sealer.unwrap(secrets.wrapping.of(kek)!, wrapped, {
      node: secrets.node,
      subject: row.subject,
      version,
    })
    secrets.sealer.open(key, row.sealed, sealPlace(secrets.node, row, row.field)).fill(0)
    return true
  } catch {
    return false
  }
}
