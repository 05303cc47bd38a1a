import assert from 'node:assert/strict'
import { argon2Sync, createHash, pbkdf2Sync } from 'node:crypto'
import test from 'node:test'
import bcrypt from 'bcryptjs'
import type { Purpose } from '../../consent/index.ts'
import type { KhienError } from '../../kit/errors.ts'
import { newSubject, systemEntropy } from '../../kit/ids.ts'
import type { Database } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { vaultOver } from '../testing.ts'
import { formOf, phpass } from './forms.ts'
import { workQueue } from './queue.ts'

const both = (text: string) => ({ vi: text, en: text })
const SIGN_IN: Purpose = {
  id: 'sign-in', title: both('x'), what: both('x'), ground: 'agreement', agreement: 'membership', fields: ['account.password'], recipients: [] } // prettier-ignore
const WORD = 'mật khẩu của Hoà'
const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const bare = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

const salt = Buffer.from('muối của trang cũ')
const argon = argon2Sync('argon2id', {
  message: WORD,
  nonce: salt,
  memory: 64,
  passes: 1,
  parallelism: 1,
  tagLength: 32,
})
const stretched = pbkdf2Sync(WORD, salt, 1_000, 32, 'sha256')
/** Texts as other programs keep them. The PHPass one of `test12345` was published with PHPass itself. */
const IMPORTS: readonly (readonly [string, { hash: string; salt?: string; order?: 'salt-last' }, string])[] = [
  ['argon2', { hash: `$argon2id$v=19$m=64,t=1,p=1$${bare(salt)}$${bare(argon)}` }, WORD],
  ['bcrypt', { hash: bcrypt.hashSync(WORD, 4) }, WORD],
  ['bcrypt', { hash: bcrypt.hashSync(WORD, 4).replace('$2b$', '$2y$') }, WORD],
  ['phpass', { hash: '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0' }, 'test12345'],
  [
    'pbkdf2',
    { hash: `pbkdf2_sha256$1000$muoi$${pbkdf2Sync(WORD, 'muoi', 1_000, 32, 'sha256').toString('base64')}` },
    WORD,
  ],
  [
    'pbkdf2',
    { hash: `$pbkdf2-sha256$1000$${bare(salt).replaceAll('+', '.')}$${bare(stretched).replaceAll('+', '.')}` },
    WORD,
  ],
  ['md5', { hash: md5(WORD) }, WORD],
  ['md5', { hash: md5(`x9${WORD}`).toUpperCase(), salt: 'x9' }, WORD],
  ['sha1', { hash: createHash('sha1').update(`${WORD}x9`).digest('hex'), salt: 'x9', order: 'salt-last' }, WORD],
]

async function setup(db: Database, keysDb: Database, change: Parameters<typeof vaultOver>[2] = {}) {
  const over = await vaultOver(db, keysDb, change)
  await over.consent.purposes.declare(both('Thông báo'), [SIGN_IN], 's')
  const member = async (): Promise<string> => {
    const subject = newSubject(systemEntropy)
    await over.consent.agreements.open({ subject, kind: 'membership', ref: 'tv' }, 's', undefined)
    return subject
  }
  const check = (subject: string, password: string) => over.vault.checkPassword('sign-in', 'T', subject, password, 's')
  return { ...over, member, check }
}

for (const store of STORES) {
  test(
    `${store.name}: hashes of other programs are taken over, checked, and ours after the next log-in`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      const { vault, member, check, acts } = await setup(db, keysDb)
      const members = await Promise.all(IMPORTS.map(member))
      const results = await vault.importPasswords(
        IMPORTS.map(([, item], i) => ({ subject: members[i]!, ...item })),
        's',
        undefined,
      )
      assert.deepEqual(
        results.map((result) => (result.ok ? result.scheme : result.code)),
        IMPORTS.map(([scheme]) => scheme),
      )
      for (const [i, [scheme, , word]] of IMPORTS.entries()) {
        assert.equal(await check(members[i]!, `${word}.`), false, scheme)
        assert.equal(
          await check(members[i]!, word.normalize('NFD')),
          true,
          `${scheme}, however the keyboard composes it`,
        )
      }
      for (
        let i = 0;
        i < 100 && acts.filter((act) => act.kind === 'vault.password-renewed').length < IMPORTS.length;
        i++
      )
        await new Promise((resolve) => setTimeout(resolve, 50))
      assert.equal(acts.filter((act) => act.kind === 'vault.password-renewed').length, IMPORTS.length)
      for (const [i, [scheme, , word]] of IMPORTS.entries()) {
        assert.equal(await check(members[i]!, word), true, scheme)
        assert.equal(await check(members[i]!, `${word}.`), false, scheme)
      }
      assert.equal(acts.filter((act) => act.kind === 'vault.password-renewed').length, IMPORTS.length, 'renewed once')
      const [first, item] = [members[0]!, IMPORTS[0]![1]]
      assert.partialDeepStrictEqual(await vault.importPasswords([{ subject: first, ...item }], 's', undefined), [
        { code: 'vault/password-kept' },
      ])
      assert.doesNotMatch(JSON.stringify(acts), /argon2|\$P\$|\$2|[0-9a-f]{32}/)
      await vault.close()
    },
  )
}

