import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { Purpose } from '../consent/index.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import { openSqlite, type Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { CollectionDeclaration } from './declared/contract.ts'
import { openVault } from './index.ts'
import type { KeyTables, VaultTables } from './store.ts'
import { vaultOver } from './testing.ts'

const both = (text: string) => ({ vi: text, en: text })
const PURPOSES: readonly Purpose[] = [
  {
    id: 'care',
    title: both('Chăm sóc'),
    what: both('Chăm sóc'),
    ground: 'agreement',
    agreement: 'membership',
    fields: ['person.name', 'person.phone', 'person.email', 'person.personal_id', 'pet.name', 'pet.chip', 'order.note'],
    recipients: [],
  },
  {
    id: 'name-only',
    title: both('Tên'),
    what: both('Tên'),
    ground: 'agreement',
    agreement: 'membership',
    fields: ['person.name'],
    recipients: [],
  },
]
/** As a body comes out of its schema. */
const said = (...collections: unknown[]): CollectionDeclaration[] =>
  collections.map((one) => CollectionDeclaration.parse(one))
const APP = 'service:khk_00000000000000000000000001'

async function setup(db: Database, keysDb: Database, change: Parameters<typeof vaultOver>[2] = {}) {
  const over = await vaultOver(db, keysDb, change)
  await over.consent.purposes.declare(both('Thông báo'), [...PURPOSES], APP)
  const person = async (): Promise<string> => {
    const subject = newSubject(systemEntropy)
    await over.consent.agreements.open({ subject, kind: 'membership', ref: 'tv' }, APP, undefined)
    return subject
  }
  const put = (subject: string, fields: Record<string, string>, collection = 'person', record = '-') =>
    over.vault.put([{ subject, collection, record, fields }], APP, undefined)
  const get = (subject: string, fields: string[], collection = 'person', record = '-') =>
    over.vault.get('care', 'T-1', [{ subject, collection, record, fields }], APP, { masks: true })
  const search = (field: string, value: string, by: 'equal' | 'last' | 'prefix' | 'name', collection = 'person') =>
    over.vault.search('care', 'T-1', collection, field, value, APP, by)
  return { ...over, person, put, get, search }
}

