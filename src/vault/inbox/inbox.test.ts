import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'
import { hpkeSeal } from '../../engine/seal/index.ts'
import { newId, newSubject, systemEntropy } from '../../kit/ids.ts'
import type { Database } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { openVault } from '../index.ts'
import { vaultOver } from '../testing.ts'
import type { SealedItem } from './index.ts'
import type { InboxKeyTables, InboxTables } from './store.ts'

const DAY = 86_400_000
const both = (text: string) => ({ vi: text, en: text })

async function setup(db: Database, keysDb: Database) {
  const over = await vaultOver(db, keysDb)
  const { vault, consent, clock } = over
  await consent.purposes.declare(
    both('Thông báo'),
    [
      {
        id: 'invoice',
        title: both('Hóa đơn'),
        what: both('Giữ hóa đơn'),
        ground: 'law',
        duty: both('giữ hóa đơn'),
        fields: ['person.name', 'person.phone'],
        recipients: [],
      },
    ],
    'service:test',
  )
  const key = await vault.inbox.give()
  const seal = (plain: unknown, change: Partial<SealedItem> = {}, to = key): SealedItem => {
    const item = { id: newId('inb', clock(), systemEntropy), key: to.id, at: clock(), sealed: '', ...change }
    const context = { info: Buffer.from('khien/inbox/v1'), aad: Buffer.from(`${item.key}\n${item.id}\n${item.at}`) }
    const text = Buffer.from(typeof plain === 'string' ? plain : JSON.stringify(plain))
    return {
      ...item,
      sealed: Buffer.from(hpkeSeal(to.publicKey, text, randomBytes(32), context)).toString('base64url'),
    }
  }
  const name = (subject: string, text: string) => ({
    subject,
    collection: 'person',
    record: '-',
    fields: { name: text },
  })
  const take = (...items: SealedItem[]) => vault.inbox.take(items, 'service:app')
  const read = async (subject: string) => {
    const [item] = await vault.get(
      'invoice',
      'HD-1',
      [{ subject, collection: 'person', record: '-', fields: ['name'] }],
      'service:app',
    )
    return item!.ok ? item!.fields['name'] : item!.code
  }
  const person = () => newSubject(systemEntropy)
  return { ...over, key, seal, name, take, read, person }
}

