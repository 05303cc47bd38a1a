import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { audit, auditMigrations } from '../audit/index.ts'
import { signingKey } from '../engine/seal/index.ts'
import { systemClock } from '../kit/clock.ts'
import type { Language } from '../kit/i18n.ts'
import { systemEntropy } from '../kit/ids.ts'
import { silentLog } from '../kit/log.ts'
import { migrate, openSqlite } from '../storage/sql/index.ts'
import { log } from './log.ts'
import { UsageError } from './verb.ts'

async function run(args: readonly string[], language: Language = 'en'): Promise<{ code: number; out: string }> {
  let out = ''
  const io = { out: (text: string) => void (out += text), err() {}, stdin: process.stdin, env: {}, language, root: '' }
  return { code: await log.run(args, io), out }
}

test('khien log: a log and its proofs are checked offline, and a change is one sentence', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-log-'))
  await using db = openSqlite(join(folder, 'control.db'))
  await migrate(db, auditMigrations)
  const options = { db, clock: systemClock, entropy: systemEntropy, folder, log: silentLog }
  const node = audit({ ...options, origin: 'example.com/khien', signer: signingKey(new Uint8Array(32)) })
  const act = { kind: 'vault.read', actor: 'svc_shop', purpose: 'delivery', result: 'allowed' } as const
  const ids = await db.transaction((trx) => node.record(trx, [{ ...act, facts: { fields: 'phone' } }, act]))
  await node.integrate()
  const dir = join(folder, 'log')

  const whole = await run(['verify', dir])
  assert.equal(whole.code, 0)
  assert.match(whole.out, /example\.com\/khien is intact[^]*Entries +2\n[^]*Root +[A-Za-z0-9+/]{43}=\n/)
  assert.match((await run(['verify', dir, '--vkey', node.verifierKey], 'vi')).out, /nguyên vẹn/)

  const file = join(folder, 'one.tlog-proof')
  writeFileSync(file, await node.proofOf(ids[0]!))
  const told = await run(['verify', '--proof', file, '--vkey', node.verifierKey])
  assert.match(told.out, /recorded this at place 0[^]*Act +vault\.read\n[^]*By +svc_shop\n[^]*fields +phone\n/)

  writeFileSync(file, (await run(['prove', dir, '1'])).out)
  const bare = await run(['verify', '--proof', file, '--vkey', join(dir, 'log.vkey')])
  assert.match(bare.out, /Commitment +khien\/1 vault\.read /)

  const bad = readFileSync(file, 'utf8').replace('index 1', 'index 0')
  writeFileSync(file, bad)
  await assert.rejects(run(['verify', '--proof', file, '--vkey', node.verifierKey]), { code: 'audit/bad-proof' })
  const tile = join(dir, 'tile/entries/000.p/2')
  writeFileSync(tile, readFileSync(tile, 'latin1').replace('vault', 'vaulT'), 'latin1')
  await assert.rejects(run(['verify', dir]), { code: 'audit/log-altered' })

  for (const args of [[], ['verify'], ['prove', dir], ['prove', dir, '2'], ['prove', dir, 'x'], ['verify', dir, 'x']]) {
    await assert.rejects(run(args), UsageError, args.join(' '))
  }
  await assert.rejects(run(['verify', dir, '--vkey', 'nonsense']), { code: 'log/bad-key' })
})
