import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import type { Purpose } from '../consent/index.ts'
import { newSubject, systemEntropy } from '../kit/ids.ts'
import type { Database } from '../storage/sql/index.ts'
import { STORES } from '../storage/sql/testing.ts'
import { CollectionDeclaration } from './declared/contract.ts'
import type { InboxTables } from './inbox/store.ts'
import { openVault } from './index.ts'
import type { KeyTables, VaultTables } from './store.ts'
import { vaultOver } from './testing.ts'

// Acts that meet: each of these inputs once lost a value, kept one too long, or left something of an erased person.

const both = (text: string) => ({ vi: text, en: text })
const APP = 'service:khk_00000000000000000000000001'
const CARE: Purpose = {
  id: 'care',
  title: both('Chăm sóc'),
  what: both('Chăm sóc'),
  ground: 'law',
  duty: both('chăm sóc'),
  fields: [
    'person.name',
    'person.phone',
    'pet.ab',
    'pet.a_b',
    'pet.axb',
    'pet.chip',
    'message.body',
    'account.password',
  ],
  recipients: [],
} as Purpose
const said = (...collections: unknown[]): CollectionDeclaration[] =>
  collections.map((one) => CollectionDeclaration.parse(one))

async function setup(db: Database, keysDb: Database, change: Parameters<typeof vaultOver>[2] = {}) {
  const over = await vaultOver(db, keysDb, change)
  await over.consent.purposes.declare(both('Thông báo'), [CARE], APP)
  const put = (subject: string, fields: Record<string, string>, collection = 'person', record = '-') =>
    over.vault.put([{ subject, collection, record, fields }], APP, undefined)
  const search = (field: string, value: string, by: 'equal' | 'last' | 'prefix' | 'name', collection = 'person') =>
    over.vault.search('care', 'T-1', collection, field, value, APP, by)
  return { ...over, put, search, person: () => newSubject(systemEntropy) }
}
const rowsOf = async (
  db: Database,
  table: 'vault_value' | 'vault_index' | 'vault_erased_place',
  subject: string,
): Promise<number> =>
  (
    await db
      .tables<VaultTables & InboxTables>()
      .selectFrom(table)
      .select('subject')
      .where('subject', '=', subject)
      .execute()
  ).length

/** A store whose next transactions stop at the door until they are let in; those that come later pass them. */
function held(store: Database): { db: Database; hold(count: number): { arrived: Promise<void>; release(): void } } {
  let wanted = 0
  let all = Promise.withResolvers<void>()
  let gate = Promise.withResolvers<void>()
  const transaction: Database['transaction'] = async (work) => {
    if (wanted > 0) {
      if (--wanted === 0) all.resolve()
      await gate.promise
    }
    return store.transaction(work)
  }
  const db = new Proxy(store, { get: (of, name) => (name === 'transaction' ? transaction : Reflect.get(of, name, of)) })
  const hold = (count: number) => {
    wanted = count
    all = Promise.withResolvers()
    gate = Promise.withResolvers()
    return { arrived: all.promise, release: gate.resolve }
  }
  return { db, hold }
}

