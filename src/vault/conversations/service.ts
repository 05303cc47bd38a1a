import type { ConsentTables } from '../../consent/index.ts'
import { hpkeSeal, SealError } from '../../engine/seal/index.ts'
import type { Act } from '../../kit/act.ts'
import { iso } from '../../kit/clock.ts'
import type { Once } from '../../kit/contract.ts'
import { badRequest, KhienError } from '../../kit/errors.ts'
import { newId, type Entropy } from '../../kit/ids.ts'
import { oneAtATime, runOnce, type Transaction } from '../../storage/sql/index.ts'
import type { VaultContext } from '../context.ts'
import type { Registry } from '../declared/registry.ts'
import type { Keyring } from '../keyring.ts'
import { refuse, SHREDDED, type Refusal } from '../put.ts'
import { shreddedOf, type VaultTables } from '../store.ts'
import { fault } from '../values.ts'
import type { ConversationTables } from './store.ts'

type Tables = ConversationTables & VaultTables & ConsentTables
type Mode = 'open' | 'sealed'
export type Writing = {
  readonly from: string
  readonly record: string
  readonly body?: string | undefined
  readonly sealed?: Readonly<Record<string, string>> | undefined
}
export type Written = { ok: true } | Refusal
export type Message = { record: string; from: string; at: string; body?: string; sealed?: Record<string, string> }
export type Reading = {
  readonly purpose: string
  readonly reason: string
  readonly reader?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

const FIELD = 'message.body'
const erasedAt = (item: number): Refusal => ({ ...SHREDDED, field: `body.items.${item}.from` })
const MOST_BOXES = 20
const MOST_TOLD = 5_000
const DAY_MS = 86_400_000
/** All that one message takes, sealed to every device. */
const LONGEST = 256 * 1024
/** Bytes of one answer; what is beyond comes with the next. */
const MOST_ANSWERED = 2 * 1024 * 1024
const STEP = 25

/**
 * Conversations, each under a key of its own (Law 91/2025 art. 4: private messages are sensitive). A message is sealed
 * under its writer's key and that again under the conversation's: erasing the writer, or ending the conversation, makes
 * it unreadable everywhere. What devices sealed among themselves stays sealed in between; the vault cannot open it.
 */
export function conversationService(ctx: VaultContext, keys: Keyring, registry: Registry) {
  const tables = () => ctx.db.tables<Tables>()
  const placeOf = (conversation: string, { record, subject }: { record: string; subject: string }) => ({
    node: ctx.node,
    subject: conversation,
    collection: 'conversation',
    record: `${subject} ${record}`,
    field: 'body',
    version: 1,
  })

  async function open(people: readonly string[], mode: Mode, actor: string, once: Once | undefined) {
    const members = [...new Set(people)]
    if (members.length < 2)
      throw badRequest('vault/one-person', 'A conversation has two people or more.', 'body.people')
    const now = ctx.clock()
    const fresh = newId('cnv', now, ctx.entropy)
    // Durable before anything is sealed under it; taken back where the request is a repeat, or refused.
    await keys.keysFor([fresh], true)
    const opened = await runOnce<Tables, { id: string; mode: Mode }>(ctx.db, once, now, async (trx) => {
      const gone = await shreddedOf(trx as never, members)
      if (gone.size > 0) throw badRequest('vault/shredded', 'One of these people was erased for good.', 'body.people')
      await trx.insertInto('vault_conversation').values({ id: fresh, mode, opened_at: now }).execute()
      await trx.insertInto('vault_conversation_person').values(members.map((subject) => ({ conversation: fresh, subject }))).execute() // prettier-ignore
      await ctx.record(trx, members.map((subject) => ({ kind: 'vault.conversation-opened', actor, subject, result: 'done', facts: { conversation: fresh, mode } }))) // prettier-ignore
      return { id: fresh, mode }
    }).catch((error: unknown) => error as Error)
    if (opened instanceof Error || opened.id !== fresh) await keys.destroy(fresh)
    if (opened instanceof Error) throw opened
    return opened
  }

  async function headOf(db: Pick<Transaction<Tables>, 'selectFrom'>, id: string) {
    const row = await db.selectFrom('vault_conversation').selectAll().where('id', '=', id).executeTakeFirst()
    const people = row === undefined ? [] : await db.selectFrom('vault_conversation_person').select('subject').where('conversation', '=', id).orderBy('subject').execute() // prettier-ignore
    // One that everybody has left is about to end.
    if (!row || people.length === 0)
      throw new KhienError('vault/unknown-conversation', 'There is no such conversation, or it was ended.', {
        status: 404,
        field: 'path.id',
      })
    return { ...row, people: people.map(({ subject }) => subject) }
  }

  const boxesOf = async (people: readonly string[]) =>
    people.length === 0 ? [] : tables().selectFrom('vault_box').selectAll().where('subject', 'in', [...people]).orderBy('since').execute() // prettier-ignore

  async function shown(id: string) {
    const { mode, people, opened_at } = await headOf(tables(), id)
    const boxes = mode === 'sealed' ? await boxesOf(people) : []
    return { id, mode, openedAt: iso(Number(opened_at)), people, boxes: boxes.map(boxShown) }
  }

  async function write(id: string, items: readonly Writing[], actor: string, once: Once | undefined) {
    const head = await headOf(tables(), id)
    const rule = (await registry.rules()).of('message', 'body')!
    const known = new Set(head.mode === 'sealed' ? (await boxesOf(head.people)).map((box) => box.id) : [])
    const seen = new Set<string>()
    const judged = items.map((item, i): Refusal | undefined => {
      const no = (field: string, code: string, detail: string): Refusal => refuse(code, detail, `body.items.${i}.${field}`) // prettier-ignore
      if (!head.people.includes(item.from))
        return no('from', 'vault/not-in-conversation', 'This person is not in the conversation.')
      if (seen.has(item.record)) return no('record', 'vault/twice', 'The same record stands twice in one batch.')
      seen.add(item.record)
      if (head.mode === 'open') {
        if (item.body === undefined || item.sealed !== undefined)
          return no('body', 'vault/open-conversation', 'A message of this conversation has a body and nothing sealed.')
        const wrong = fault(rule, item.body)
        return wrong && no('body', wrong.code, `message.body: ${wrong.words}.`)
      }
      if (item.sealed === undefined || item.body !== undefined)
        return no('sealed', 'vault/sealed-conversation', 'A message of this conversation is sealed by the device that wrote it.') // prettier-ignore
      const boxes = Object.keys(item.sealed)
      if (boxes.length === 0) return no('sealed', 'vault/no-box', 'Sealed to nobody.')
      if (boxes.some((box) => !known.has(box)))
        return no('sealed', 'vault/unknown-box', 'Sealed to a box of nobody in this conversation.')
      if (boxes.reduce((sum, box) => sum + item.sealed![box]!.length, 0) > LONGEST)
        return no('sealed', 'vault/too-long', `Longer than ${LONGEST} characters over all boxes.`)
      return undefined
    })
    const authors = items.filter((_, i) => judged[i] === undefined).map(({ from }) => from)
    const erasedSince = keys.watch()
    const { found, gone } = await keys.keysFor([id, ...authors], true)
    const now = ctx.clock()
    const rows = items.flatMap((item, i) => {
      const own = found.get(item.from)
      if (judged[i] !== undefined || !own || !found.has(id)) return []
      const place = placeOf(id, { record: item.record, subject: item.from })
      const plain = Buffer.from(head.mode === 'open' ? item.body!.normalize('NFC') : JSON.stringify(item.sealed))
      const inner = ctx.sealer.seal(own, plain, place)
      const sealed = ctx.sealer.seal(found.get(id)!, inner, { ...place, field: 'sealed' })
      return [{ item: i, row: { conversation: id, record: item.record, subject: item.from, sealed, at: now } }]
    })
    return runOnce<Tables, Written[]>(ctx.db, once, now, async (trx) => {
      const answers: Written[] = items.map((item, i) => judged[i] ?? (gone.has(item.from) || gone.has(id) ? erasedAt(i) : { ok: true })) // prettier-ignore
      // Two writers of one record must not both be told that it is theirs.
      await oneAtATime(ctx.db, trx, id)
      // Ended, or somebody left, since it was looked at: the key in hand is one of yesterday.
      const still = await headOf(trx, id)
      const erased = await erasedSince(trx as never, [id, ...authors])
      const there = await trx.selectFrom('vault_message').select(['record', 'subject']).where('conversation', '=', id)
        .where('record', 'in', items.map(({ record }) => record)).execute() // prettier-ignore
      const writers = new Map(there.map(({ record, subject }) => [record, subject]))
      const counts = new Map<string, number>()
      for (const { item, row } of rows) {
        const writer = writers.get(row.record)
        if (erased.has(row.subject) || erased.has(id) || !still.people.includes(row.subject))
          answers[item] = erasedAt(item)
        else if (writer !== undefined && writer !== row.subject)
          answers[item] = refuse('vault/other-writer', 'Another person wrote this record.', `body.items.${item}.record`)
        else {
          await trx.insertInto('vault_message').values(row)
            .onConflict((c) => c.columns(['conversation', 'record']).doUpdateSet({ sealed: row.sealed, at: row.at })).execute() // prettier-ignore
          counts.set(row.subject, (counts.get(row.subject) ?? 0) + 1)
        }
      }
      if (counts.size > 0)
        await ctx.record(trx, [...counts].map(([subject, count]) => ({ kind: 'vault.put', actor, subject, result: 'done' as const, facts: { fields: FIELD, conversation: id, count } }))) // prettier-ignore
      return answers
    })
  }

  /** Ruling, rows and record are one transaction; what is recorded is everybody whose conversation was opened. */
  async function read(id: string, asked: Reading, actor: string) {
    const after = asked.before === undefined ? undefined : cursorOf(asked.before)
    const { purpose, reason, reader } = asked
    type Found = {
      refused?: { code: string; why: string }
      mode: Mode
      page: ConversationTables['vault_message'][]
      more: boolean
    }
    const found = await ctx.db.transaction<Tables, Found>(async (trx) => {
      const { mode, people } = await headOf(trx, id)
      if (reader !== undefined && !people.includes(reader))
        throw new KhienError('vault/not-in-conversation', 'This person is not in the conversation.', {
          status: 403,
          field: 'body.reader',
        })
      const whose = reader === undefined ? people : [reader]
      const rulings = await ctx.consent.rule(trx, purpose, whose.map((subject) => ({ subject, fields: [FIELD] }))) // prettier-ignore
      const refused = rulings.find((ruling) => !ruling.lawful)
      const act = (subject: string, result: Act['result'], facts: Act['facts']): Act => ({
        kind: 'vault.read', actor, subject, purpose, reason, result, facts: { fields: FIELD, conversation: id, ...facts } }) // prettier-ignore
      if (refused) {
        await ctx.record(
          trx,
          whose.map((subject) => act(subject, 'refused', { code: refused.code })),
        )
        return { refused, mode, page: [], more: false }
      }
      const { page, more } = await pageOf(trx, id, after, asked.limit)
      const ruled = rulings[0] as { ground: string; article: string }
      const facts = { count: page.length, ground: ruled.ground, article: ruled.article }
      await ctx.record(
        trx,
        people.map((subject) => act(subject, 'allowed', facts)),
      )
      return { mode, page, more }
    })
    if (found.refused) throw new KhienError(found.refused.code, found.refused.why, { status: 403 })
    const { page } = found
    const held = await keys.keysOf([id, ...page.map(({ subject }) => subject)])
    const items = page.flatMap((row): Message[] => {
      const plain = opened(held.get(id), held.get(row.subject), row)
      if (plain === undefined) return []
      const base = { record: row.record, from: row.subject, at: iso(Number(row.at)) }
      return [found.mode === 'open' ? { ...base, body: plain } : { ...base, sealed: JSON.parse(plain) }]
    })
    const last = page.at(-1)
    return {
      mode: found.mode,
      items,
      next: found.more && last ? `${last.at}.${last.record}` : null,
    }
  }

  /** Undefined for who was erased meanwhile, and for what was altered. */
  function opened(whole: KeyOf, own: KeyOf, row: ConversationTables['vault_message']): string | undefined {
    if (!whole || !own) return undefined
    const place = placeOf(row.conversation, row)
    try {
      const inner = ctx.sealer.open(whole, row.sealed, { ...place, field: 'sealed' })
      return Buffer.from(ctx.sealer.open(own, inner, place)).toString('utf8')
    } catch (error) {
      if (error instanceof SealError) return undefined
      throw error
    }
  }

  async function erase(id: string, records: readonly string[], reason: string, actor: string, once: Once | undefined) {
    return runOnce<Tables, { erased: number }>(ctx.db, once, ctx.clock(), async (trx) => {
      await headOf(trx, id)
      const rows = await trx.selectFrom('vault_message').select(['record', 'subject']).where('conversation', '=', id).where('record', 'in', [...records]).execute() // prettier-ignore
      if (rows.length === 0) return { erased: 0 }
      await trx.deleteFrom('vault_message').where('conversation', '=', id).where('record', 'in', rows.map(({ record }) => record)).execute() // prettier-ignore
      const counts = Map.groupBy(rows, ({ subject }) => subject)
      await ctx.record(trx, [...counts].map(([subject, own]) => ({ kind: 'vault.erased', actor, subject, reason, result: 'done' as const, facts: { fields: FIELD, conversation: id, count: own.length } }))) // prettier-ignore
      return { erased: rows.length }
    })
  }

  async function addBox(subject: string, publicKey: string, actor: string, once: Once | undefined) {
    if (!isPoint(publicKey, ctx.entropy))
      throw badRequest(
        'vault/bad-public-key',
        'This is no public key that anything can be sealed to.',
        'body.publicKey',
      )
    const now = ctx.clock()
    return runOnce<Tables, ReturnType<typeof boxShown>>(ctx.db, once, now, async (trx) => {
      if ((await shreddedOf(trx as never, [subject])).size > 0)
        throw badRequest('vault/shredded', 'This person was erased for good.', 'body.subject')
      const there = await trx.selectFrom('vault_box').selectAll().where('subject', '=', subject).execute()
      const same = there.find((box) => box.public_key === publicKey)
      if (same) return boxShown(same)
      if (there.length >= MOST_BOXES)
        throw badRequest(
          'vault/too-many-boxes',
          `A person has ${MOST_BOXES} boxes at most; remove one.`,
          'body.subject',
        )
      const box = { id: newId('box', now, ctx.entropy), subject, public_key: publicKey, since: now }
      await trx.insertInto('vault_box').values(box).execute()
      // Whoever adds a box reads what is written from now on: the person must be able to see it.
      await ctx.record(trx, [{ kind: 'vault.box-added', actor, subject, result: 'done', facts: { box: box.id } }])
      return boxShown(box)
    })
  }

  async function removeBox(id: string, actor: string) {
    return ctx.db.transaction<Tables, { removed: boolean }>(async (trx) => {
      const box = await trx.selectFrom('vault_box').select('subject').where('id', '=', id).executeTakeFirst()
      if (!box) return { removed: false }
      await trx.deleteFrom('vault_box').where('id', '=', id).execute()
      await ctx.record(trx, [{ kind: 'vault.box-removed', actor, subject: box.subject, result: 'done', facts: { box: id } }]) // prettier-ignore
      return { removed: true }
    })
  }

  /** Conversations that everybody in them has left by being erased. */
  async function deserted(): Promise<string[]> {
    const rows = await tables()
      .selectFrom('vault_conversation as c')
      .leftJoin('vault_conversation_person as p', 'p.conversation', 'c.id')
      .select('c.id')
      .where('p.subject', 'is', null)
      .limit(500)
      .execute()
    return rows.map(({ id }) => id)
  }

  /** Messages that have been kept for as long as `message.body` is declared to be; answers how many went. */
  async function expire(): Promise<number> {
    const days = (await registry.rules()).of('message', 'body')?.keepDays
    if (days === undefined) return 0
    let expired = 0
    for (;;) {
      const gone = await ctx.db.transaction<Tables, number>(async (trx) => {
        const rows = await trx.selectFrom('vault_message').select(['conversation', 'record', 'subject']).where('at', '<=', ctx.clock() - days * DAY_MS).limit(500).execute() // prettier-ignore
        for (const { conversation, record } of rows)
          await trx.deleteFrom('vault_message').where('conversation', '=', conversation).where('record', '=', record).execute() // prettier-ignore
        const counts = Map.groupBy(rows, ({ subject }) => subject)
        if (rows.length > 0)
          await ctx.record(trx, [...counts].map(([subject, own]) => ({ kind: 'vault.expired', actor: 'node', subject, result: 'done' as const, facts: { fields: FIELD, count: own.length } }))) // prettier-ignore
        return rows.length
      })
      expired += gone
      if (gone < 500) return expired
    }
  }

  /** The conversations a person is in. */
  const of = (subject: string): Promise<{ id: string; mode: Mode }[]> =>
    tables()
      .selectFrom('vault_conversation_person as p')
      .innerJoin('vault_conversation as c', 'c.id', 'p.conversation')
      .select(['c.id', 'c.mode'])
      .where('p.subject', '=', subject)
      .orderBy('c.id')
      .limit(MOST_TOLD)
      .execute()

  /** What of whose conversations is readable for whom: for the person's page. */
  async function countsOf(subject: string): Promise<{ open: number; sealed: number; boxes: number }> {
    const rows = await tables()
      .selectFrom('vault_conversation_person as p')
      .innerJoin('vault_conversation as c', 'c.id', 'p.conversation')
      .select((eb) => ['c.mode', eb.fn.countAll<number>().as('n')])
      .where('p.subject', '=', subject)
      .groupBy('c.mode')
      .execute()
    const of = (mode: Mode): number => Number(rows.find((row) => row.mode === mode)?.n ?? 0)
    return { open: of('open'), sealed: of('sealed'), boxes: (await boxesOf([subject])).length }
  }

  return { open, shown, write, read, erase, addBox, removeBox, deserted, expire, of, countsOf }
}
type KeyOf = ReturnType<Awaited<ReturnType<Keyring['keysOf']>>['get']>

type Place = { readonly at: number; readonly record: string }

/** Newest first, as many as may be and no more bytes than one answer takes; a few rows are read at a time. */
async function pageOf(trx: Transaction<ConversationTables>, id: string, before: Place | undefined, limit: number) {
  const page: ConversationTables['vault_message'][] = []
  let [size, after] = [0, before]
  for (;;) {
    let query = trx.selectFrom('vault_message').selectAll().where('conversation', '=', id)
    const { at, record } = after ?? { at: 0, record: '' }
    if (after)
      query = query.where((eb) => eb.or([eb('at', '<', at), eb.and([eb('at', '=', at), eb('record', '<', record)])]))
    const rows = await query.orderBy('at', 'desc').orderBy('record', 'desc').limit(STEP).execute()
    for (const row of rows) {
      size += row.sealed.length
      if (page.length === limit || (size > MOST_ANSWERED && page.length > 0)) return { page, more: true }
      page.push(row)
    }
    if (rows.length < STEP) return { page, more: false }
    after = { at: Number(page.at(-1)!.at), record: page.at(-1)!.record }
  }
}

/** Of small order, it would make every device's sealing fail (RFC 9180 §7.1.4). */
function isPoint(publicKey: string, entropy: Entropy): boolean {
  const none = Buffer.alloc(0)
  try {
    hpkeSeal(Uint8Array.from(Buffer.from(publicKey, 'base64url')), none, entropy(32), { info: none, aad: none })
    return true
  } catch {
    return false
  }
}

const boxShown = (box: ConversationTables['vault_box']) => ({
  id: box.id,
  subject: box.subject,
  publicKey: box.public_key,
  since: iso(Number(box.since)),
})

/** Takes what a person wrote and is part of, or a whole conversation, out of the tables. Answers how many messages. */
export async function takeMessages(trx: Transaction<ConversationTables>, subject: string): Promise<number> {
  const gone = await trx.deleteFrom('vault_message').where((eb) => eb.or([eb('subject', '=', subject), eb('conversation', '=', subject)])).executeTakeFirst() // prettier-ignore
  await trx.deleteFrom('vault_conversation_person').where((eb) => eb.or([eb('subject', '=', subject), eb('conversation', '=', subject)])).execute() // prettier-ignore
  await trx.deleteFrom('vault_box').where('subject', '=', subject).execute()
  await trx.deleteFrom('vault_conversation').where('id', '=', subject).execute()
  return Number(gone.numDeletedRows)
}

function cursorOf(text: string): { at: number; record: string } {
  const [, at, record] = /^(\d{1,15})\.(.{1,64})$/.exec(text) ?? []
  if (at === undefined || record === undefined)
    throw badRequest('vault/bad-cursor', 'The cursor is not one of ours.', 'body.before')
  return { at: Number(at), record }
}
