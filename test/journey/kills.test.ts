import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { operator, type Operator } from '../../examples/marketplace/journey/operator.ts'
import { khien } from '../../examples/marketplace/journey/reading.ts'
import { until as eventually } from '../../examples/marketplace/journey/travels.ts'
import { until } from '../commands/processes.ts'
import { LINES, portLog, SUBSCRIBERS } from '../../examples/telecom/subscribers.ts'
import type { ShownMail } from '../../examples/telecom/viewer.ts'
import { startSystem, temporaryData, type System } from './system.ts'

/** 100 by KHIEN_KILLS=100; ten whenever the tests run. */
const KILLS = Number(process.env['KHIEN_KILLS'] ?? 10)
const A_BATCH = 40
const BETWEEN_MS = 300
const ROLES = ['platform', 'telecom', 'authority'] as const

type Ledger = { received: number; stored: number; rejected: Record<string, number>; pending: number; balanced: boolean }

/** A sender that repeats a batch under its own key until it is told that it was taken. */
function startSender(system: System, key: string) {
  const acknowledged: string[] = []
  let running = true
  let failures = 0
  const work = async (): Promise<void> => {
    for (let batch = 0; running; batch++) {
      const names = Array.from({ length: A_BATCH }, (_, n) => `b${batch}-n${n}.kill.test`)
      const time = new Date().toISOString()
      const lines = names.map((query) =>
        JSON.stringify({ kind: 'dns.query', time, clientAddress: '198.18.9.9', clientPort: 53_000, query }),
      )
      for (;;) {
        const taken = await fetch(`${system.world.internal}/api/events`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${key}`,
            'content-type': 'application/x-ndjson',
            'idempotency-key': `kill-batch-${batch}`,
          },
          body: lines.join('\n'),
          signal: AbortSignal.timeout(5_000),
        }).then(
          (answer) => answer.status === 200,
          () => false,
        )
        if (taken) break
        failures++
        await wait(100)
      }
      acknowledged.push(...names)
      await wait(30)
    }
  }
  const done = work()
  return {
    acknowledged,
    failures: () => failures,
    stop: async () => {
      running = false
      await done
    },
  }
}

/** Devices of the telecom that keep calling a listed host, a few more each second. */
async function startInfections(system: System) {
  const { world } = system
  const { key } = JSON.parse(readFileSync(join(world.data, 'telecom-network', 'service-key.json'), 'utf8')) as {
    key: string
  }
  const analyst = await operator(world, 'telecom', ['analyst', 'auditor'])
  const send = (path: string, type: string, body: string, once: string): Promise<boolean> =>
    fetch(`${world.telecom.internal}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': type, 'idempotency-key': once },
      body,
      signal: AbortSignal.timeout(10_000),
    }).then(
      (answer) => answer.ok,
      () => false,
    )
  const started = Date.now()
  assert.ok(
    await send('/api/subscribers/contacts', 'application/json', JSON.stringify({ items: SUBSCRIBERS }), 'contacts-1'),
  )
  assert.ok(await send('/api/subscribers/port-logs', 'text/csv', portLog(started), 'port-log-1'))
  const { id } = await analyst.send<{ id: string }>('POST', '/api/exchange/indicators', {
    value: 'may-chu-kill.test',
    kind: 'domain',
    role: 'c2',
    confidence: 90,
    tlp: 'amber',
    validUntil: new Date(started + 86_400_000).toISOString(),
  })
  await analyst.send('POST', `/api/exchange/indicators/${id}/share`, {})
  let running = true
  let n = 0
  const work = async (): Promise<void> => {
    for (; running; n++) {
      const line = LINES[n % LINES.length]!
      const event = {
        kind: 'dns.query',
        time: new Date().toISOString(),
        clientAddress: line.address,
        clientPort: line.from + 7,
        query: 'may-chu-kill.test',
      }
      while (!(await send('/api/events', 'application/x-ndjson', JSON.stringify(event), `call-${n}-of-a-device`)))
        await wait(200)
      await wait(250)
    }
  }
  const done = work()
  return {
    analyst,
    stop: async () => {
      running = false
      await done
      return Math.min(n, LINES.length)
    },
  }
}

async function stored(analyst: Operator): Promise<string[]> {
  const names: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({ q: 'query:*.kill.test', limit: '200', ...(cursor === '' ? {} : { cursor }) })
    const page: { events: { query: string }[]; next: string | null } = await analyst.get(`/api/events?${query}`)
    names.push(...page.events.map((event) => event.query))
    cursor = page.next
  }
  return names
}

test(`${KILLS} × kill -9 của bất kỳ tiến trình nào: không mất, không nhân đôi, sổ cân, nhật ký nguyên vẹn`, async (t) => {
  using data = temporaryData()
  await using system = await startSystem(data.path)
  const { key } = JSON.parse(readFileSync(join(data.path, 'marketplace', 'service-key.json'), 'utf8')) as {
    key: string
  }
  const analyst = await operator(system.world, 'platform', ['analyst', 'auditor'])
  const sender = startSender(system, key)
  const infections = await startInfections(system)
  const killed = new Map<string, number>()
  let seed = 20_261_122
  for (let n = 0; n < KILLS; n++) {
    const victims = system.processes().filter(({ name }) => name !== 'khien.js')
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    const victim = victims[seed % victims.length]!
    const before = sender.acknowledged.length
    process.kill(victim.pid, 'SIGKILL')
    killed.set(victim.name, (killed.get(victim.name) ?? 0) + 1)
    await wait(BETWEEN_MS)
    // Only a system at work has something to lose.
    await until('events to be acknowledged again', () => sender.acknowledged.length > before, 30_000)
  }
  await sender.stop()
  const called = await infections.stop()
  const ledger = await eventually(async () => {
    const now = await analyst.get<Ledger>('/api/events/ledger').catch(() => undefined)
    return now?.balanced === true && now.pending === 0 ? now : undefined
  })
  assert.ok(ledger, 'the ledger balances and nothing is pending')
  const rejected = Object.values(ledger.rejected).reduce((a, b) => a + b, 0)
  assert.equal(ledger.received, ledger.stored + rejected)
  const names = await stored(analyst)
  assert.equal(new Set(names).size, names.length, 'nothing twice')
  const have = new Set(names)
  assert.deepEqual(
    sender.acknowledged.filter((name) => !have.has(name)),
    [],
    'nothing that was acknowledged is lost',
  )
  type Notice = { state: string; why: string | null }
  const settled = await eventually(async () => {
    const { items } = await infections.analyst
      .get<{ items: Notice[] }>('/api/subscribers/notices?limit=200')
      .catch(() => ({ items: [] as Notice[] }))
    const open = items.some(({ state }) => state === 'waiting' || state === 'sending')
    return items.length > 0 && !open ? items : undefined
  })
  const mails = (await (await fetch(`${system.world.mailbox}/mails.json`)).json()) as ShownMail[]
  const warned = mails.filter(({ text }) => text.includes('may-chu-kill')).map(({ to }) => to)
  assert.equal(new Set(warned).size, warned.length, 'nobody is warned twice')
  const doubtful = settled?.filter(({ why }) => why === 'in-doubt').length ?? 0
  assert.ok(
    warned.length > 0 && warned.length + doubtful >= (settled?.length ?? 0),
    'each was warned or is held in doubt',
  )
  for (const role of ROLES) {
    const checked = await khien(system.world, ['log', 'verify', join(data.path, role, 'log')])
    assert.equal(checked.code, 0, checked.out)
  }
  t.diagnostic(
    `${sender.acknowledged.length} events acknowledged, ${sender.failures()} tries failed; ${called} devices called, ${warned.length} warned, ${doubtful} in doubt; killed ${[...killed].map(([name, n]) => `${name} ${n}`).join(', ')}`,
  )
})