for (const store of STORES) {
  const onStore = (name: string, work: (db: Database, keysDb: Database) => Promise<void>) =>
    test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await work(db, keysDb)
    })

  onStore('people are found by a name without its marks and by the last digits of a phone', async (db, keysDb) => {
    const { person, put, search, vault, acts } = await setup(db, keysDb)
    const [hoa, lan] = [await person(), await person()]
    await put(hoa, { name: 'Nguyễn Thị  Hoà', phone: '+84 912 345 678' })
    await put(lan, { name: 'Trần Lan', phone: '0987 000 678' })
    for (const spelling of ['nguyen thi hoa', 'NGUYỄN THỊ HOÀ', 'Nguyễn Thị Hòa'.normalize('NFD')])
      assert.deepEqual(await search('name', spelling, 'name'), [{ subject: hoa, record: '-' }], spelling)
    assert.deepEqual(await search('name', 'Hoà', 'name'), [])
    // "Nobody" would be an answer too.
    await assert.rejects(vault.search('none', 'T', 'person', 'phone', '0912345678', APP), {
      code: 'vault/unknown-purpose',
    })
    await assert.rejects(vault.search('name-only', 'T', 'person', 'phone', '0912345678', APP), {
      code: 'vault/field-outside-purpose',
      status: 403,
    })
    assert.partialDeepStrictEqual(acts.at(-1), { kind: 'vault.search', result: 'refused', purpose: 'name-only' })
    assert.deepEqual(await search('phone', '5678', 'last'), [{ subject: hoa, record: '-' }])
    await assert.rejects(search('phone', '78', 'last'), { code: 'vault/too-short', field: 'body.value' })
    await assert.rejects(search('phone', '0912', 'prefix'), { code: 'vault/not-indexed' })
  })

  onStore('what is declared is taken, classed, found and masked; what is held keeps its field', async (db, keysDb) => {
    const { person, put, get, search, vault } = await setup(db, keysDb)
    const subject = await person()
    assert.partialDeepStrictEqual(await put(subject, { chip: '900111222333444' }, 'pet', 'P-1'), [
      { code: 'vault/unknown-field' },
    ])
    const chip = { kind: 'other', index: ['prefix'], token: 'digits' }
    const [pet] = said({ name: 'pet', fields: { chip } }) as [CollectionDeclaration]
    assert.equal((await vault.registry.declare([pet], APP)).version, 1)
    assert.equal((await vault.registry.declare([pet], APP)).version, 1, 'the same again is no new version')
    await vault.indexes.run()
    const [answer] = await put(subject, { chip: '900111222333444' }, 'pet', 'P-1')
    assert.ok(answer!.ok)
    assert.match(answer!.tokens!['chip']!, /^\d{15}$/)
    assert.notEqual(answer!.tokens!['chip'], '900111222333444')
    assert.deepEqual(await vault.tokens('pet', 'chip', ['900 111 222 333 444'.replaceAll(' ', '')], APP), [
      answer!.tokens!['chip'],
    ])
    assert.deepEqual(await get(subject, ['chip'], 'pet', 'P-1'), [
      { ok: true, fields: { chip: '900111222333444' }, masks: { chip: '•••' } },
    ])
    assert.deepEqual(await search('chip', '900111', 'prefix', 'pet'), [{ subject, record: 'P-1' }])
    for (const [collections, code] of [
      [[], 'vault/field-held'],
      [said({ name: 'pet', fields: { chip: { kind: 'health' } } }), 'vault/kind-fixed'],
      [[pet, ...said({ name: 'person', fields: { name: { kind: 'other' } } })], 'vault/kind-fixed'],
      [[pet, pet], 'vault/twice'],
      [[pet, ...said({ name: 'clinic', fields: { note: { kind: 'health', class: 'basic' } } })], 'vault/class-lowered'],
    ] as const)
      await assert.rejects(vault.registry.declare(collections, APP), { code, status: 400 }, code)
  })

  onStore('an index declared later finds what was there before', async (db, keysDb) => {
    const { person, put, search, vault } = await setup(db, keysDb)
    const people = await Promise.all(Array.from({ length: 7 }, person))
    for (const [i, subject] of people.entries())
      await put(subject, { email: `nguoi${i}@thu.example`, phone: `091234567${i}` })
    await vault.registry.declare(
      said({ name: 'person', fields: { phone: { kind: 'phone', index: ['prefix'], prefix: 10 } } }),
      APP,
    )
    assert.deepEqual([...(await vault.indexes.pending())].includes('person.phone'), true)
    await assert.rejects(search('phone', '0912345673', 'prefix'), { code: 'vault/indexing', status: 503 })
    await vault.indexes.run()
    assert.deepEqual([...(await vault.indexes.pending())], [])
    assert.deepEqual(await search('phone', '0912345673', 'prefix'), [{ subject: people[3], record: '-' }])
    await vault.registry.declare([], APP)
    await vault.indexes.run()
    const left = await db.tables<VaultTables>().selectFrom('vault_index').select('field').distinct().execute()
    assert.deepEqual(left.map((row) => row.field).toSorted(), ['email', 'phone', 'phone~last'])
  })

  onStore(
    'an update changes what is held and nothing else; an older write does not undo a newer',
    async (db, keysDb) => {
      const { person, put, get, vault, clock } = await setup(db, keysDb)
      const subject = await person()
      await put(subject, { phone: '0912345678' })
      const item = (fields: Record<string, string>, at?: number) => ({
      subject, collection: 'person', record: '-', fields, ...(at === undefined ? {} : { at }) }) // prettier-ignore
      assert.partialDeepStrictEqual(
        await vault.put([item({ phone: '0912345679' }), item({ email: 'hoa@thu.example' })], APP, undefined, {
          onlyHeld: true,
        }),
        [{ ok: true }, { ok: false, code: 'vault/nothing-held', field: 'body.items.1.fields.email' }],
      )
      assert.partialDeepStrictEqual(await get(subject, ['phone', 'email']), [
        { fields: { phone: '0912345679', email: null }, masks: { phone: '••• 679', email: null } },
      ])
      await vault.put([item({ phone: '0900000000' }, clock() - 60_000)], APP, undefined)
      assert.partialDeepStrictEqual(await get(subject, ['phone']), [{ fields: { phone: '0912345679' } }])
      const nobody = newSubject(systemEntropy)
      assert.partialDeepStrictEqual(
        await vault.put([{ ...item({ phone: '0912345678' }), subject: nobody }], APP, undefined, { onlyHeld: true }),
        [{ ok: false, code: 'vault/nothing-held' }],
      )
      assert.equal(await vault.people(), 1, 'an update makes no person')
    },
  )

  onStore('what is erased is not found, and export tells what is left', async (db, keysDb) => {
    const { person, put, search, vault, acts } = await setup(db, keysDb)
    const subject = await person()
    await put(subject, { name: 'Hoa', phone: '0912345678', personal_id: '001190123456' })
    await put(subject, { note: 'Gọi trước khi giao' }, 'order', 'DH-1')
    await put(subject, { address: '12 Lê Lợi' }, 'order', 'DH-1')
    assert.deepEqual(
      await vault.erase([{ subject, collection: 'person', record: '-', fields: ['personal_id'] },
        { subject, collection: 'nowhere', record: '-' },
        { subject, collection: 'person', record: '-', fields: ['phone', 'phone'] }], 'T-2', APP, undefined), [
      { ok: true, erased: 1 },
      { ok: false, code: 'vault/unknown-field', detail: 'There is no collection nowhere.' },
      { ok: true, erased: 1 },
    ]) // prettier-ignore
    assert.deepEqual(await search('phone', '0912345678', 'equal'), [])
    assert.deepEqual(
      (await db.tables<VaultTables>().selectFrom('vault_index').select('field').execute()).map((row) => row.field),
      ['name~name'],
    )
    assert.deepEqual((await vault.export('care', 'T-3', subject, APP)).records, [
      { collection: 'order', record: 'DH-1', fields: { note: 'Gọi trước khi giao' } },
      { collection: 'person', record: '-', fields: { name: 'Hoa' } },
    ])
    assert.partialDeepStrictEqual(
      acts.find((act) => act.kind === 'vault.erased'),
      { subject, reason: 'T-2', facts: { fields: 'person.personal_id person.phone', count: 2 } },
    )
  })

  onStore('kept for as long as was declared, and no longer', async (db, keysDb) => {
    const { person, put, get, vault, clock, acts } = await setup(db, keysDb)
    await vault.registry.declare(said({ name: 'order', fields: { note: { kind: 'message', keepDays: 30 } } }), APP)
    const [early, late] = [await person(), await person()]
    await put(early, { note: 'một' }, 'order', 'DH-1')
    await put(early, { name: 'Hoa' })
    clock.advance(20 * 86_400_000)
    await put(late, { note: 'hai' }, 'order', 'DH-2')
    const expire = vault.jobs.find((job) => job.name === 'vault-retention')!.work
    assert.equal(await expire(), 0)
    clock.advance(10 * 86_400_000)
    assert.equal(await expire(), 1)
    assert.partialDeepStrictEqual(await get(early, ['note'], 'order', 'DH-1'), [{ fields: { note: null } }])
    assert.partialDeepStrictEqual(await get(late, ['note'], 'order', 'DH-2'), [{ fields: { note: 'hai' } }])
    assert.partialDeepStrictEqual(await get(early, ['name']), [{ fields: { name: 'Hoa' } }])
    assert.equal(acts.filter((act) => act.kind === 'vault.expired').length, 1)
  })

  onStore('observe counts what enforce refuses, for one caller or for all', async (db, keysDb) => {
    const { put, get, vault, acts } = await setup(db, keysDb)
    const stranger = newSubject(systemEntropy)
    await put(stranger, { phone: '0912345678' })
    const refused = async (): Promise<boolean> => !(await get(stranger, ['phone']))[0]!.ok
    assert.equal(await refused(), true)
    await vault.enforcement.set({ purpose: 'care', caller: 'service:khk_00000000000000000000000009' }, true, 'staff:s')
    assert.equal(await refused(), true, 'another caller is watched')
    await vault.enforcement.set({ purpose: 'care', caller: APP }, true, 'staff:s')
    assert.partialDeepStrictEqual(await get(stranger, ['phone']), [{ ok: true, fields: { phone: '0912345678' } }])
    await get(stranger, ['phone'])
    assert.deepEqual((await vault.enforcement.figures()).counts, [
      { purpose: 'care', caller: APP, field: 'person.phone', code: 'vault/no-agreement', count: 2 },
    ])
    assert.partialDeepStrictEqual(acts.at(-1), { result: 'allowed', facts: { observed: 'vault/no-agreement' } })
    assert.partialDeepStrictEqual(await vault.get('nowhere', 'T', [{ subject: stranger, collection: 'person', record: '-', fields: ['phone'] }], APP),
      [{ ok: false, code: 'vault/unknown-purpose' }]) // prettier-ignore
    await vault.enforcement.set({ purpose: 'care', caller: APP }, false, 'staff:s')
    assert.equal(await refused(), true)
    await vault.enforcement.set({ purpose: 'care', caller: '*' }, true, 'staff:s')
    const item = { subject: stranger, collection: 'person', record: '-', fields: ['phone'] }
    assert.partialDeepStrictEqual(await vault.get('care', 'T', [item], APP), [{ ok: true }])
    assert.partialDeepStrictEqual(
      await vault.get('care', 'T', [item], 'staff:s'),
      [{ ok: false }],
      'staff are never only watched',
    )
    assert.partialDeepStrictEqual(await vault.get('care', 'T', [item], APP, { enforced: true }), [{ ok: false }])
    await assert.rejects(vault.enforcement.set({ purpose: 'none', caller: '*' }, true, 'staff:s'), { status: 404 })
  })

  onStore('a rotated key takes every person over while they are read; who is erased stays away', async (db, keysDb) => {
    const keys = { kek_1: createSecretKey(randomBytes(32)), kek_2: createSecretKey(randomBytes(32)) }
    let id: keyof typeof keys = 'kek_1'
    const wrapping = {
      current: () => ({ id, key: keys[id] }),
      of: (name: string) => (keys as Readonly<Record<string, KeyObject>>)[name],
    }
    const { person, put, vault, ctx } = await setup(db, keysDb, { wrapping })
    const people = await Promise.all(Array.from({ length: 950 }, person))
    for (let i = 0; i < people.length; i += 190) {
      const part = people.slice(i, i + 190)
      const items = part.map((subject) => ({ subject, collection: 'person', record: '-', fields: { name: 'Hoa' } }))
      await vault.put(items, APP, undefined)
    }
    await vault.rewrap.run()
    assert.equal(vault.rewrap.behind(), 0)
    id = 'kek_2'
    const running = vault.rewrap.run()
    await vault.shred(people[700]!, 'T', 'staff:s', undefined)
    await put(await person(), { name: 'Lan' })
    await running
    assert.equal(vault.rewrap.behind(), 0)
    const left = await keysDb.tables<KeyTables>().selectFrom('subject_key').select('kek').execute()
    assert.deepEqual([left.length, ...new Set(left.map((row) => row.kek))], [950, 'kek_2'])
    // Only the new key is needed.
    const of = (name: string): KeyObject | undefined => (name === 'kek_2' ? keys.kek_2 : undefined)
    const after = openVault({ ...ctx, wrapping: { ...wrapping, of } })
    const item = { subject: people[1]!, collection: 'person', record: '-', fields: ['name'] }
    assert.partialDeepStrictEqual(await after.get('care', 'T', [item], APP), [{ fields: { name: 'Hoa' } }])
  })

  onStore(
    'erased for good: nothing opens, nobody gets the token again, the receipt says both times',
    async (db, keysDb) => {
      let until: number | null = null
      const forgotten: string[] = []
      const { person, put, get, search, vault, clock, ctx } = await setup(db, keysDb, {
        keyBackupsUntil: async () => until,
        forgetRecords: async (subject) => forgotten.push(subject),
      })
      const [hoa, lan] = [await person(), await person()]
      for (const subject of [hoa, lan]) await put(subject, { name: 'Hoa', phone: '0912345678' })
      until = clock() + 30 * 86_400_000
      const gone = await vault.shred(hoa, 'T-9', 'staff:s', undefined)
      assert.equal(gone.unreadableHere, '2026-11-21T03:00:00.000Z')
      assert.equal(gone.unreadableInBackups, '2026-12-21T03:00:00.000Z')
      assert.match(gone.receipt, /unreadable in every backup since: 2026-12-21/)
      assert.deepEqual(await vault.shred(hoa, 'T-9', 'staff:s', undefined), gone, 'twice is once')
      assert.partialDeepStrictEqual(await get(hoa, ['name']), [{ fields: { name: null } }])
      assert.deepEqual(await search('phone', '0912345678', 'equal'), [{ subject: lan, record: '-' }])
      assert.partialDeepStrictEqual(await put(hoa, { name: 'Hoa' }), [{ ok: false, code: 'vault/shredded' }])
      assert.equal(await vault.people(), 1)
      await assert.rejects(vault.shred(newSubject(systemEntropy), 'T', 'staff:s', undefined), { status: 404 })
      const finish = vault.jobs.find((job) => job.name === 'vault-erasures')!.work
      await finish()
      assert.deepEqual(forgotten, [], 'while a backup of keys can bring the person back, the log keeps who read what')
      clock.advance(30 * 86_400_000)
      await finish()
      assert.deepEqual(forgotten, [hoa])
      assert.equal((await vault.shredReceipt(gone.id)).finishedAt, '2026-12-21T03:00:00.000Z')
      // As after a crash between the record and the destruction of the key.
      await db.tables<VaultTables>().insertInto('vault_shred').values({
      subject: lan, id: 'shr_00000000000000000000000001', at: clock(), until: null, fields: 2, receipt: '', destroyed_at: null, finished_at: null }).execute() // prettier-ignore
      const again = openVault(ctx)
      await again.jobs.find((job) => job.name === 'vault-erasures')!.work()
      assert.equal(await again.people(), 0)
      assert.match(
        (await again.shredReceipt('shr_00000000000000000000000001')).receipt,
        /unreadable here since: 2026-12-21/,
      )
    },
  )
}