test('a breached password is refused, of our short list or of the operator’s', async () => {
  await using db = await STORES[0]!.open()
  await using keysDb = await STORES[0]!.open()
  const { vault, member } = await setup(db, keysDb, { breached: async (word) => word === 'rò rỉ ở đâu đó' })
  for (const [password, code] of [
    ['123456', 'vault/breached-password'],
    ['AnhYeuEm', 'vault/breached-password'],
    ['rò rỉ ở đâu đó', 'vault/breached-password'],
    ['con trâu ăn cỏ bờ đê', undefined],
  ] as const) {
    const item = { subject: await member(), collection: 'account', record: '-', fields: { password } }
    for (const results of [await vault.check([item]), await vault.put([item], 's', undefined)])
      assert.equal(results[0]!.ok ? undefined : results[0]!.code, code, password)
  }
})

test('what no program wrote, or costs too much, is refused with the field', async () => {
  for (const text of [
    '',
    'mật khẩu',
    '5f4dcc3b5aa765d61d8327deb882cf9',
    '$2b$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghijkl',
    `$argon2id$v=19$m=9999999,t=1,p=1$${bare(salt)}$${bare(argon)}`,
    `$argon2id$v=19$m=64,t=99,p=1$${bare(salt)}$${bare(argon)}`,
    'pbkdf2_sha256$99999999$muoi$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    '$P$ZIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0',
  ])
    assert.equal(formOf(text), undefined, text)
  await using db = await STORES[0]!.open()
  await using keysDb = await STORES[0]!.open()
  const { vault, member } = await setup(db, keysDb)
  const subject = await member()
  assert.partialDeepStrictEqual(
    await vault.importPasswords(
      [{ subject, hash: 'x' }, { subject, hash: bcrypt.hashSync('a', 4), salt: 'x' }, { subject, hash: md5('a') }, { subject, hash: md5('b') }],
      's',
      undefined,
    ),
    [
      { code: 'vault/unknown-hash', field: 'body.items.0.hash' },
      { code: 'vault/hash-salt', field: 'body.items.1.salt' },
      { ok: true, scheme: 'md5' },
      { code: 'vault/twice' },
    ],
  ) // prettier-ignore
  assert.equal(phpass('test12345', '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0'), '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0')
})

test('a storm waits in order, and beyond the queue is told to come again', async () => {
  const queue = workQueue({ atOnce: 2, waiting: 3 })
  const done: number[] = []
  const gates: (() => void)[] = []
  const jobs = Array.from({ length: 8 }, (_, i) =>
    queue.run(async () => {
      await new Promise<void>((resolve) => gates.push(resolve))
      done.push(i)
    }),
  )
  const settled = Promise.allSettled(jobs)
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    gates.shift()!()
  }
  const outcomes = await settled
  assert.deepEqual(done, [0, 1, 2, 3, 4])
  assert.deepEqual(outcomes.map((one) => one.status), [...Array(5).fill('fulfilled'), ...Array(3).fill('rejected')]) // prettier-ignore
  const { code, status, retryAfter } = (outcomes[7] as PromiseRejectedResult).reason as KhienError
  assert.deepEqual([code, status, retryAfter], ['vault/busy', 429, 1])
  assert.deepEqual(queue.figures(), { running: 0, waiting: 0, turnedAway: 3 })
})

test('another program’s slow hashes wait for each other, and a log-in with ours does not wait for them', async () => {
  await using db = await STORES[0]!.open()
  await using keysDb = await STORES[0]!.open()
  const { vault, member, check } = await setup(db, keysDb)
  const foreign = await Promise.all(Array.from({ length: 10 }, member))
  const own = await member()
  const hash = bcrypt.hashSync('khác', 11)
  await vault.importPasswords(foreign.map((subject) => ({ subject, hash })), 's', undefined) // prettier-ignore
  await vault.put([{ subject: own, collection: 'account', record: '-', fields: { password: WORD } }], 's', undefined)
  assert.equal(await check(foreign[0]!, WORD), false)
  const order: string[] = []
  const slow = foreign.map((subject) => check(subject, WORD).then(() => order.push('foreign')))
  for (let turn = 0; turn < 1_000; turn++) {
    const { running, waiting } = vault.passwordFigures().foreign
    if (running + waiting === 10) break
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { foreign: waiting } = vault.passwordFigures()
  assert.ok(waiting.running >= 1 && waiting.running + waiting.waiting === 10, JSON.stringify(waiting))
  assert.equal(await check(own, WORD), true)
  order.push('own')
  await Promise.all(slow)
  assert.ok(order.indexOf('own') < 8, order.join(' '))
  await vault.close()
})
