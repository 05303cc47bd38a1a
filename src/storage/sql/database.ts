import type { ColumnDataType, Kysely, Transaction as KyselyTransaction } from 'kysely'
import { sql } from 'kysely'

export type Dialect = 'sqlite' | 'postgres'

/** A running transaction over the tables `T`. Inside it nothing but the transaction is awaited. */
export type Transaction<T> = KyselyTransaction<T>

/**
 * One store of one node: node:sqlite or PostgreSQL behind the same typed builder. A slice narrows it to its own tables
 * with `tables<T>()`; transactions may cross slices, so `transaction` is typed by the caller's tables as well.
 */
export type Database = AsyncDisposable & {
  readonly dialect: Dialect
  /** The builder, seen through the tables of one slice. */
  tables<T>(): Kysely<T>
  /** Runs `work` in one transaction; commits (durably) when it resolves, rolls back when it throws. */
  transaction<T, R>(work: (trx: Transaction<T>) => Promise<R>): Promise<R>
  /** One cheap round trip; throws when the store is away. */
  ping(): Promise<void>
  /** Makes what was deleted leave the files at once, where the store allows it: SQLite's log is emptied into its file. */
  forget(): Promise<void>
}

/** Column type for raw bytes. */
export const bytesType = (dialect: Dialect): ColumnDataType | ReturnType<typeof sql> =>
  dialect === 'sqlite' ? 'blob' : 'bytea'

/** Deadlock and serialisation failure: PostgreSQL has rolled all of it back and asks to be asked again. */
const AGAIN = new Set(['40P01', '40001'])
const TRIES = 5

async function retried<R>(run: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (tries === TRIES || !AGAIN.has((error as { code?: string }).code ?? '')) throw error
    }
  }
}

/** What the work threw is what the caller hears, also where taking it back fails because the connection has ended. */
async function inTransaction<T, R>(kysely: Kysely<T>, work: (trx: Transaction<T>) => Promise<R>): Promise<R> {
  let thrown: { readonly error: unknown } | undefined
  try {
    return await kysely.transaction().execute((trx) =>
      work(trx).catch((error: unknown) => {
        thrown = { error }
        throw error
      }),
    )
  } catch (error) {
    throw thrown === undefined ? error : thrown.error
  }
}

export function databaseOver(kysely: Kysely<unknown>, dialect: Dialect): Database {
  return {
    dialect,
    tables: <T>() => kysely as unknown as Kysely<T>,
    transaction: <T, R>(work: (trx: Transaction<T>) => Promise<R>) =>
      retried(() => inTransaction(kysely as unknown as Kysely<T>, work)),
    ping: async () => {
      await sql`select 1`.execute(kysely)
    },
    // PostgreSQL keeps old rows until its vacuum, and its log until it is recycled: docs/keeping.md says what that means.
    forget: async () => {},
    [Symbol.asyncDispose]: () => kysely.destroy(),
  }
}

/**
 * Makes transactions about the same `key` run one after the other. SQLite has one writer anyway; on PostgreSQL two that
 * both find nothing to change would otherwise both write.
 */
export async function oneAtATime(database: Database, trx: unknown, key: string): Promise<void> {
  if (database.dialect !== 'postgres') return
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(trx as Kysely<unknown>)
}

/** PostgreSQL: many transactions may be under this `key` at once; `heldOff` waits for those that are. */
export async function letPass(database: Database, trx: unknown, key: string): Promise<void> {
  if (database.dialect !== 'postgres') return
  await sql`select pg_advisory_xact_lock_shared(hashtextextended(${key}, 0))`.execute(trx as Kysely<unknown>)
}

/** Resolves when every transaction that was let pass before has ended, in whatever process. */
export async function heldOff(database: Database, key: string): Promise<void> {
  if (database.dialect !== 'postgres') return
  await database.transaction((trx) => oneAtATime(database, trx, key))
}
