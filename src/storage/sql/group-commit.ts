import type { Kysely } from 'kysely'
import type { Transaction } from './database.ts'

type Waiting = {
  readonly work: (trx: Transaction<unknown>) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** So many at most share a commit: whoever comes next shall not wait for all of a crowd. */
const MOST = 64

/**
 * Transactions for a store with one connection, where each commit waits for the disk and everybody waits for it: those
 * that came in the same turn of the event loop run one after the other, each in a savepoint of its own, and share one
 * commit. One that throws takes back only what it did itself; none resolves before the commit is on the disk, and when
 * that fails, all fail. Alone, a transaction is an ordinary one. bench/vault.ts: single requests, 16 in flight.
 */
export function groupCommit(kysely: Kysely<unknown>) {
  let queue: Waiting[] = []
  let running = false

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const group = queue.slice(0, MOST)
      queue = queue.slice(MOST)
      await (group.length === 1 ? alone(group[0]!) : together(group))
    }
    running = false
  }

  const alone = ({ work, resolve, reject }: Waiting): Promise<void> =>
    kysely.transaction().execute(work).then(resolve, reject)

  async function together(group: readonly Waiting[]): Promise<void> {
    const settle: (() => void)[] = []
    try {
      const trx = await kysely.startTransaction().execute()
      try {
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
        await trx.commit().execute()
      } catch (error) {
        await trx
          .rollback()
          .execute()
          .catch(() => undefined)
        throw error
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    for (const done of settle) done()
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
