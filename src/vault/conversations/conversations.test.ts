import assert from 'node:assert/strict'
import test from 'node:test'
import { keyPair, openMessage, safetyNumber, sealMessage } from '../../client/messages.ts'
import { toBase64url } from '../../client/hpke.ts'
import type { Purpose } from '../../consent/index.ts'
import { newSubject, systemEntropy } from '../../kit/ids.ts'
import type { Database } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { CollectionDeclaration } from '../declared/contract.ts'
import type { KeyTables } from '../store.ts'
import { vaultOver } from '../testing.ts'
import type { ConversationTables } from './store.ts'

const APP = 'service:khk_00000000000000000000000001'
const both = (text: string) => ({ vi: text, en: text })
const CHAT: Purpose = {
  id: 'chat', title: both('Trò chuyện'), what: both('x'), ground: 'agreement', agreement: 'membership', fields: ['message.body'], recipients: [] } // prettier-ignore

async function setup(db: Database, keysDb: Database) {
  const over = await vaultOver(db, keysDb)
  await over.consent.purposes.declare(both('Thông báo'), [CHAT], APP)
  const member = async (): Promise<string> => {
    const subject = newSubject(systemEntropy)
    await over.consent.agreements.open({ subject, kind: 'membership', ref: 'tv' }, APP, undefined)
    return subject
  }
  const { conversations } = over.vault
  const [hoa, lan] = [await member(), await member()]
  const begin = async (mode: 'open' | 'sealed' = 'open') => (await conversations.open([hoa, lan], mode, APP, undefined)).id // prettier-ignore
  const say = async (id: string, from: string, record: string, body: string) =>
    (await conversations.write(id, [{ from, record, body }], APP, undefined))[0]!
  const read = (id: string, reader?: string, more: { before?: string; limit?: number } = {}) =>
    conversations.read(id, { purpose: 'chat', reason: 'T-1', reader, limit: 50, ...more }, APP)
  const bodies = async (id: string, reader?: string) => (await read(id, reader)).items.map((item) => item.body)
  return { ...over, conversations, member, hoa, lan, begin, say, read, bodies }
}
const keysLeft = async (keysDb: Database): Promise<string[]> =>
  (await keysDb.tables<KeyTables>().selectFrom('subject_key').select('subject').execute()).map((row) => row.subject)
const messages = async (db: Database) => db.tables<ConversationTables>().selectFrom('vault_message').selectAll().execute() // prettier-ignore