for (const store of STORES) {
  const onStore = (title: string, work: (db: Database, keysDb: Database) => Promise<void>) =>
    test(`${store.name}: ${title}`, { skip: store.skip }, async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await work(db, keysDb)
    })

  onStore('what was sealed is put, checked and recorded like any other; taken once for ever', async (db, keysDb) => {
    const { seal, name, take, read, person, acts, clock } = await setup(db, keysDb)
    const subject = person()
    const item = seal({
      subject,
      collection: 'person',
      record: '-',
      fields: { name: 'Nguyễn Thị Hoa', phone: '0912345678' },
    })
    const [first] = await take(item)
    assert.ok(first!.ok && first!.tokens!['phone']!.startsWith('kh_'))
    assert.equal(await read(subject), 'Nguyễn Thị Hoa')
    const recorded = acts.filter((act) => act.kind === 'vault.put')
    assert.partialDeepStrictEqual(recorded, [
      { actor: 'service:app', subject, facts: { fields: 'person.name person.phone' } },
    ])
    assert.deepEqual(await take(item), [{ ok: true, id: item.id, known: true }])
    // Past the day that idempotency keys are kept for.
    clock.advance(30 * DAY)
    const [again, next] = await take(item, seal(name(subject, 'Hoa')))
    assert.deepEqual(again, { ok: true, id: item.id, known: true })
    assert.equal(next!.ok, true)
    assert.equal(await read(subject), 'Hoa')
    assert.equal(acts.filter((act) => act.kind === 'vault.put').length, 2)
    assert.doesNotMatch(JSON.stringify(acts), /Hoa|0912/)
  })

  onStore('the newest writing stays, whatever the order of arrival', async (db, keysDb) => {
    const { seal, name, take, read, person, vault, clock } = await setup(db, keysDb)
    const subject = person()
    const now = clock()
    const at = (minutes: number, text: string) => seal(name(subject, text), { at: now + minutes * 60_000 })
    clock.advance(3_600_000)
    const [third, first, second] = [at(30, 'ba'), at(10, 'một'), at(20, 'hai')]
    await take(third)
    await take(first, second)
    assert.equal(await read(subject), 'ba')
    await vault.put([name(subject, 'thẳng')], 'service:app', undefined)
    assert.equal((await take(at(40, 'bốn')))[0]!.ok, true)
    assert.equal(await read(subject), 'thẳng', 'a put counts from the moment it came')
    clock.advance(60_000)
    await take(at(60.5, 'sáu mươi rưỡi'), at(60.2, 'sáu mươi'))
    assert.equal(await read(subject), 'sáu mươi rưỡi', 'in one batch too')
    await take(at(10_000, 'từ tương lai'))
    clock.advance(60_000)
    await take(at(61.5, 'sau đó'))
    assert.equal(await read(subject), 'sau đó', 'a clock that runs ahead does not win for ever')
  })

  onStore('a newer writing that is refused takes no older one along', async (db, keysDb) => {
    const { seal, take, person, vault, clock } = await setup(db, keysDb)
    const subject = person()
    const place = { subject, collection: 'person', record: '-' }
    const write = (fields: object, before: number) => seal({ ...place, fields }, { at: clock() - before })
    const results = await take(
      write({ phone: '0912345678' }, 3_000),
      write({ name: 'Hoà', phone: 'không phải số' }, 2_000),
      write({ name: 'Lan' }, 1_000),
    )
    assert.deepEqual(
      results.map((result) => (result.ok ? 'ok' : result.code)),
      ['ok', 'vault/not-a-phone', 'ok'],
    )
    assert.deepEqual(await vault.get('invoice', 'x', [{ ...place, fields: ['name', 'phone'] }], 's'), [
      { ok: true, fields: { name: 'Lan', phone: '0912345678' } },
    ])
    const [key] = await take(write({ '0912345678': 'x' }, 0))
    assert.doesNotMatch(JSON.stringify(key), /0912345678/)
  })

  onStore('one field of an item may be older while another is not', async (db, keysDb) => {
    const { seal, take, person, vault, clock } = await setup(db, keysDb)
    const subject = person()
    const old = clock()
    clock.advance(60_000)
    const place = { subject, collection: 'person', record: '-' }
    await vault.put([{ ...place, fields: { name: 'mới' } }], 's', undefined)
    await take(seal({ ...place, fields: { name: 'cũ', phone: '0912345678' } }, { at: old }))
    assert.deepEqual(await vault.get('invoice', 'x', [{ ...place, fields: ['name', 'phone'] }], 's'), [
      { ok: true, fields: { name: 'mới', phone: '0912345678' } },
    ])
  })

  onStore('each item is judged on its own, and what is wrong is never repeated', async (db, keysDb) => {
    const { seal, name, take, read, person, key, clock } = await setup(db, keysDb)
    const [a, b] = [person(), person()]
    const good = seal(name(a, 'Hoa'))
    const altered = seal(name(b, 'Lan'))
    const flip = (text: string, i: number) => text.slice(0, i) + (text[i] === 'A' ? 'B' : 'A') + text.slice(i + 1)
    const results = await take(
      good,
      { ...altered, sealed: flip(altered.sealed, 60) },
      { ...altered, id: newId('inb', clock(), systemEntropy) },
      { ...seal(name(b, 'Lan')), at: clock() - 1 },
      { ...seal(name(b, 'Lan')), key: newId('ibk', clock(), systemEntropy) },
      seal('không phải JSON'),
      seal({ ...name(b, 'Lan'), extra: 1 }),
      seal({ subject: b, collection: 'person', record: '-', fields: { phone: 'không phải số' } }),
      seal({ subject: b, collection: 'person', record: '-', fields: {} }),
      seal(name(b, 'Lan'), { at: clock() - 401 * DAY }),
    )
    assert.deepEqual(
      results.map((one) => (one.ok ? 'ok' : one.code)),
      ['ok', 'seal/refused', 'seal/refused', 'seal/refused', 'vault/inbox-key-gone', 'vault/inbox-unreadable'].concat([
        'vault/inbox-unreadable',
        'vault/not-a-phone',
        'vault/inbox-unreadable',
        'vault/inbox-too-old',
      ]),
    )
    assert.partialDeepStrictEqual(results[7], { field: 'fields.phone' })
    assert.doesNotMatch(JSON.stringify(results), /Lan|không phải số/)
    assert.equal(await read(a), 'Hoa')
    // Refused is not taken: the same id may come again once it is right.
    const right = seal(name(b, 'Lan'), { id: results[7]!.id })
    assert.deepEqual(await take(right, right), [
      { ok: true, id: right.id },
      { ok: true, id: right.id },
    ])
    assert.equal(key.publicKey.length, 32)
  })

  onStore('many at once deliver the same items: each is put once', async (db, keysDb) => {
    const { seal, name, take, person, acts } = await setup(db, keysDb)
    const items = Array.from({ length: 20 }, (_, i) => seal(name(person(), `Người ${i}`)))
    const rounds = await Promise.all(Array.from({ length: 6 }, (_, i) => take(...(i % 2 ? items.toReversed() : items))))
    assert.ok(rounds.flat().every((one) => one.ok))
    assert.equal(rounds.flat().filter((one) => one.ok && !one.known).length, 20)
    const people = acts.filter((act) => act.kind === 'vault.put').map((act) => act.subject)
    assert.equal(new Set(people).size, 20)
    const rows = await db.tables<InboxTables>().selectFrom('vault_inbox_taken').select('id').execute()
    assert.equal(rows.length, 20)
  })

  onStore('a put and an older item that come at the same moment: the put stays', async (db, keysDb) => {
    const { seal, name, take, read, person, vault, clock } = await setup(db, keysDb)
    const old = clock()
    clock.advance(60_000)
    // Half of the people have a name already, the others get their first.
    const people = Array.from({ length: 60 }, person)
    await vault.put(
      people.filter((_, i) => i % 2 === 0).map((subject) => name(subject, 'trước')),
      's',
      undefined,
    )
    clock.advance(60_000)
    await Promise.all(
      people.flatMap((subject, i) => {
        const older = seal(name(subject, 'cũ'), { at: old + i })
        const put = () => vault.put([name(subject, 'mới')], 's', undefined)
        return i % 3 === 0 ? [take(older), put()] : [put(), take(older)]
      }),
    )
    assert.deepEqual([...new Set(await Promise.all(people.map(read)))], ['mới'])
  })

  onStore('what was written before an erasure and comes after it does not bring it back', async (db, keysDb) => {
    const { seal, name, take, read, person, vault, clock, acts } = await setup(db, keysDb)
    const [held, unheld, whole, later] = [person(), person(), person(), person()]
    const written = clock()
    await vault.put(
      [held, later].map((subject) => name(subject, 'trước')),
      's',
      undefined,
    )
    clock.advance(60_000)
    const place = (subject: string) => ({ subject, collection: 'person', record: '-' })
    await vault.erase(
      [
        { ...place(held), fields: ['name'] },
        // Nothing is here of them yet: it waits in the app.
        { ...place(unheld), fields: ['name'] },
        place(whole),
        { ...place(later), fields: ['name'] },
      ],
      'xóa',
      's',
      undefined,
    )
    const before = [held, unheld, whole].map((subject) => seal(name(subject, 'cũ'), { at: written }))
    const phone = seal({ ...place(unheld), fields: { name: 'cũ', phone: '0912345678' } }, { at: written })
    const same = seal(name(held, 'cùng lúc'), { at: clock() })
    clock.advance(1_000)
    const after = seal(name(later, 'sau'), { at: clock() })
    clock.advance(60_000)
    const results = await take(...before, phone, same, after)
    assert.ok(
      results.every((one) => one.ok),
      'taken, so that no app sends them for ever',
    )
    assert.deepEqual(await Promise.all([held, unheld, whole, later].map(read)), [null, null, null, 'sau'])
    const [other] = await vault.get('invoice', 'x', [{ ...place(unheld), fields: ['phone'] }], 's')
    assert.deepEqual(other, { ok: true, fields: { phone: '0912345678' } }, 'a field that nobody erased')
    assert.equal(acts.filter((act) => act.kind === 'vault.put' && act.subject === held).length, 1)
    await vault.put([name(held, 'lại')], 's', undefined)
    assert.equal(await read(held), 'lại', 'a put that comes now is of now')
    clock.advance(401 * DAY)
    await vault.inbox.sweep()
    assert.deepEqual(await db.tables<InboxTables>().selectFrom('vault_erased_place').selectAll().execute(), [])
  })

  onStore('an erasure and an older item at the same moment: nothing is left of it', async (db, keysDb) => {
    const { seal, name, take, read, person, vault, clock } = await setup(db, keysDb)
    const old = clock()
    clock.advance(60_000)
    const people = Array.from({ length: 40 }, person)
    await Promise.all(
      people.flatMap((subject, i) => {
        const item = seal(name(subject, 'cũ'), { at: old })
        const erase = () =>
          vault.erase([{ subject, collection: 'person', record: '-', fields: ['name'] }], 'xóa', 's', undefined)
        return i % 2 ? [take(item), erase()] : [erase(), take(item)]
      }),
    )
    assert.deepEqual([...new Set(await Promise.all(people.map(read)))], [null])
  })

  onStore('more passwords than a batch hashes come with the next one', async (db, keysDb) => {
    const { seal, take, person } = await setup(db, keysDb)
    const items = Array.from({ length: 22 }, () =>
      seal({ subject: person(), collection: 'account', record: '-', fields: { password: 'một câu dài' } }),
    )
    const results = await take(...items)
    assert.deepEqual(
      results.map((one) => (one.ok ? 'ok' : one.later)),
      [...Array.from({ length: 20 }, () => 'ok'), true, true],
    )
    const rest = await take(...items)
    assert.equal(rest.filter((one) => one.ok && one.known !== true).length, 2)
  })

  onStore('keys follow each other; an old one opens for its time and is then destroyed', async (db, keysDb) => {
    const { seal, name, take, read, person, vault, clock, key, acts, ctx } = await setup(db, keysDb)
    assert.equal((await vault.inbox.give()).id, key.id)
    const [a, b, c] = [person(), person(), person()]
    const early = seal(name(a, 'sớm'))
    clock.advance(31 * DAY)
    const second = await vault.inbox.give()
    assert.notEqual(second.id, key.id)
    assert.deepEqual((await take(early))[0], { ok: true, id: early.id })
    assert.equal(await read(a), 'sớm')
    const turned = await vault.inbox.rotate('staff:admin')
    assert.partialDeepStrictEqual(turned, { closed: second.id, oldOpensUntil: clock() + 90 * DAY })
    clock.advance(89 * DAY)
    assert.equal((await take(seal(name(b, 'muộn'), {}, second)))[0]!.ok, true)
    clock.advance(2 * DAY)
    assert.partialDeepStrictEqual((await take(seal(name(c, 'quá muộn'), {}, second)))[0], {
      code: 'vault/inbox-key-gone',
    })
    await vault.inbox.sweep()
    const left = await keysDb.tables<InboxKeyTables>().selectFrom('vault_inbox_key').select('id').execute()
    assert.deepEqual([left.length, left.some((row) => row.id === turned.id)], [2, true], 'the one of now and the next')
    assert.deepEqual(
      acts.filter((act) => act.kind === 'vault.inbox-key').map((act) => act.actor),
      ['node', 'node', 'staff:admin'],
    )
    // As after a restart.
    assert.equal((await openVault(ctx).inbox.take([early], 's'))[0]!.ok, true)
  })

  onStore('a backup of the keys from last week opens what was sealed to this week’s key', async (db, keysDb) => {
    const { seal, name, read, person, vault, clock, ctx, key } = await setup(db, keysDb)
    const table = keysDb.tables<InboxKeyTables>()
    clock.advance(25 * DAY)
    const backup = await table.selectFrom('vault_inbox_key').selectAll().execute()
    clock.advance(7 * DAY)
    const followed = await vault.inbox.give()
    assert.notEqual(followed.id, key.id)
    const subject = person()
    const item = seal(name(subject, 'Hoa'), {}, followed)
    // The machine is lost, the backup put back.
    await table.deleteFrom('vault_inbox_key').execute()
    await table.insertInto('vault_inbox_key').values(backup).execute()
    const restored = openVault(ctx)
    assert.equal((await restored.inbox.give()).id, followed.id)
    assert.deepEqual(await restored.inbox.take([item], 'service:app'), [{ ok: true, id: item.id }])
    assert.equal(await read(subject), 'Hoa')
  })

  onStore('two processes of one vault agree on one key', async (db, keysDb) => {
    const { ctx } = await vaultOver(db, keysDb)
    const keys = await Promise.all(Array.from({ length: 5 }, () => openVault(ctx).inbox.give()))
    assert.equal(new Set(keys.map((one) => one.id)).size, 1)
    const rows = await keysDb.tables<InboxKeyTables>().selectFrom('vault_inbox_key').select('id').execute()
    assert.equal(rows.length, 2, 'the one of now and the next')
  })

  onStore('ids are forgotten only when their items are too old to be taken', async (db, keysDb) => {
    const { seal, name, take, person, vault, clock } = await setup(db, keysDb)
    const item = seal(name(person(), 'Hoa'))
    await take(item)
    const held = async () =>
      (await db.tables<InboxTables>().selectFrom('vault_inbox_taken').select('id').execute()).length
    clock.advance(399 * DAY)
    await vault.inbox.sweep()
    assert.equal(await held(), 1)
    clock.advance(2 * DAY)
    await vault.inbox.sweep()
    assert.equal(await held(), 0)
    assert.partialDeepStrictEqual((await take(item))[0], { ok: false, code: 'vault/inbox-too-old' })
  })
}
