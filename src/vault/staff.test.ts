import assert from 'node:assert/strict'
import test from 'node:test'
import type { Purpose } from '../consent/index.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import type { Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { vaultOver } from './testing.ts'

const both = (text: string) => ({ vi: text, en: text })
const PURPOSES: readonly Purpose[] = [
  {
    id: 'order-delivery',
    title: both('Giao hàng'),
    what: both('Giao hàng'),
    ground: 'agreement',
    agreement: 'order',
    fields: ['person.name', 'person.phone', 'order.address'],
    recipients: [],
  },
  {
    id: 'marketing',
    title: both('Quảng cáo'),
    what: both('Quảng cáo'),
    ground: 'consent',
    ifWithdrawn: both('Không gửi nữa'),
    fields: ['person.email'],
    recipients: [],
  },
  {
    id: 'anti-fraud',
    title: both('Chống gian lận'),
    what: both('Chống gian lận'),
    ground: 'law',
    duty: both('Luật'),
    fields: ['bank.number'],
    recipients: [],
  },
]
const STAFF = 'staff:stf_1'

async function setup(db: Database, keysDb: Database) {
  const { consent, clock, acts, vault } = await vaultOver(db, keysDb)
  await consent.purposes.declare(both('Thông báo'), [...PURPOSES], 'service:app')
  const subject = newSubject(systemEntropy)
  await consent.agreements.open({ subject, kind: 'order', ref: 'DH-1' }, 'service:app', undefined)
  const put = (collection: string, record: string, fields: Record<string, string>) =>
    vault.put([{ subject, collection, record, fields }], 'service:app', undefined)
  await put('person', '-', { name: 'Nguyễn Thị Hoa', phone: '0912345678', email: 'hoa@example.vn' })
  await put('order', 'DH-1', { address: '12 Lý Thường Kiệt' })
  await put('account', '-', { password: 'một câu dài để giữ cửa' })
  return { vault, consent, clock, acts, subject }
}

for (const store of STORES) {
  const onStore = (name: string, work: (db: Database, keysDb: Database) => Promise<void>) =>
    test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await work(db, keysDb)
    })

  onStore(
    'figures count people and values by collection, and are counted anew after half a minute',
    async (db, keys) => {
      const { vault, clock } = await setup(db, keys)
      const first = await vault.staff.figures()
      assert.deepEqual(first.collections, [
        { collection: 'account', people: 1, values: 1 },
        { collection: 'order', people: 1, values: 1 },
        { collection: 'person', people: 1, values: 3 },
      ])
      assert.deepEqual([first.people, first.values], [1, 5])
      const another = { subject: newSubject(systemEntropy), collection: 'person', record: '-', fields: { name: 'An' } }
      await vault.put([another], 'service:app', undefined)
      assert.equal((await vault.staff.figures()).people, 1)
      clock.advance(30_000)
      assert.deepEqual([(await vault.staff.figures()).people, (await vault.staff.figures()).values], [2, 6])
    },
  )

  onStore('a person: fields with their class, what each purpose opens now, and never a value', async (db, keys) => {
    const { vault, consent, subject } = await setup(db, keys)
    const told = await vault.staff.person(subject)
    assert.doesNotMatch(JSON.stringify(told), /Hoa|0912|hoa@|Kiệt|giữ cửa/)
    assert.deepEqual(
      told.held.map((one) => [`${one.collection}.${one.field}`, one.class, one.writeOnly]),
      [
        ['account.password', 'sensitive', true],
        ['order.address', 'basic', false],
        ['person.email', 'basic', false],
        ['person.name', 'basic', false],
        ['person.phone', 'basic', false],
      ],
    )
    assert.deepEqual(
      told.agreements.map(({ kind, ref }) => [kind, ref]),
      [['order', 'DH-1']],
    )
    const opened = (all: typeof told) =>
      Object.fromEntries(all.purposes.map(({ purpose, opens, why }) => [purpose, why ?? opens.map((o) => o.fields)]))
    assert.deepEqual(opened(told), {
      'anti-fraud': 'vault/nothing-held',
      marketing: 'vault/no-consent',
      'order-delivery': [['address'], ['name', 'phone']],
    })
    await consent.agreements.close({ subject, kind: 'order', ref: 'DH-1' }, 'service:app', undefined)
    assert.equal(opened(await vault.staff.person(subject))['order-delivery'], 'vault/no-agreement')
    await assert.rejects(vault.staff.person(newSubject(systemEntropy)), { code: 'vault/unknown-person', status: 404 })
    await vault.shred(subject, 'DSR-1', 'staff:dpo', undefined)
    await assert.rejects(vault.staff.person(subject), { code: 'vault/shredded', status: 410 })
  })

  onStore('a value is shown on a live ground, recorded under who asked; without one it is not', async (db, keys) => {
    const { vault, consent, acts, subject } = await setup(db, keys)
    const wanted = {
      purpose: 'order-delivery',
      reason: 'CS-2291',
      collection: 'person',
      record: '-',
      fields: ['phone'],
    }
    assert.deepEqual(await vault.staff.reveal(subject, wanted, STAFF), { phone: '0912345678' })
    const read = acts.findLast((act) => act.kind === 'vault.read')!
    assert.deepEqual([read.actor, read.subject, read.reason, read.result], [STAFF, subject, 'CS-2291', 'allowed'])
    for (const [changed, status, code] of [
      [{ fields: ['email'] }, 403, 'vault/field-outside-purpose'],
      [{ purpose: 'marketing', fields: ['email'] }, 403, 'vault/no-consent'],
      [{ purpose: 'nothing' }, 403, 'vault/unknown-purpose'],
      [{ collection: 'account', fields: ['password'] }, 400, 'vault/write-only'],
      [{ fields: ['shoe'] }, 400, 'vault/unknown-field'],
    ] as const) {
      await assert.rejects(vault.staff.reveal(subject, { ...wanted, ...changed }, STAFF), { code, status })
      assert.equal(acts.findLast((act) => act.kind === 'vault.read')!.result, 'refused', code)
    }
    await consent.agreements.close({ subject, kind: 'order', ref: 'DH-1' }, 'service:app', undefined)
    await assert.rejects(vault.staff.reveal(subject, wanted, STAFF), { code: 'vault/no-agreement' })
  })
}