for (const store of STORES) {
  const onStore = (name: string, work: (over: Awaited<ReturnType<typeof setup>>) => Promise<void>) =>
    test(`${store.name}: ${name}`, { skip: store.skip }, async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await work(await setup(db, keysDb))
    })

  onStore(
    'messages are read by who is in the conversation, page by page, and everybody sees that they were',
    async (over) => {
      const { hoa, lan, begin, say, read, bodies, acts, clock, conversations, member } = over
      const id = await begin()
      for (let n = 1; n <= 5; n++) {
        clock.advance(1_000)
        assert.deepEqual(await say(id, n % 2 ? hoa : lan, `M-${n}`, `Tin số ${n}`), { ok: true })
      }
      assert.deepEqual(await bodies(id, hoa), ['Tin số 5', 'Tin số 4', 'Tin số 3', 'Tin số 2', 'Tin số 1'])
      const first = await read(id, lan, { limit: 2 })
      const second = await read(id, lan, { limit: 3, before: first.next! })
      assert.deepEqual([first.items.length, second.items.map((item) => item.record), second.next], [2, ['M-3', 'M-2', 'M-1'], null]) // prettier-ignore
      const seen = acts.filter((act) => act.kind === 'vault.read')
      assert.deepEqual(new Set(seen.map((act) => act.subject)), new Set([hoa, lan]))
      assert.doesNotMatch(JSON.stringify(acts), /Tin số/)
      assert.doesNotMatch(JSON.stringify((await messages(over.ctx.db)).map((row) => row.sealed.toString())), /Tin s/)

      const stranger = await member()
      await assert.rejects(read(id, stranger), { code: 'vault/not-in-conversation', status: 403 })
      assert.partialDeepStrictEqual(await say(id, stranger, 'M-6', 'x'), { code: 'vault/not-in-conversation', field: 'body.items.0.from' }) // prettier-ignore
      assert.partialDeepStrictEqual(await say(id, lan, 'M-1', 'của Hoà'), { code: 'vault/other-writer' })
      assert.partialDeepStrictEqual(await say(id, hoa, 'M-1', ' '), { code: 'vault/empty', field: 'body.items.0.body' })
      await assert.rejects(read(id, hoa, { before: 'x' }), { code: 'vault/bad-cursor', field: 'body.before' })
      assert.deepEqual(await say(id, hoa, 'M-1', 'Tin sửa'), { ok: true })
      assert.equal((await conversations.erase(id, ['M-2', 'M-9'], 'T-1', APP, undefined)).erased, 1)
      assert.deepEqual(new Set(await bodies(id, hoa)), new Set(['Tin số 5', 'Tin số 4', 'Tin số 3', 'Tin sửa']))
    },
  )

  onStore(
    'others read on the ground of everybody in it, or not at all',
    async ({ consent, hoa, begin, say, read, bodies, acts }) => {
      const id = await begin()
      await say(id, hoa, 'M-1', 'Chào Lan')
      assert.deepEqual(await bodies(id), ['Chào Lan'])
      await consent.agreements.close({ subject: hoa, kind: 'membership', ref: 'tv' }, APP, undefined)
      for (const reader of [undefined, hoa]) await assert.rejects(read(id, reader), { code: 'vault/no-agreement', status: 403 }) // prettier-ignore
      assert.equal(acts.filter((act) => act.kind === 'vault.read' && act.result === 'refused').length, 3)
    },
  )

  onStore('two who write one record at once: one of them has it', async ({ hoa, lan, begin, say, bodies }) => {
    for (let n = 0; n < 5; n++) {
      const id = await begin()
      await Promise.all([say(id, hoa, 'A', 'x'), say(id, lan, 'B', 'x')])
      const said = await Promise.all([say(id, hoa, 'R', 'Hoà'), say(id, lan, 'R', 'Lan')])
      assert.deepEqual(said.map((one) => one.ok).toSorted(), [false, true])
      assert.ok((await bodies(id, hoa)).includes(said[0]!.ok ? 'Hoà' : 'Lan'))
    }
  })

  onStore(
    'who never wrote can be erased; what is over goes; an export says which conversations there are',
    async (over) => {
      const { ctx, vault, conversations, hoa, lan, begin, say, bodies, clock, member } = over
      const id = await begin()
      const before = (await keysLeft(ctx.keysDb)).length
      const gone = await member()
      await vault.put([{ subject: gone, collection: 'message', record: 'M', fields: { body: 'x' } }], APP, undefined)
      await vault.shred(gone, 'T-0', 'staff:dpo', undefined)
      await assert.rejects(conversations.open([hoa, gone], 'open', APP, undefined), { code: 'vault/shredded' })
      assert.equal((await keysLeft(ctx.keysDb)).length, before, 'no key is left of what was refused')
      await say(id, hoa, 'M-1', 'cũ')
      assert.partialDeepStrictEqual((await vault.export('chat', 'T-1', lan, APP)).conversations, [{ id, mode: 'open' }])
      const said = { name: 'message', fields: { body: { kind: 'message', keepDays: 30 } } }
      await vault.registry.declare([CollectionDeclaration.parse(said)], APP)
      clock.advance(31 * 86_400_000)
      await say(id, hoa, 'M-2', 'mới')
      await conversations.sweep()
      assert.deepEqual(await bodies(id, hoa), ['mới'])
      await assert.rejects(conversations.addBox(lan, 'A'.repeat(43), APP, undefined), {
        code: 'vault/bad-public-key',
        field: 'body.publicKey',
      })
      await vault.shred(lan, 'T-2', 'staff:dpo', undefined)
      assert.deepEqual((await conversations.shown(id)).people, [hoa])
      await assert.rejects(vault.shred(await member(), 'T-2', 'staff:dpo', undefined), { code: 'vault/unknown-person' })
      await vault.shred(hoa, 'T-3', 'staff:dpo', undefined)
      await assert.rejects(bodies(id), { code: 'vault/unknown-conversation', status: 404 })
    },
  )

  onStore(
    'ending it, or erasing who wrote, makes messages unreadable even with an old copy of the values',
    async (over) => {
      const { ctx, vault, conversations, hoa, lan, begin, say, bodies } = over
      const [kept, ended] = [await begin(), await begin()]
      for (const id of [kept, ended]) {
        await say(id, hoa, 'M-1', 'Hoà viết')
        await say(id, lan, 'M-2', 'Lan viết')
      }
      const copy = await messages(ctx.db)
      const receipt = await conversations.end(ended, 'T-2', APP, undefined)
      assert.match(receipt.receipt, new RegExp(`subject: ${ended}`))
      assert.equal((await conversations.end(ended, 'T-2', APP, undefined)).id, receipt.id, 'once')
      await assert.rejects(bodies(ended, hoa), { code: 'vault/unknown-conversation', status: 404 })
      await vault.shred(hoa, 'T-3', 'staff:dpo', undefined)
      assert.deepEqual(await bodies(kept, lan), ['Lan viết'])
      // What a backup of the values would bring back, under the keys that are left.
      await ctx.db.tables<ConversationTables>().deleteFrom('vault_message').execute()
      await ctx.db.tables<ConversationTables>().insertInto('vault_message').values(copy).execute()
      await ctx.db.tables<ConversationTables>().insertInto('vault_conversation').values({ id: ended, mode: 'open', opened_at: 0 }).execute() // prettier-ignore
      await ctx.db.tables<ConversationTables>().insertInto('vault_conversation_person').values({ conversation: ended, subject: lan }).execute() // prettier-ignore
      assert.deepEqual(await bodies(kept, lan), ['Lan viết'])
      assert.deepEqual(await bodies(ended, lan), [])

      await vault.shred(lan, 'T-4', 'staff:dpo', undefined)
      await vault.jobs.find(({ name }) => name === 'vault-conversations')!.work()
      assert.deepEqual(await keysLeft(ctx.keysDb), [], 'the key of a conversation goes with its last person')
      assert.equal(await vault.people(), 0)
    },
  )

  onStore('what devices seal, the vault keeps and cannot open', async (over) => {
    const { ctx, conversations, hoa, lan, begin, read, clock } = over
    const id = await begin('sealed')
    const devices = new Map<string, Awaited<ReturnType<typeof keyPair>>>()
    for (const subject of [hoa, lan]) {
      const pair = await keyPair()
      const box = await conversations.addBox(subject, toBase64url(pair.publicKey), APP, undefined)
      assert.equal((await conversations.addBox(subject, box.publicKey, APP, undefined)).id, box.id, 'once')
      devices.set(box.id, pair)
      clock.advance(1)
    }
    const { boxes } = await conversations.shown(id)
    assert.deepEqual(
      boxes.map((box) => box.subject),
      [hoa, lan],
    )
    const place = { conversation: id, record: 'M-1', from: hoa }
    const sealed = await sealMessage('chỉ Lan đọc được', boxes, place)
    const write = (item: object) => conversations.write(id, [{ from: hoa, record: 'M-1', ...item }], APP, undefined)
    assert.deepEqual(await write({ sealed }), [{ ok: true }])
    assert.partialDeepStrictEqual(await write({ body: 'x' }), [{ code: 'vault/sealed-conversation' }])
    assert.partialDeepStrictEqual(await write({ sealed: { box_00000000000000000000000000: 'x'.repeat(66) } }), [{ code: 'vault/unknown-box' }]) // prettier-ignore
    const [got] = (await read(id, lan)).items
    assert.equal(got!.body, undefined)
    for (const [box, pair] of devices) assert.equal(await openMessage(pair, box, got!.sealed!, place), 'chỉ Lan đọc được') // prettier-ignore
    const [box, pair] = [...devices][0]!
    await assert.rejects(openMessage(pair, box, got!.sealed!, { ...place, record: 'M-2' }))
    // All that the vault's own keys open is ciphertext.
    const keys = await Promise.all([id, hoa].map(async (subject) => (await ctx.keysDb.tables<KeyTables>().selectFrom('subject_key').selectAll().where('subject', '=', subject).executeTakeFirstOrThrow()))) // prettier-ignore
    const [whole, own] = keys.map(({ subject, version, wrapped }) => ctx.sealer.unwrap(ctx.kek, wrapped, { node: ctx.node, subject, version })) // prettier-ignore
    const at = { node: ctx.node, subject: id, collection: 'conversation', record: `${hoa} M-1`, version: 1 }
    const [row] = await messages(ctx.db)
    const inner = ctx.sealer.open(own!, ctx.sealer.open(whole!, row!.sealed, { ...at, field: 'sealed' }), { ...at, field: 'body' }) // prettier-ignore
    assert.deepEqual(JSON.parse(Buffer.from(inner).toString()), sealed)

    const long = Object.fromEntries(boxes.map(({ id }) => [id, 'x'.repeat(24_000)]))
    const batch = Array.from({ length: 60 }, (_, i) => ({ from: lan, record: `L-${i}`, sealed: long }))
    assert.ok((await conversations.write(id, batch, APP, undefined)).every((answer) => answer.ok))
    const found = new Set<string>()
    let pages = 0
    for (let before: string | undefined, more = true; more; pages++) {
      const page = await read(id, lan, { limit: 200, ...(before === undefined ? {} : { before }) })
      for (const { record } of page.items) found.add(record)
      more = page.next !== null
      before = page.next ?? undefined
    }
    assert.deepEqual([found.size, pages], [61, 2], 'two million signs an answer, the rest with the next')

    await assert.rejects(safetyNumber([{ ...boxes[0]!, subject: `${hoa} x\n${lan}` }]), /subject token/)
    await assert.rejects(sealMessage('x', [{ ...boxes[0]!, publicKey: 'A'.repeat(43) }], place), new RegExp(box))
    const number = await safetyNumber(boxes)
    assert.match(number, /^(?:\d{5} ){11}\d{5}$/)
    assert.equal(await safetyNumber(boxes.toReversed()), number)
    assert.notEqual(await safetyNumber(boxes.map((b, i) => (i ? b : { ...b, publicKey: boxes[1]!.publicKey }))), number)
    assert.deepEqual(await conversations.countsOf(hoa), { open: 0, sealed: 1, boxes: 1 })
    assert.deepEqual(await conversations.removeBox(box, APP), { removed: true })
    assert.deepEqual(await conversations.countsOf(hoa), { open: 0, sealed: 1, boxes: 0 })
  })
}