test('a value, its index entry and its key are in no byte of the files after an erasure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-shred-'))
  await using db = openSqlite(join(folder, 'control.db'))
  await using keysDb = openSqlite(join(folder, 'keys.db'))
  const { person, put, vault, ctx } = await setup(db, keysDb, { tag: (_c, index, text) => `TAG-${index}-${text}` })
  const subjects = await Promise.all(Array.from({ length: 30 }, person))
  for (const [i, subject] of subjects.entries()) await put(subject, { phone: `09123456${String(i).padStart(2, '0')}` })
  const victim = subjects[17]!
  const row = await keysDb
    .tables<{ subject_key: { subject: string; wrapped: Uint8Array } }>()
    .selectFrom('subject_key')
    .select('wrapped')
    .where('subject', '=', victim)
    .executeTakeFirstOrThrow()
  const needles = [Buffer.from(row.wrapped), Buffer.from('TAG-phone-0912345617')]
  const hits = (): number =>
    readdirSync(folder).reduce((sum, name) => {
      const bytes = readFileSync(join(folder, name))
      return sum + needles.filter((needle) => bytes.includes(needle)).length
    }, 0)
  assert.ok(hits() >= 2, 'the control: before, they are there')
  await vault.shred(victim, 'T-1', 'staff:s', undefined)
  assert.equal(hits(), 0)
  assert.equal(ctx.db.dialect, 'sqlite')
})
