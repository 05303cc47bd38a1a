import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { SupervisedProcess } from '../../src/app/supervised-process.ts'
import type { Ledger } from '../../src/intake/contract.ts'
import { KhienError } from '../../src/kit/errors.ts'
import { eventStore, socketClient } from '../../src/storage/events/index.ts'
import { runningNode } from '../running-node.ts'
import { drilledOf, folder, madeBy, restored, twoPlaces } from './places.ts'

const root = join(import.meta.dirname, '..', '..')

/** The intake and the event store of a node's folder, as the supervisor runs them. */
async function eventProcesses(at: string) {
  mkdirSync(join(at, 'run'), { recursive: true })
  const config = { folder: at, nodeSocket: join(at, 'run', 'node.sock'), sigma: join(root, 'rules', 'sigma') }
  const start = (which: string): SupervisedProcess => {
    const module = join(root, 'src', 'app', 'processes', `${which}.ts`)
    return new SupervisedProcess(
      { name: which, module, config, restart: false },
      { root, compileCache: undefined },
      true,
    )
  }
  const processes = [start('store'), start('intake')]
  await Promise.all(processes.map((one) => one.ready()))
  const intake = socketClient(join(at, 'run', 'intake.sock'), () => new KhienError('away', 'away'))
  return {
    post: (batch: string, lines: string) =>
      intake.ask<{ accepted: number }>('POST', `/batches?source=app&batch=${batch}`, lines),
    ledger: () => intake.ask<Ledger>('GET', '/ledger'),
    /** Every event of a span, newest first. */
    async all(from: number, to: number): Promise<Record<string, unknown>[]> {
      await using store = eventStore(join(at, 'run', 'store.sock'))
      const found: Record<string, unknown>[] = []
      for (let cursor = null; ;) {
        const page = await store.search({ from, to, where: [], limit: 1_000, cursor })
        found.push(...page.events)
        if (page.next === null) return found
        cursor = page.next as never
      }
    },
    async [Symbol.asyncDispose]() {
      await intake[Symbol.asyncDispose]()
      for (const one of processes.toReversed()) await one.stop()
    },
  }
}

const event = (n: number, at: number): string =>
  JSON.stringify({ id: `e-${n}`, time: at, kind: 'dns.query', clientAddress: '198.18.0.7', query: `n${n % 7}.example` })
const batchOf = (from: number, size: number, at: number): string =>
  Array.from({ length: size }, (_, i) => event(from + i, at)).join('\n')

test('every acknowledged event is in the backup once, while the intake takes more and the store loads', async () => {
  const places = twoPlaces()
  const data = folder('events')
  const at = join(data, 'platform')
  const acknowledged: number[] = []
  const past = Date.now() - 40 * 86_400_000
  let old: Record<string, unknown>[] = []
  let before = 0
  let during = 0
  {
    await using events = await eventProcesses(at)
    await using node = await runningNode({ config: { folder: at } })
    const months = [Date.now(), past]
    for (let n = 0; n < 40; n++) {
      const { accepted } = await events.post(`b-${n}`, `${batchOf(n * 500, 500, months[n % 2]!)}\nno event`)
      before += accepted
    }
    assert.equal(before, 20_000)
    let taking = true
    const load = (async () => {
      for (let n = 100; taking; n++) during += (await events.post(`b-${n}`, batchOf(n * 500, 200, months[0]!))).accepted
    })()
    const status = await madeBy(node, places)
    taking = false
    await load
    assert.equal(status.state, 'made', status.detail ?? '')
    acknowledged.push(before, before + during)
    const ledger = await events.ledger()
    assert.equal(ledger.stored + ledger.pending, before + during)
    old = await events.all(past - 1, past + 1)
    assert.equal(old.length, 10_000)
  }
  const drilled = await drilledOf(at, places)
  assert.equal(drilled.good, true, drilled.detail)
  const { folder: again, done } = await restored(at, places)
  await rm(at, { recursive: true })
  assert.equal(drilled.events, done.events)
  assert.ok(done.events! >= acknowledged[0]! && done.events! <= acknowledged[1]!, `${done.events} of ${acknowledged}`)
  await using events = await eventProcesses(again)
  for (let tries = 0; ; tries++) {
    const ledger = await events.ledger()
    if (ledger.pending > 0 && tries < 200) continue
    assert.partialDeepStrictEqual(ledger, { pending: 0, balanced: true, stored: done.events, inStore: done.events })
    assert.ok(Object.values(ledger.rejected).reduce((sum, n) => sum + n, 0) >= 40)
    break
  }
  assert.deepEqual(await events.all(past - 1, past + 1), old, 'event by event')
  // A batch that was acknowledged before is known, and taken no second time.
  await assert.rejects(events.post('b-0', batchOf(0, 500, 0)), { code: 'http/key-reused' })
  assert.equal((await events.post('new', batchOf(1, 10, Date.now()))).accepted, 10)
})

test('while the event store is away no backup is made that lacks it', async () => {
  const places = twoPlaces()
  const at = join(folder('events'), 'platform')
  {
    await using events = await eventProcesses(at)
    await events.post('b-1', batchOf(1, 10, Date.now()))
  }
  await using node = await runningNode({ config: { folder: at } })
  const status = await madeBy(node, places)
  assert.equal(status.state, 'failed')
  assert.match(status.detail!, /event store does not answer/)
})
