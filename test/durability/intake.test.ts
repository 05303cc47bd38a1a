import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openIntake, type Intake } from '../../src/intake/index.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { startIntakeProcesses, until, type IntakeProcesses } from './intake-processes.ts'

// Real kills of either process under load: every acknowledged event is in the event store exactly once, and the ledger
// adds up at every moment. KHIEN_KILLS=100 for a long run.

const KILLS = Number(process.env['KHIEN_KILLS'] ?? 10)
const SENDERS = 3
const DAY_MS = 86_400_000

type Sent = { readonly lines: number; readonly ids: readonly string[] }

/** A batch of accesses of three months, so that one segment becomes several parts; every seventh line is wrong. */
function newBatch(name: string, now: number): Sent & { readonly body: Buffer } {
  const ids: string[] = []
  const lines = Array.from({ length: 1 + randomInt(120) }, (_, i) => {
    const id = `${name}-${i}`
    if (i % 7 === 3) return JSON.stringify({ id, time: now, kind: 'gateway.access', surprise: 1 })
    ids.push(id)
    return JSON.stringify({
      id,
      time: now - (i % 3) * 31 * DAY_MS,
      kind: 'dns.query',
      clientAddress: `198.18.${i % 4}.${i % 250}`,
      query: `h${i}.example.vn`,
    })
  })
  return { lines: lines.length, ids, body: Buffer.from(lines.join('\n')) }
}

function sender(intake: Intake, name: string, acknowledged: Sent[], signal: AbortSignal): Promise<void> {
  return (async () => {
    for (let n = 0; !signal.aborted; n++) {
      const batch = newBatch(`${name}-${n}`, Date.now())
      const post = () => intake.post('service:test', `${name}-${n}`, batch.body)
      const answer = await again(post)
      assert.equal(answer.accepted, batch.ids.length)
      assert.equal(answer.rejectedTotal, batch.lines - batch.ids.length)
      acknowledged.push(batch)
      if (n % 5 === 0) {
        const repeated = await again(post)
        assert.deepEqual([repeated.duplicate, repeated.accepted], [true, batch.ids.length])
      }
    }
  })()
}

async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if ((error as { status?: number }).status !== 503 || tries > 400) throw error
      await sleep(20)
    }
  }
}

/** At every look: the sum is exact, and holds at least what had been acknowledged when it was asked for. */
async function watchLedger(intake: Intake, acknowledged: readonly Sent[], signal: AbortSignal): Promise<number> {
  let looks = 0
  while (!signal.aborted) {
    const least = acknowledged.reduce((sum, { lines }) => sum + lines, 0)
    const ledger = await intake.ledger().catch(() => undefined)
    if (ledger) {
      looks++
      assert.ok(ledger.received >= least, `${ledger.received} of ${least}`)
      assert.ok(ledger.balanced, JSON.stringify(ledger))
    }
    await sleep(40)
  }
  return looks
}

async function idsInStore(intake: Intake): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await intake.search({ from: '2020-01-01T00:00:00Z', limit: 1_000, cursor })
    ids.push(...page.events.map(({ id }) => id))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return ids
}

const openOn = (processes: IntakeProcesses): Intake =>
  openIntake({ ...processes, tokenKey: randomBytes(32), clock: systemClock, entropy: systemEntropy })

test(`killed ${KILLS} times at any moment, every acknowledged event is stored exactly once`, async () => {
  await using processes = await startIntakeProcesses({ sealMs: 150 })
  await using intake = openOn(processes)
  const stop = new AbortController()
  const acknowledged: Sent[] = []
  const senders = Promise.all(
    Array.from({ length: SENDERS }, (_, i) => sender(intake, `s${i}`, acknowledged, stop.signal)),
  )
  const looks = watchLedger(intake, acknowledged, stop.signal)
  // A fault of theirs ends the test at once instead of after all kills.
  const fault = Promise.all([senders, looks]).then(() => {})
  const kill = async (): Promise<void> => {
    for (let i = 0; i < KILLS; i++) {
      await sleep(50 + randomInt(300))
      await processes.kill(i % 2 === 0 ? 'intake' : 'store')
    }
    stop.abort()
  }
  await Promise.all([kill(), fault])
  const wanted = acknowledged.flatMap(({ ids }) => ids)
  const ledger = await until(intake.ledger, ({ pending, gap }) => pending === 0 && gap === 0)
  assert.deepEqual(
    {
      received: ledger.received,
      stored: ledger.stored,
      inStore: ledger.inStore,
      rejected: ledger.rejected,
      balanced: ledger.balanced,
    },
    {
      received: acknowledged.reduce((sum, { lines }) => sum + lines, 0),
      stored: wanted.length,
      inStore: wanted.length,
      rejected: { field: ledger.received - wanted.length },
      balanced: true,
    },
  )
  const found = await idsInStore(intake)
  assert.equal(found.length, wanted.length)
  // Each stands behind eight signs for its sender.
  assert.deepEqual(new Set(found.map((id) => id.slice(9))), new Set(wanted))
  assert.ok((await looks) > KILLS)
})

test('while the store is away batches are acknowledged and searches say so; it catches up', async () => {
  await using processes = await startIntakeProcesses({ sealMs: 100 })
  await using intake = openOn(processes)
  await processes.stop('store')
  const batch = newBatch('away', Date.now())
  assert.equal((await intake.post('service:test', 'away', batch.body)).accepted, batch.ids.length)
  await assert.rejects(intake.search({ limit: 1 }), { code: 'events/store-away', status: 503, retryAfter: 2 })
  const { pending, inStore, gap, balanced } = await intake.ledger()
  assert.deepEqual(
    { pending, inStore, gap, balanced },
    { pending: batch.ids.length, inStore: null, gap: null, balanced: true },
  )
  await processes.start('store')
  await until(intake.ledger, (ledger) => ledger.stored === batch.ids.length && ledger.gap === 0)
})

test('what the store does not hold shows as a gap', async () => {
  await using processes = await startIntakeProcesses({ sealMs: 100 })
  await using intake = openOn(processes)
  const batch = newBatch('gone', Date.now())
  await intake.post('service:test', 'gone', batch.body)
  await until(intake.ledger, (ledger) => ledger.gap === 0 && ledger.pending === 0)
  await processes.stop('store')
  const { rm } = await import('node:fs/promises')
  await rm(`${processes.folder}/events/chdb`, { recursive: true })
  await processes.start('store')
  const ledger = await until(intake.ledger, ({ inStore }) => inStore !== null)
  assert.deepEqual([ledger.gap, ledger.balanced], [-batch.ids.length, false])
})

test('waiting segments beyond the cap are refused with 503 and counted', async () => {
  await using processes = await startIntakeProcesses({ maxPendingBytes: 20_000 })
  await using intake = openOn(processes)
  await processes.stop('store')
  let accepted = 0
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 50; n++)
      accepted += (await intake.post('service:test', `f${n}`, newBatch(`f${n}`, Date.now()).body)).accepted
  }
  await assert.rejects(fill(), { code: 'events/full', status: 503, retryAfter: 5 })
  const ledger = await intake.ledger()
  assert.deepEqual([ledger.refusedBatches, ledger.pending, ledger.balanced], [1, accepted, true])
})
