import { mkdtempSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditMigrations } from '../src/audit/index.ts'
import { testAudit } from '../src/audit/testing.ts'
import { newSubject } from '../src/client/index.ts'
import { hashPassword, verifyPassword } from '../src/identity/index.ts'
import { systemEntropy } from '../src/kit/ids.ts'
import { openSqlite } from '../src/storage/sql/index.ts'
import { vaultOver } from '../src/vault/testing.ts'

// What a log-in costs beside argon2 itself (the same argon2id alone, in turn with it), and what a storm of ten times as
// many log-ins as there are cores for does to those who read. In process, SQLite files, the real log.

const both = { vi: 'Đo', en: 'Bench' }
const APP = 'service:bench'
const WORD = 'con trâu ăn cỏ bờ đê'
const TURNS = 150
const STORM_MS = 8_000

const folder = mkdtempSync(join(tmpdir(), 'khien-login-'))
const db = openSqlite(join(folder, 'control.db'))
const keysDb = openSqlite(join(folder, 'keys.db'))
const log = testAudit(db, folder)
const pepper = randomBytes(32)
const { vault, consent } = await vaultOver(db, keysDb, { pepper, record: (trx, acts) => log.record(trx, acts) }, auditMigrations) // prettier-ignore
await consent.purposes.declare(both, [{ id: 'sign-in', title: both, what: both, ground: 'law', duty: both, fields: ['account.password', 'person.phone'], recipients: [] }], APP) // prettier-ignore
log.start()
const people = Array.from({ length: 40 }, newSubject)
for (let i = 0; i < people.length; i += 20) {
  const part = people.slice(i, i + 20)
  await vault.put(part.flatMap((subject) => [{ subject, collection: 'account', record: '-', fields: { password: WORD } },
    { subject, collection: 'person', record: '-', fields: { phone: '0912345678' } }]), APP, undefined) // prettier-ignore
}

const { model } = cpus()[0]!
console.log(
  `# login\t${new Date().toISOString().slice(0, 10)}\t${model.trim()}, ${cpus().length} cores\tNode ${process.version}`,
)
const p = (times: readonly number[], share: number): number => times.toSorted((a, b) => a - b)[Math.floor(times.length * share)]! // prettier-ignore
const say = (name: string, value: number, unit: string, goal?: number): void =>
  console.log([name, value.toFixed(1), unit, goal ?? '-', goal === undefined ? '-' : value <= goal ? 'met' : 'short'].join('\t')) // prettier-ignore

const phc = await hashPassword(WORD, pepper, systemEntropy)
const alone: number[] = []
const whole: number[] = []
for (let i = 0; i < TURNS; i++) {
  let began = performance.now()
  await verifyPassword(phc, WORD, pepper)
  alone.push(performance.now() - began)
  began = performance.now()
  await vault.checkPassword('sign-in', 'T', people[i % people.length]!, WORD, APP)
  whole.push(performance.now() - began)
}
say('argon2id alone: p50', p(alone, 0.5), 'ms')
say('argon2id alone: p99', p(alone, 0.99), 'ms')
say('log-in: p50', p(whole, 0.5), 'ms')
say('log-in: p99', p(whole, 0.99), 'ms')
say('log-in beside argon2id, p99 − p99', p(whole, 0.99) - p(alone, 0.99), 'ms', 5)
say('log-in beside argon2id, p50 − p50', p(whole, 0.5) - p(alone, 0.5), 'ms')

const read = (): Promise<unknown> =>
  vault.get('sign-in', 'T', [{ subject: people[7]!, collection: 'person', record: '-', fields: ['phone'] }], APP)
const reads = async (ms: number): Promise<number[]> => {
  const times: number[] = []
  for (const until = performance.now() + ms; performance.now() < until;) {
    const began = performance.now()
    await read()
    times.push(performance.now() - began)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return times
}
const quiet = await reads(2_000)
say('reads with nobody signing in: p99', p(quiet, 0.99), 'ms')
const perSecond = 1_000 / p(alone, 0.5)
let [right, busy] = [0, 0]
const storm = setInterval(() => {
  // Ten times what one core can check, spread evenly over the second.
  for (let i = 0; i < perSecond; i++)
    vault.checkPassword('sign-in', 'T', people[Math.floor(Math.random() * people.length)]!, WORD, APP).then(
      () => right++,
      (error: unknown) => void ((error as { code?: string }).code === 'vault/busy' && busy++),
    )
}, 100)
const under = await reads(STORM_MS)
clearInterval(storm)
say('storm: log-ins that were checked', right, 'of them right')
say('storm: told to come again (429)', busy, 'log-ins')
say('storm: reads, p99', p(under, 0.99), 'ms', 20)
await new Promise((resolve) => setTimeout(resolve, 4_000))
await vault.close()
await log[Symbol.asyncDispose]()
await db[Symbol.asyncDispose]()
await keysDb[Symbol.asyncDispose]()
rmSync(folder, { recursive: true, force: true })
