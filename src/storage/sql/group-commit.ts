import type { ControlledTransaction, Kysely } from 'kysely'
import type { Transaction } from './database.ts'
import type { WriteAheadLog } from './write-ahead-log.ts'

type Waiting = {
  readonly work: (trx: Transaction<unknown>) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Begun = ControlledTransaction<unknown>

/** So many at most share a commit: whoever comes next shall not wait for all of a crowd. */
const MOST = 64

/**
 * Transactions for a store with one connection: those that came in the same turn of the event loop run one after the
 * other, each in a savepoint of its own, and share one commit. One that throws takes back only what it did itself; none
 * resolves before the commit is on the disk, and when that fails, all fail. While the disk is at it the next ones run.
 * bench/vault.ts: single requests, 16 in flight.
 */
export function groupCommit(kysely: Kysely<unknown>, wal: WriteAheadLog) {
  let queue: Waiting[] = []
  let running = false

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const group = queue.slice(0, MOST)
      queue = queue.slice(MOST)
      await together(group)
    }
    running = false
  }

  async function together(group: readonly Waiting[]): Promise<void> {
    let settle: readonly (() => void)[]
    try {
      const trx = await kysely.startTransaction().execute()
      try {
        settle = group.length === 1 ? [await alone(trx, group[0]!)] : await oneByOne(trx, group)
        await trx.commit().execute()
      } catch (error) {
        await trx
          .rollback()
          .execute()
          .catch(() => undefined)
        throw error
      }
    } catch (error) {
      // What was refused may have been refused for what another has just committed.
      settle = group.map(
        ({ reject }) =>
          () =>
            reject(error),
      )
    }
    void settled(group, settle)
  }

  async function settled(group: readonly Waiting[], settle: readonly (() => void)[]): Promise<void> {
    try {
      await wal.durable()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
    for (const done of settle) done()
  }

  async function alone(trx: Begun, { work, resolve }: Waiting): Promise<() => void> {
    const result = await work(trx)
    return () => resolve(result)
  }

  async function oneByOne(trx: Begun, group: readonly Waiting[]): Promise<(() => void)[]> {
    const settle: (() => void)[] = []
    for (const { work, resolve, reject } of group) {
      const own = await trx.savepoint('one').execute()
      try {
        const result = await work(own)
        await own.releaseSavepoint('one').execute()
        settle.push(() => resolve(result))
      } catch (error) {
        // Where SQLite has given up the whole transaction (disk full), there is no savepoint: this throws, for all.
        await own.rollbackToSavepoint('one').execute()
        await own.releaseSavepoint('one').execute()
        settle.push(() => reject(error))
      }
    }
    return settle
  }

  return <T, R>(work: (trx: Transaction<T>) => Promise<R>): Promise<R> =>
    new Promise<R>((resolve, reject) => {
      queue.push({ work, resolve, reject } as unknown as Waiting)
      if (running) return
      running = true
      // After whatever else has arrived by now has had its turn.
      setImmediate(run)
    })
}
