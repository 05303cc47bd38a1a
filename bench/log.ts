import { createHash, randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditMigrations } from '../src/audit/index.ts'
import { newFolder, testAudit } from '../src/audit/testing.ts'
import { newSubject } from '../src/client/index.ts'
import { migrate, openSqlite } from '../src/storage/sql/index.ts'

// Leaves of the evidence log a second: recorded in a transaction (durable), then taken into the tree, its tiles and the
// signed checkpoint (durable). Beside it the least that any tamper-evident log does: a hash chain, one line an entry,
// synced every so many. In process, SQLite files.

const ROUND_MS = 4_000
const both: readonly number[] = [1, 20, 200, 500]
const folder = mkdtempSync(join(tmpdir(), 'khien-log-'))

const { model } = cpus()[0]!
console.log(
  `# log\t${new Date().toISOString().slice(0, 10)}\t${model.trim()}, ${cpus().length} cores\tNode ${process.version}`,
)
const say = (name: string, value: number, unit: string, goal?: number): void =>
  console.log([name, value.toFixed(0), unit, goal ?? '-', goal === undefined ? '-' : value >= goal ? 'met' : 'short'].join('\t')) // prettier-ignore

/** Runs `turn` for a while: how much it did a second, and a second of its own processor time. */
async function rate(turn: () => Promise<number> | number): Promise<{ wall: number; core: number }> {
  await turn()
  const cpu = process.cpuUsage()
  const began = performance.now()
  let done = 0
  while (performance.now() - began < ROUND_MS) done += await turn()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: (done * 1_000) / (performance.now() - began), core: (done * 1e6) / (user + system) }
}

function chain(batch: number): () => number {
  const file = openSync(join(folder, `chain-${batch}`), 'a')
  let last = randomBytes(32).toString('hex')
  process.on('exit', () => closeSync(file))
  return () => {
    let text = ''
    for (let i = 0; i < batch; i++) {
      const line = JSON.stringify({
        kind: 'vault.read',
        actor: 'service:bench',
        subject: newSubject(),
        result: 'allowed',
        last,
      })
      last = createHash('sha256').update(line).digest('hex')
      text += `${line}\n`
    }
    writeSync(file, text)
    fdatasyncSync(file)
    return batch
  }
}

for (const batch of both) {
  const db = openSqlite(join(folder, `log-${batch}.db`))
  await migrate(db, auditMigrations)
  const log = testAudit(db, newFolder())
  log.start()
  const { wall, core } = await rate(async () => {
    await db.transaction(async (trx) => {
      const acts = Array.from({ length: batch }, () => ({ kind: 'vault.read', actor: 'service:bench', subject: newSubject(), purpose: 'deliver', reason: 'DH-1', result: 'allowed' as const, facts: { fields: 'person.phone' } })) // prettier-ignore
      await log.record(trx, acts)
    })
    return batch
  })
  const plain = await rate(chain(batch))
  say(`recorded, published and durable, ${batch} a transaction`, wall, 'leaves/s')
  say(`the same, a second of processor time`, core, 'leaves/s', batch >= 200 ? 20_000 : undefined)
  say(`a hash chain, ${batch} a sync`, plain.wall, 'lines/s')
  await log[Symbol.asyncDispose]()
  await db[Symbol.asyncDispose]()
}
rmSync(folder, { recursive: true, force: true })
