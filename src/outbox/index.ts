import type { Clock } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import { newId, type Entropy } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Database, Transaction } from '../storage/sql/index.ts'
import type { OutboxTables } from './store.ts'

export { outboxMigrations } from './store.ts'

export type Payload = Readonly<Record<string, string | number | boolean>>
/** Must be idempotent: after a crash it runs again with the same payload. */
export type OutboxHandler = (payload: Payload) => Promise<void>

export type Outbox = AsyncDisposable & {
  /** Leaves an event in the caller's transaction: it will be handled if, and only if, that transaction commits. */
  emit(trx: unknown, topic: string, payload: Payload): Promise<void>
  handle(topic: string, handler: OutboxHandler): void
  /** Work that repeats; a failure is said and tried again at the next turn. */
  every(name: string, ms: number, work: () => Promise<unknown>): void
  start(): void
  /** Handles what is due now; resolves with how many were done. */
  drain(): Promise<number>
  pending(): Promise<number>
}

const POLL_MS = 250
const BATCH = 50
/** Handlers of one topic that run at once. */
const WIDTH = 4
/** How long a taken event is another process's, should this one die with it. */
const LEASE_MS = 60_000
const LONGEST_WAIT_MS = 3_600_000

/** Events that outlive a crash, handled at least once, in the background; and jobs on a schedule. */
export function openOutbox(ctx: {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
}): Outbox {
  const { db, clock, log } = ctx
  const handlers = new Map<string, OutboxHandler>()
  const timers = new Set<NodeJS.Timeout>()
  let stopped = false
  let running: Promise<unknown> = Promise.resolve()

  /** What runs now, by topic: a recipient that hangs holds up its own topic, and of that a fourth. */
  const lanes = new Map<string, Promise<number>>()

  async function drain(): Promise<number> {
    return (await Promise.all(await start())).reduce((sum, done) => sum + done, 0)
  }

  /** Sets going every topic that has something due and does not run yet. */
  async function start(): Promise<Promise<number>[]> {
    const topics = [...handlers.keys()].filter((topic) => !lanes.has(topic))
    if (topics.length === 0) return []
    const due = await db
      .tables<OutboxTables>()
      .selectFrom('outbox')
      .select('topic')
      .distinct()
      .where('next_at', '<=', clock())
      .where('topic', 'in', topics)
      .execute()
    return due.flatMap(({ topic }) => {
      if (stopped || lanes.has(topic)) return []
      const lane = work(topic).finally(() => lanes.delete(topic))
      lanes.set(topic, lane)
      return [lane]
    })
  }

  async function work(topic: string): Promise<number> {
    const due = await db
      .tables<OutboxTables>()
      .selectFrom('outbox')
      .selectAll()
      .where('topic', '=', topic)
      .where('next_at', '<=', clock())
      .orderBy('next_at')
      .orderBy('id')
      .limit(BATCH)
      .execute()
    let done = 0
    const hand = async (): Promise<void> => {
      for (let event = due.shift(); event !== undefined && !stopped; event = due.shift()) if (await pass(event)) done++
    }
    await Promise.all(Array.from({ length: WIDTH }, hand))
    return done
  }

  async function pass(event: OutboxTables['outbox']): Promise<boolean> {
    const handler = handlers.get(event.topic)!
    // Whoever moves next_at first has it; a second process sees no row changed and leaves it.
    const taken = await db
      .tables<OutboxTables>()
      .updateTable('outbox')
      .set({ next_at: clock() + LEASE_MS, tries: event.tries + 1 })
      .where('id', '=', event.id)
      .where('next_at', '=', event.next_at)
      .executeTakeFirst()
    if (Number(taken.numUpdatedRows) !== 1) return false
    try {
      await handler(JSON.parse(event.payload) as Payload)
      await db.tables<OutboxTables>().deleteFrom('outbox').where('id', '=', event.id).execute()
      return true
    } catch (error) {
      const wait = Math.min(LONGEST_WAIT_MS, 1_000 * 2 ** Math.min(event.tries, 12))
      await db
        .tables<OutboxTables>()
        .updateTable('outbox')
        .set({ next_at: clock() + wait })
        .where('id', '=', event.id)
        .execute()
      log.warn('outbox.retry', {
        topic: event.topic,
        tries: event.tries + 1,
        code: error instanceof KhienError ? error.code : 'failed',
      })
      return false
    }
  }

  function repeat(name: string, ms: number, work: () => Promise<unknown>): void {
    const turn = async (): Promise<void> => {
      timers.delete(timer)
      running = work().catch((error: unknown) => log.warn('job.failed', { job: name, error: nameOf(error) }))
      await running
      if (!stopped) arm()
    }
    let timer: NodeJS.Timeout
    const arm = (): void => {
      timer = setTimeout(turn, ms).unref()
      timers.add(timer)
    }
    arm()
  }

  return {
    async emit(trx, topic, payload) {
      const now = clock()
      const row = {
        id: newId('evt', now, ctx.entropy),
        topic,
        payload: JSON.stringify(payload),
        at: now,
        tries: 0,
        next_at: now,
      }
      await (trx as Transaction<OutboxTables>).insertInto('outbox').values(row).execute()
    },
    handle: (topic, handler) => void handlers.set(topic, handler),
    every: repeat,
    start: () =>
      repeat('outbox', POLL_MS, async () => {
        for (const lane of await start())
          lane.catch((error: unknown) => log.warn('job.failed', { job: 'outbox', error: nameOf(error) }))
      }),
    drain,
    async pending() {
      const row = await db
        .tables<OutboxTables>()
        .selectFrom('outbox')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await running
      await Promise.allSettled(lanes.values())
    },
  }
}

/** A code where there is one; a message may hold what it was about. */
const nameOf = (error: unknown): string =>
  error instanceof KhienError ? error.code : error instanceof Error ? error.name : 'unknown'