for (const store of STORES) {
  const onStore = (name: string, work: (db: Database, keysDb: Database) => Promise<void>) =>
    test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await work(db, keysDb)
    })

  onStore('a write that an erasure overtakes is refused and leaves nothing of the person', async (store, keysDb) => {
    const { db, hold } = held(store)
    const { vault, put, person } = await setup(store, keysDb, { db })
    const subject = person()
    await put(subject, { phone: '0912345678' })
    await vault.erase([{ subject, collection: 'person', record: '-', fields: ['phone'] }], 'T-1', APP, undefined)
    const { arrived, release } = hold(2)
    const late = vault.put(
      [
        { subject, collection: 'account', record: '-', fields: { password: 'con mèo nhảy qua tường' } },
        { subject, collection: 'person', record: '-', fields: { name: 'Hoà' } },
      ],
      APP,
      undefined,
    )
    const hash = vault.importPasswords([{ subject, hash: 'e10adc3949ba59abbe56e057f20f883e' }], APP, undefined)
    // Both have the key in hand and their values sealed.
    await arrived
    await vault.shred(subject, 'T-2', 'staff:dpo', undefined)
    release()
    assert.partialDeepStrictEqual(await late, [{ code: 'vault/shredded' }, { code: 'vault/shredded' }])
    assert.partialDeepStrictEqual(await hash, [{ code: 'vault/shredded' }])
    for (const table of ['vault_value', 'vault_index', 'vault_erased_place'] as const)
      assert.equal(await rowsOf(store, table, subject), 0, table)
  })

  onStore('an erasure that a crash cut is completed behind hundreds that wait for the backups', async (db, keysDb) => {
    let until: number | null = null
    const { vault, put, person, clock } = await setup(db, keysDb, { keyBackupsUntil: async () => until })
    until = clock() + 90 * 86_400_000
    const rows = Array.from({ length: 501 }, (_, i) => ({
      subject: person(),
      id: `shr_${i}`,
      at: clock() - 1_000_000 + i,
      until,
      fields: 0,
      receipt: 'x',
      destroyed_at: clock(),
      finished_at: null,
    }))
    for (let from = 0; from < rows.length; from += 100)
      await db
        .tables<VaultTables>()
        .insertInto('vault_shred')
        .values(rows.slice(from, from + 100))
        .execute()
    const subject = person()
    await put(subject, { phone: '0912345678' })
    await db
      .tables<VaultTables>()
      .insertInto('vault_shred')
      .values({ ...rows[0]!, subject, id: 'shr_cut', at: clock(), until: null, destroyed_at: null })
      .execute()
    await vault.jobs.find(({ name }) => name === 'vault-erasures')!.work()
    const key = await keysDb.tables<KeyTables>().selectFrom('subject_key').select('subject').where('subject', '=', subject).execute() // prettier-ignore
    assert.deepEqual(key, [], 'the key is gone')
  })

  onStore('one Idempotency-Key for two people erases neither by mistake', async (db, keysDb) => {
    const { vault, put, person } = await setup(db, keysDb)
    const [hoa, lan] = [person(), person()]
    for (const subject of [hoa, lan]) await put(subject, { phone: '0912345678' })
    // A path is none of the body, whose fingerprint this is.
    const once = { caller: APP, key: 'xoa-mot-nguoi', fingerprint: 'same body' }
    await vault.shred(hoa, 'T-2', APP, once)
    assert.equal((await vault.shred(hoa, 'T-2', APP, once)).subject, hoa)
    await assert.rejects(vault.shred(lan, 'T-2', APP, once), { code: 'http/key-reused' })
    assert.equal(await rowsOf(db, 'vault_value', lan), 1)
  })

  onStore('what is over is taken out behind a thousand values of the same person that stay', async (db, keysDb) => {
    const { vault, person, clock } = await setup(db, keysDb)
    await vault.registry.declare(said({ name: 'pet', fields: { chip: { kind: 'other', keepDays: 1 } } }), APP)
    const subject = person()
    for (let from = 0; from < 1_200; from += 400)
      await vault.put(
        Array.from({ length: 400 }, (_, i) => ({ subject, collection: 'bank', record: `B-${from + i}`, fields: { holder: 'x' } })), // prettier-ignore
        APP,
        undefined,
      )
    await vault.put([{ subject, collection: 'pet', record: 'P', fields: { chip: '1' } }], APP, undefined)
    clock.advance(2 * 86_400_000)
    const expire = vault.jobs.find(({ name }) => name === 'vault-retention')!.work
    await expire()
    assert.equal(await rowsOf(db, 'vault_value', subject), 1_200)
  })

  onStore('erasing a field leaves the index of another that differs in a low line', async (db, keysDb) => {
    const { vault, put, person, search } = await setup(db, keysDb)
    const last = { kind: 'other', index: ['last'] }
    await vault.registry.declare(said({ name: 'pet', fields: { a_b: last, axb: last } }), APP)
    await vault.indexes.run()
    const subject = person()
    await put(subject, { a_b: 'AAAA1111', axb: 'BBBB2222' }, 'pet', 'P')
    await vault.erase([{ subject, collection: 'pet', record: 'P', fields: ['a_b'] }], 'T', APP, undefined)
    assert.equal((await search('axb', '2222', 'last', 'pet')).length, 1)
  })

  onStore('an index of more signs is made anew', async (db, keysDb) => {
    const { vault, put, person, search } = await setup(db, keysDb)
    const chip = { kind: 'other', index: ['last'] }
    await vault.registry.declare(said({ name: 'pet', fields: { chip } }), APP)
    const subject = person()
    await put(subject, { chip: 'AAAA1111' }, 'pet', 'P')
    await vault.indexes.run()
    await vault.registry.declare(said({ name: 'pet', fields: { chip: { ...chip, last: 6 } } }), APP)
    await vault.indexes.run()
    assert.equal((await search('chip', 'AA1111', 'last', 'pet')).length, 1)
  })

  onStore('an index withdrawn and declared again is whole', async (db, keysDb) => {
    const { vault, put, person, search } = await setup(db, keysDb)
    const chip = { kind: 'other', index: ['last'] }
    await vault.registry.declare(said({ name: 'pet', fields: { chip } }), APP)
    await vault.indexes.run()
    await vault.registry.declare(said({ name: 'pet', fields: { chip: { kind: 'other' } } }), APP)
    const subject = person()
    await put(subject, { chip: 'AAAA1111' }, 'pet', 'P')
    await vault.registry.declare(said({ name: 'pet', fields: { chip } }), APP)
    await vault.indexes.run()
    assert.equal((await search('chip', '1111', 'last', 'pet')).length, 1)
  })

  onStore('a process that knows an older declaration writes no value without its index', async (db, keysDb) => {
    // Two processes: on PostgreSQL alone.
    if (db.dialect === 'sqlite') return
    const { ctx, vault, person, search } = await setup(db, keysDb)
    const chip = { kind: 'other', index: ['last'] }
    const other = openVault(ctx)
    await vault.registry.declare(said({ name: 'pet', fields: { chip: { kind: 'other' } } }), APP)
    const subject = person()
    await other.put([{ subject, collection: 'pet', record: 'P', fields: { chip: '0' } }], APP, undefined)
    await vault.registry.declare(said({ name: 'pet', fields: { chip } }), APP)
    await vault.indexes.run()
    await other.put([{ subject, collection: 'pet', record: 'P', fields: { chip: 'AAAA1111' } }], APP, undefined)
    assert.equal((await search('chip', '1111', 'last', 'pet')).length, 1)
    await other.close()
  })

  onStore('a value that does not open keeps no index, no search and no batch from the rest', async (db, keysDb) => {
    const { vault, put, person, search } = await setup(db, keysDb)
    const [hoa, lan] = [person(), person()]
    await vault.registry.declare(said({ name: 'pet', fields: { chip: { kind: 'other' } } }), APP)
    for (const subject of [hoa, lan]) await put(subject, { chip: 'AAAA1111' }, 'pet', 'P')
    const torn = db
      .tables<VaultTables>()
      .updateTable('vault_value')
      .set({ sealed: randomBytes(60) })
    await torn.where('subject', '=', hoa).execute()
    await vault.registry.declare(said({ name: 'pet', fields: { chip: { kind: 'other', index: ['last'] } } }), APP)
    await vault.indexes.run()
    assert.deepEqual(await search('chip', '1111', 'last', 'pet'), [{ subject: lan, record: 'P' }])
    const wish = { collection: 'pet', record: 'P', fields: ['chip'] }
    const read = await vault.get('care', 'T', [{ ...wish, subject: hoa }, { ...wish, subject: lan }], APP) // prettier-ignore
    assert.partialDeepStrictEqual(read, [{ code: 'vault/altered' }, { fields: { chip: 'AAAA1111' } }])
  })

  onStore('a password that is changed while an old hash is renewed stays', async (db, keysDb) => {
    const { ctx, vault, person } = await setup(db, keysDb)
    const subject = person()
    const word = 'con mèo nhảy qua tường'
    const change = () => vault.put([{ subject, collection: 'account', record: '-', fields: { password: word } }], APP, undefined) // prettier-ignore
    await vault.importPasswords([{ subject, hash: 'e10adc3949ba59abbe56e057f20f883e' }], APP, undefined)
    let transactions = 0
    const renewed = Promise.withResolvers<void>()
    const slow = openVault({
      ...ctx,
      db: {
        ...ctx.db,
        // The first is the ruling of the check, the second the renewal.
        transaction: async (work) => {
          if (++transactions < 2) return ctx.db.transaction(work)
          await change()
          return ctx.db.transaction(work).finally(renewed.resolve)
        },
      },
    })
    assert.equal(await slow.checkPassword('care', 'T', subject, '123456', APP), true)
    await renewed.promise
    assert.equal(await vault.checkPassword('care', 'T', subject, word, APP), true)
    await slow.close()
    await vault.close()
  })
}

test('a search that would have to leave people out says so', async () => {
  await using db = await STORES[0]!.open()
  await using keysDb = await STORES[0]!.open()
  const { vault, search, person } = await setup(db, keysDb)
  await vault.registry.declare(said({ name: 'pet', fields: { chip: { kind: 'other', index: ['equal'] } } }), APP)
  await vault.indexes.run()
  const subject = person()
  const some = (from: number, count: number) =>
    vault.put(
      Array.from({ length: count }, (_, i) => ({ subject, collection: 'pet', record: `P-${from + i}`, fields: { chip: 'Lu' } })), // prettier-ignore
      APP,
      undefined,
    )
  for (let from = 0; from < 20_000; from += 500) await some(from, 500)
  await assert.rejects(search('chip', 'Lu', 'equal', 'pet'), { code: 'vault/too-common', field: 'body.value' })
})
