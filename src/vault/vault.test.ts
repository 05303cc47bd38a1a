import assert from 'node:assert/strict'
import test from 'node:test'
import type { Purpose } from '../consent/index.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import { recordedActs } from '../kit/testing.ts'
import type { Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { ruleOf } from './collections.ts'
import { openVault } from './index.ts'
import type { KeyTables, VaultTables } from './store.ts'
import { vaultOver } from './testing.ts'
import { fault, normalise } from './values.ts'

const both = (text: string) => ({ vi: text, en: text })
const purpose = (id: string, agreement: string, fields: string[]): Purpose => ({
  id,
  title: both(id),
  what: both(id),
  ground: 'agreement',
  agreement,
  fields,
  recipients: [],
})

async function setup(db: Database, keysDb: Database, failRecord?: () => boolean) {
  const { acts, record: keep } = recordedActs()
  const record: typeof keep = async (trx, given) => {
    if (failRecord?.()) throw new Error('the log cannot be written')
    return keep(trx, given)
  }
  const { ctx, consent, vault } = await vaultOver(db, keysDb, { record })
  await consent.purposes.declare(
    both('Thông báo'),
    [
      purpose('order-delivery', 'order', ['person.name', 'person.phone']),
      purpose('sign-in', 'membership', ['person.email', 'account.password']),
    ],
    'service:test',
  )
  const person = async () => {
    const subject = newSubject(systemEntropy)
    await consent.agreements.open({ subject, kind: 'order', ref: 'DH-1' }, 'service:test', undefined)
    await consent.agreements.open({ subject, kind: 'membership', ref: 'tv' }, 'service:test', undefined)
    return subject
  }
  const put = (subject: string, fields: Record<string, string>, collection = 'person') =>
    vault.put([{ subject, collection, record: '-', fields }], 'service:test', undefined)
  const get = (subject: string, fields: string[], id = 'order-delivery') =>
    vault.get(id, 'DH-1', [{ subject, collection: 'person', record: '-', fields }], 'service:test')
  return { ctx, vault, consent, acts, person, put, get }
}

for (const store of STORES) {
  const onStore = (name: string, work: (db: Database, keysDb: Database) => Promise<void>) =>
    test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await work(db, keysDb)
    })

  onStore('a repeat of put answers the same tokens, and nothing of them is kept for it', async (db, keysDb) => {
    const { vault, person } = await setup(db, keysDb)
    const items = [{ subject: await person(), collection: 'person', record: '-', fields: { phone: '0912345678' } }]
    const once = { caller: 'service:test', key: 'mot-lan-thoi', fingerprint: 'the same body' }
    const first = await vault.put(items, 'service:test', once)
    assert.match(JSON.stringify(first), /"phone":"kh_\w{16}"/)
    assert.deepEqual(await vault.put(items, 'service:test', once), first)
    const kept = await db.tables<{ once: { response: string } }>().selectFrom('once').select('response').execute()
    assert.deepEqual(
      kept.map(({ response }) => JSON.parse(response)),
      [[{ ok: true }]],
    )
  })

  onStore('what is put comes back for its purpose, and the record names fields, not values', async (db, keysDb) => {
    const { person, put, get, acts } = await setup(db, keysDb)
    const subject = await person()
    assert.partialDeepStrictEqual(await put(subject, { name: 'Nguyễn Thị Hoa', phone: '0912 345 678' }), [{ ok: true }])
    assert.deepEqual(await get(subject, ['name', 'phone']), [
      { ok: true, fields: { name: 'Nguyễn Thị Hoa', phone: '0912 345 678' } },
    ])
    assert.partialDeepStrictEqual(await put(subject, { phone: '0987654321' }), [{ ok: true }])
    assert.partialDeepStrictEqual(await get(subject, ['phone']), [{ fields: { phone: '0987654321' } }])
    assert.doesNotMatch(JSON.stringify(acts), /Hoa|0912|0987/)
    const read = acts.find((act) => act.kind === 'vault.read')
    assert.deepEqual(read, {
      kind: 'vault.read',
      actor: 'service:test',
      subject,
      purpose: 'order-delivery',
      reason: 'DH-1',
      result: 'allowed',
      facts: { fields: 'person.name person.phone', ground: 'agreement', article: 'Điều 19 Luật 91/2025' },
    })
  })

  onStore('items succeed and fail each on its own; an unlawful read is refused and recorded', async (db, keysDb) => {
    const { vault, person, put, get, acts } = await setup(db, keysDb)
    const [a, b] = [await person(), newSubject(systemEntropy)]
    const results = await vault.put(
      [
        { subject: a, collection: 'person', record: '-', fields: { phone: '0912345678' } },
        { subject: a, collection: 'person', record: '-', fields: { phone: 'không phải số' } },
        { subject: a, collection: 'person', record: '-', fields: { phone: '0912345679' } },
        { subject: a, collection: 'person', record: '-', fields: { shoe: '42' } },
        { subject: a, collection: 'constructor', record: '-', fields: { name: 'x' } },
        { subject: a, collection: 'person', record: '-', fields: {} },
      ],
      'service:test',
      undefined,
    )
    assert.deepEqual(
      results.map((r) => (r.ok ? 'ok' : r.code)),
      ['ok', 'vault/not-a-phone', 'vault/twice', 'vault/unknown-field', 'vault/unknown-field', 'vault/no-fields'],
    )
    assert.doesNotMatch(JSON.stringify(results), /không phải số/)
    await put(b, { phone: '0912345678' })
    assert.partialDeepStrictEqual(await get(b, ['phone']), [{ ok: false, code: 'vault/no-agreement' }])
    assert.partialDeepStrictEqual(await get(a, ['email']), [{ ok: false, code: 'vault/field-outside-purpose' }])
    assert.partialDeepStrictEqual(await get(a, ['phone'], 'no-such'), [{ ok: false, code: 'vault/unknown-purpose' }])
    assert.equal(acts.filter((act) => act.kind === 'vault.read' && act.result === 'refused').length, 3)
    assert.partialDeepStrictEqual(
      await vault.get('sign-in', 'x', [{ subject: a, collection: 'account', record: '-', fields: ['password'] }], 's'),
      [{ ok: false, code: 'vault/write-only' }],
    )
  })

  onStore('if the log cannot be written nothing is kept and nothing leaves', async (db, keysDb) => {
    let failing = false
    const { person, put, get } = await setup(db, keysDb, () => failing)
    const subject = await person()
    await put(subject, { phone: '0912345678' })
    failing = true
    await assert.rejects(get(subject, ['phone']))
    await assert.rejects(put(subject, { phone: '0900000000' }))
    failing = false
    assert.partialDeepStrictEqual(await get(subject, ['phone']), [{ fields: { phone: '0912345678' } }])
  })

  onStore('batches over the same people in opposite order all succeed', async (db, keysDb) => {
    const { vault, person } = await setup(db, keysDb)
    const people = await Promise.all(Array.from({ length: 12 }, person))
    const items = people.map((subject) => ({
      subject,
      collection: 'person',
      record: '-',
      fields: { name: 'Hoa', phone: '0912345678' },
    }))
    const rounds = Array.from({ length: 24 }, (_, i) =>
      vault.put(i % 2 === 0 ? items : items.toReversed(), 'service:test', undefined),
    )
    for (const results of await Promise.all(rounds)) assert.ok(results.every((result) => result.ok))
  })

  onStore('strangers with the same value hide nobody', async (db, keysDb) => {
    const { vault, person, put } = await setup(db, keysDb)
    for (let i = 0; i < 60; i++) await put(newSubject(systemEntropy), { email: 'hoa@thu.example' })
    const member = await person()
    await put(member, { email: 'hoa@thu.example' })
    assert.deepEqual(await vault.search('sign-in', 'login', 'person', 'email', 'hoa@thu.example', 's'), [
      { subject: member, record: '-' },
    ])
  })

  onStore('a value whose key is gone is an error of its item, not an empty field', async (db, keysDb) => {
    const { person, put, ctx } = await setup(db, keysDb)
    const subject = await person()
    await put(subject, { phone: '0912345678' })
    await keysDb.tables<KeyTables>().deleteFrom('subject_key').execute()
    // As after a restart: nothing kept in memory.
    const again = openVault(ctx)
    assert.partialDeepStrictEqual(
      await again.get('order-delivery', 'x', [{ subject, collection: 'person', record: '-', fields: ['phone'] }], 's'),
      [{ ok: false, code: 'vault/key-missing' }],
    )
  })

  onStore('people are found by any spelling of a value, and only by an equal one', async (db, keysDb) => {
    const { vault, person, put } = await setup(db, keysDb)
    const subjects: string[] = []
    for (let i = 0; i < 40; i++) {
      const subject = await person()
      subjects.push(subject)
      await put(subject, { email: `nguoi${i}@thu.example` })
    }
    const search = (value: string) => vault.search('sign-in', 'login', 'person', 'email', value, 'service:test')
    assert.deepEqual(await search(' NGUOI7@thu.example '), [{ subject: subjects[7], record: '-' }])
    assert.deepEqual(await search('nguoi99@thu.example'), [])
    await put(subjects[7]!, { email: 'moi@thu.example' })
    assert.deepEqual(await search('nguoi7@thu.example'), [], 'an old value is not found')
    await assert.rejects(vault.search('sign-in', 'x', 'person', 'name', 'Hoa', 's'), { code: 'vault/not-indexed' })
  })

  onStore('a password is checked, never given out, and guessing is slowed', async (db, keysDb) => {
    const { vault, person, put } = await setup(db, keysDb)
    const subject = await person()
    await put(subject, { password: 'mật khẩu của Hoa' }, 'account')
    const check = (password: string) => vault.checkPassword('sign-in', 'login', subject, password, 'service:test')
    assert.equal(await check('mật khẩu của Hoa'.normalize('NFD')), true, 'however the keyboard composes it')
    const crowd = await Promise.allSettled(Array.from({ length: 40 }, () => check('sai')))
    assert.equal(crowd.filter((one) => one.status === 'fulfilled').length, 10, 'of forty at once ten are judged')
    await assert.rejects(check('mật khẩu của Hoa'), { code: 'vault/too-many-tries', status: 429 })
  })

  onStore('a sealed value moved to another person or field does not open', async (db, keysDb) => {
    const { person, put, get } = await setup(db, keysDb)
    const [a, b] = [await person(), await person()]
    await put(a, { name: 'Hoa', phone: '0912345678' })
    await put(b, { name: 'Lan', phone: '0987654321' })
    const rows = db.tables<VaultTables>()
    const stolen = await rows
      .selectFrom('vault_value')
      .select('sealed')
      .where('subject', '=', a)
      .where('field', '=', 'phone')
      .executeTakeFirstOrThrow()
    await rows
      .updateTable('vault_value')
      .set({ sealed: stolen.sealed })
      .where('subject', '=', b)
      .where('field', '=', 'phone')
      .execute()
    assert.partialDeepStrictEqual(await get(b, ['phone']), [{ code: 'vault/altered' }])
    await rows
      .updateTable('vault_value')
      .set({ sealed: stolen.sealed })
      .where('subject', '=', a)
      .where('field', '=', 'name')
      .execute()
    assert.partialDeepStrictEqual(await get(a, ['name']), [{ code: 'vault/altered' }])
  })
}

test('values: one spelling, plain faults', () => {
  for (const spelling of ['0912345678', '+84 912 345 678', '84912345678', '(0912) 345-678', '0912.345.678'])
    assert.equal(normalise('phone', spelling), '0912345678', spelling)
  for (const [collection, field, value, wrong] of [
    ['person', 'phone', '0912345678', undefined],
    ['person', 'phone', '123', 'not a Vietnamese phone number'],
    ['person', 'personal_id', '079190001234', undefined],
    ['person', 'personal_id', '979190001234', 'not a 12-digit personal ID number'],
    ['person', 'personal_id', '07919000123', 'not a 12-digit personal ID number'],
    ['person', 'email', 'hoa@thu', 'not an e-mail address'],
    ['person', 'name', ' ', 'empty'],
    ['person', 'name', 'a\u0000b', 'holds control characters'],
    ['message', 'body', 'x'.repeat(4_001), 'longer than 4000 characters'],
  ] as const) {
    assert.equal(fault(ruleOf(collection, field)!, value)?.words, wrong, `${collection}.${field} ${value.slice(0, 20)}`)
  }
})
