import { setTimeout as sleep } from 'node:timers/promises'
import { openSqlite } from '../storage/sql/index.ts'
import { C2, LOG, contact, mailerTo, openWorld } from './testing.ts'

// A telecom that a test kills: takes contacts of `people` subscribers with a listed host, one by one, and sends what that
// leaves to be sent. Says `ready`, and `done` when nothing is left. Its clock runs ahead by so many milliseconds a life.
const [, , folder, port, people, ahead] = process.argv
process.on('disconnect', () => process.exit(1))
const clock = Object.assign(() => Date.now() + Number(ahead), { advance() {}, set() {} })
const db = openSqlite(`${folder}/control.db`)
const world = await openWorld(db, openSqlite(`${folder}/keys.db`), { mailer: mailerTo(Number(port)), clock })
const { subscribers, outbox, exchange } = world
const names = Array.from({ length: Number(people) }, (_, i) => `TB-${i}`)
const day = (n: number): string => new Date(Math.floor(Date.now() / 86_400_000 + n) * 86_400_000).toISOString()
const rows = names.map((name, i) => `198.18.9.${i},0,65535,${name},${day(-2)},${day(3)},bras`)
await subscribers.importPortLog('all', LOG(rows), 'staff:lan')
await subscribers.contacts(
  names.map((name) => contact(name)),
  'service:bss',
  undefined,
)
const known = (await exchange.indicators.usable()).items[0]
const indicator = known?.id ?? (await world.list(C2))
const time = Date.parse(day(0))
process.send!('ready')
for (const i of names.keys()) {
  const hit = { event: `e${i}`, time, clientAddress: `198.18.9.${i}`, clientPort: 9, indicator, contacted: C2 }
  await subscribers.duties.matches({ hits: [{ ...hit, kind: 'net.flow' }] })
  if (i % 3 === 0) await outbox.drain()
}
for (const state of ['waiting', 'sending'] as const)
  while ((await subscribers.notices.page({ limit: 1, state })).total > 0) {
    await outbox.drain()
    await sleep(5)
  }
process.send!('done')
