import { answer, type Bound } from '../../http/index.ts'
import { setTimeout as wait } from 'node:timers/promises'
import { actorOf } from '../../kit/contract.ts'
import { KhienError } from '../../kit/errors.ts'
import type { VaultContext } from '../context.ts'
import type { GetItem, getService } from '../get.ts'
import type { Registry } from '../declared/registry.ts'
import type { Keyring } from '../keyring.ts'
import type { Transaction } from '../../storage/sql/index.ts'
import { SHREDDED, type PutItem, type PutOptions, type PutResult } from '../put.ts'
import { shreddedOf, type VaultTables } from '../store.ts'
import { caller } from './call.ts'
import { relayRoutes as rows, type Json, type Recipient } from './contract.ts'
import { ownAddress, recipientRegistry } from './recipients.ts'
import type { RelayTables } from './store.ts'
import { filled, filledLength, partAt, placeName, placesIn, withoutValues, type Place } from './template.ts'

export type RelayItem = {
  readonly id: string
  readonly subject: string
  readonly record: string
  readonly agreement?: string | undefined
  readonly body: { readonly [name: string]: Json }
}
export type Relayed =
  | { ok: true; id: string; status: number; answer: Record<string, unknown>; again: boolean }
  | { ok: false; id: string; code: string; detail: string; status?: number }
type Vault = {
  readonly keys: Keyring
  readonly registry: Registry
  readonly get: ReturnType<typeof getService>
  readonly put: (
    items: readonly PutItem[],
    actor: string,
    once: undefined,
    options?: PutOptions,
  ) => Promise<PutResult[]>
}
type Asked = { readonly recipient: string; readonly purpose: string; readonly reason: string; readonly actor: string }

/** An item, and what its body names, a record at a time. */
type Wanted = {
  readonly item: RelayItem
  readonly wishes: readonly { readonly collection: string; readonly record: string; readonly fields: string[] }[]
}

const POLL_MS = 100
/** What an answer takes to be kept, beyond the time of the call. */
const LANDING_MS = 2_000
/** Of so many ids it is known that nobody here is sending them any more. */
const LANDED = 10_000
/** Items whose values are read at a time. */
const READ = 100
/** A few signs name a value of thousands: what a body may grow to. */
const LONGEST = 1024 * 1024

/**
 * The app sends places, the vault puts the values in and calls: a carrier gets a phone number that the shop never held
 * in its hands. The purpose must name the recipient and a live ground must carry each person's fields (Law 91/2025
 * art. 17); reading and sending are recorded before anything leaves; of the answer only what was registered comes back.
 */
export function openRelay(ctx: VaultContext, { get, put, keys, registry }: Vault) {
  const recipients = recipientRegistry(ctx, registry)
  const calls = caller()
  /** What is on its way from this process, by recipient and id: whoever asks for the same waits for its answer. */
  const landed = new Set<string>()
  const flying = new Map<string, { readonly subject: string; readonly sent: Promise<Relayed> }>()

  async function relay(asked: Asked, items: readonly RelayItem[]): Promise<Relayed[]> {
    const recipient = await recipients.find(asked.recipient)
    if (!recipient)
      throw new KhienError('vault/unknown-recipient', `Nobody registered the recipient "${asked.recipient}".`, {
        status: 404,
        field: 'body.recipient',
      })
    if (ctx.isOwn?.(recipient.url)) throw ownAddress('body.recipient')
    const newest = (await ctx.consent.purposes.versions()).get(asked.purpose)?.at(-1)
    if (newest && !newest.recipients.some(({ id }) => id === asked.recipient))
      throw new KhienError(
        'vault/not-a-recipient',
        `The purpose "${asked.purpose}" does not name the recipient "${asked.recipient}"; people were not told of it.`,
        { status: 403, field: 'body.recipient' },
      )
    const results: Relayed[] = []
    for (let from = 0; from < items.length; from += READ) {
      const part = items.slice(from, from + READ)
      results.push(...(await relayPart(asked, recipient, part)))
    }
    return results
  }

  async function relayPart(asked: Asked, recipient: Recipient, items: readonly RelayItem[]): Promise<Relayed[]> {
    const results = new Map<string, Relayed>()
    const subjects = new Map(items.toReversed().map(({ id, subject }) => [id, subject]))
    // The same id twice is one: both get its answer.
    const first = [...new Map(items.toReversed().map((item) => [item.id, item])).values()].toReversed()
    const elsewhere = first.flatMap((item) => {
      const flight = flying.get(flightOf(asked, item))
      return flight ? [{ item, flight }] : []
    })
    const others = new Set(elsewhere.map(({ item }) => item.id))
    const wanted = first.filter((item) => !others.has(item.id))
    const landings = new Map(wanted.map((item) => [item.id, Promise.withResolvers<Relayed>()]))
    for (const item of wanted)
      flying.set(flightOf(asked, item), { subject: item.subject, sent: landings.get(item.id)!.promise })
    try {
      await sendAll(asked, recipient, wanted, results)
    } finally {
      for (const item of wanted) {
        flying.delete(flightOf(asked, item))
        land(flightOf(asked, item))
        landings.get(item.id)!.resolve(results.get(item.id) ?? no(item, ...UNKNOWN))
      }
    }
    for (const { item, flight } of elsewhere)
      results.set(item.id, flight.subject === item.subject ? repeated(await flight.sent) : no(item, ...OTHER))
    return items.map((item) => (subjects.get(item.id) === item.subject ? results.get(item.id)! : no(item, ...OTHER)))
  }

  function land(flight: string): void {
    if (landed.size >= LANDED) landed.delete(landed.values().next().value!)
    landed.add(flight)
  }

  async function sendAll(
    asked: Asked,
    recipient: Recipient,
    items: readonly RelayItem[],
    results: Map<string, Relayed>,
  ): Promise<void> {
    if (items.length === 0) return
    const known = await sentBefore(asked.recipient, recipient, items)
    const wanted: Wanted[] = []
    for (const item of items) {
      const before = known.get(item.id)
      if (before && before.subject !== item.subject) results.set(item.id, no(item, ...OTHER))
      else if (before?.status != null) results.set(item.id, await again(asked.recipient, before))
      else if (before && !recipient.repeats) results.set(item.id, no(item, ...UNKNOWN))
      else {
        const places = placesIn(item.body, item.record)
        if (places === undefined)
          results.set(item.id, no(item, 'vault/relay-body', 'The body is too deep or names more than 64 places.'))
        else if (places.length === 0)
          results.set(item.id, no(item, 'vault/relay-empty', 'The body names no place such as {{person.phone}}.'))
        else wanted.push({ item, wishes: wishesOf(places) })
      }
    }
    const values = await valuesOf(asked, wanted, results)
    for (const { item } of wanted)
      if (!results.has(item.id) && filledLength(item.body as Json, item.record, values.get(item.id)!) > LONGEST)
        results.set(item.id, no(item, 'vault/relay-body', 'The body is longer than 1 MiB with its values.'))
    const ready = wanted.filter(({ item }) => !results.has(item.id))
    const ours = await noteSending(asked, ready, known)
    await each(ready, recipient.atOnce, async (one) => {
      const { item } = one
      const result = ours.has(item.id)
        ? ((await refusedMeanwhile(asked, one, known.has(item.id))) ??
          (await send(asked, recipient, item, values.get(item.id)!)))
        : await sentElsewhere(asked, recipient, item)
      results.set(item.id, result)
    })
  }

  /** The ground may have gone since the values were read, up to a hundred items ago: then nothing leaves. */
  async function refusedMeanwhile(
    { recipient, purpose, reason, actor }: Asked,
    { item, wishes }: Wanted,
    sentOnce: boolean,
  ): Promise<Relayed | undefined> {
    const { subject, agreement } = item
    const asked = wishes.map((wish) => ({ subject, fields: namesOf([wish]), record: wish.record, agreement }))
    return ctx.db.transaction<RelayTables, Relayed | undefined>(async (trx) => {
      const rulings = await ctx.consent.rule(trx, purpose, asked)
      const refused = rulings.find((ruling) => !ruling.lawful)
      const gone =
        refused === undefined && (await shreddedOf(trx as unknown as Transaction<VaultTables>, [subject])).size > 0
      const why = refused?.lawful === false ? refused : gone ? SHREDDED : undefined
      if (why === undefined) return undefined
      if (!sentOnce)
        await trx.deleteFrom('vault_relayed').where('recipient', '=', recipient).where('id', '=', item.id).execute()
      const facts = { recipient, item: item.id, code: why.code }
      await ctx.record(trx, [{ kind: 'vault.relayed', actor, subject, purpose, reason, result: 'refused', facts }])
      return no(item, why.code, 'why' in why ? why.why : why.detail)
    })
  }

  /** Another process of this vault was faster: its answer, as soon as it has one. */
  async function sentElsewhere(asked: Asked, recipient: Recipient, item: RelayItem): Promise<Relayed> {
    const before = (await sentBefore(asked.recipient, recipient, [item])).get(item.id)
    if (before === undefined) return no(item, ...UNKNOWN_HERE)
    if (before.subject !== item.subject) return no(item, ...OTHER)
    return before.status === null ? no(item, ...UNKNOWN) : again(asked.recipient, before)
  }

  /** Rows of these ids; of those that another process is sending now, as they are when it is done. */
  async function sentBefore(recipient: string, { timeoutMs }: Recipient, items: readonly RelayItem[]) {
    const ids = items.map((item) => item.id)
    for (const began = performance.now(); ; await wait(POLL_MS)) {
      const rows = await ctx.db
        .tables<RelayTables>()
        .selectFrom('vault_relayed')
        .selectAll()
        .where('recipient', '=', recipient)
        .where('id', 'in', ids)
        .execute()
      const late = ctx.clock() - timeoutMs - LANDING_MS
      // What this process sent without an answer stays without one.
      const open = rows.filter((row) => row.status === null && !landed.has(`${recipient} ${row.id}`))
      const flies = ctx.db.dialect === 'postgres' && open.some((row) => Number(row.at) > late)
      if (!flies || performance.now() - began > timeoutMs + LANDING_MS) return new Map(rows.map((row) => [row.id, row]))
    }
  }

  /** Reads what the bodies name, through the vault's own door; items that may not have it get their refusal. */
  async function valuesOf(
    { purpose, reason, actor }: Asked,
    wanted: readonly Wanted[],
    results: Map<string, Relayed>,
  ): Promise<Map<string, Map<string, string>>> {
    const asked: { id: string; get: GetItem }[] = []
    for (const { item, wishes } of wanted)
      for (const wish of wishes)
        asked.push({ id: item.id, get: { subject: item.subject, ...wish, agreement: item.agreement } })
    const values = new Map<string, Map<string, string>>()
    if (asked.length === 0) return values
    const read = await get(purpose, reason, asked.map((one) => one.get), actor, { enforced: true }) // prettier-ignore
    for (const [i, { id, get: wish }] of asked.entries()) {
      const result = read[i]!
      const item = { id }
      if (!result.ok) {
        results.set(id, no(item, result.code, result.detail))
        continue
      }
      const own = values.get(id) ?? new Map<string, string>()
      values.set(id, own)
      for (const [field, value] of Object.entries(result.fields)) {
        if (value === null)
          results.set(id, no(item, 'vault/nothing-held', `Nothing is held of ${wish.collection}.${field}.`))
        else own.set(placeName({ collection: wish.collection, record: wish.record, field }), value)
      }
    }
    return values
  }

  /** From here on it may be out: durable before anything leaves. Answers which are ours to send. */
  async function noteSending(
    { recipient, purpose, reason, actor }: Asked,
    ready: readonly Wanted[],
    known: ReadonlyMap<string, unknown>,
  ): Promise<ReadonlySet<string>> {
    if (ready.length === 0) return new Set()
    return ctx.db.transaction<RelayTables, ReadonlySet<string>>(async (trx) => {
      const fresh = ready.filter(({ item }) => !known.has(item.id))
      const ours = new Set(ready.flatMap(({ item }) => (known.has(item.id) ? [item.id] : [])))
      if (fresh.length > 0) {
        const noted = await trx
          .insertInto('vault_relayed')
          .values(
            fresh.map(({ item }) => ({
              recipient,
              id: item.id,
              subject: item.subject,
              at: ctx.clock(),
              status: null,
              answer: null,
            })),
          )
          // Another process of this vault may have been asked for the same at this moment.
          .onConflict((c) => c.doNothing())
          .returning('id')
          .execute()
        for (const { id } of noted) ours.add(id)
      }
      const leaving = ready.filter(({ item }) => ours.has(item.id))
      if (leaving.length > 0)
        await ctx.record(
          trx,
          leaving.map(({ item, wishes }) => ({
            kind: 'vault.relayed',
            actor,
            subject: item.subject,
            purpose,
            reason,
            result: 'allowed' as const,
            facts: { recipient, item: item.id, fields: [...new Set(namesOf(wishes))].slice(0, 12).join(' ') },
          })),
        )
      return ours
    })
  }

  async function send(
    { recipient: name, actor }: Asked,
    recipient: Recipient,
    item: RelayItem,
    values: ReadonlyMap<string, string>,
  ): Promise<Relayed> {
    const body = filled(item.body as Json, item.record, values) as { [name: string]: Json }
    const called = await calls.call(recipient, item.id, body)
    // In transactions, which share their commits with those of the other calls that come back now.
    const forget = () =>
      ctx.db.transaction<RelayTables, unknown>((trx) =>
        trx.deleteFrom('vault_relayed').where('recipient', '=', name).where('id', '=', item.id).execute(),
      )
    if (!called.sent) {
      // What did not leave may be sent anew; of what may have left the row stays.
      if (called.sent === false) await forget()
      return no(item, called.code, called.detail)
    }
    const { status } = called
    // Something between us and the recipient may say so when it had taken it.
    if (status >= 500) return { ...no(item, ...UNKNOWN), status }
    if (status >= 300) {
      await forget()
      return { ...no(item, 'vault/recipient-refused', `The recipient refused it (${status}).`), status }
    }
    const told: Record<string, unknown> = {}
    for (const pointer of recipient.pass) {
      const part = partAt(called.answer, pointer)
      if (part !== undefined) told[pointer] = withoutValues(part, values)
    }
    for (const { pointer, collection, field } of recipient.keep) {
      const part = partAt(called.answer, pointer)
      if (typeof part !== 'string' || part === '') continue
      const place = { subject: item.subject, collection, record: collection === 'person' ? '-' : item.record }
      const [kept] = await put([{ ...place, fields: { [field]: part } }], actor, undefined)
      told[pointer] = kept!.ok ? (kept!.tokens?.[field] ?? `{{${collection}.${field}}}`) : kept!.code
    }
    // Under the person's own key: it dies with them. Who was erased meanwhile has none, and nothing is kept.
    const key = (await keys.keysOf([item.subject])).get(item.subject)
    const place = answerPlace(ctx.node, item.subject, name, item.id)
    const sealed = key ? ctx.sealer.seal(key, Buffer.from(JSON.stringify(told)), place) : null
    await ctx.db.transaction<RelayTables, unknown>((trx) =>
      trx
        .updateTable('vault_relayed')
        .set({ status, answer: sealed })
        .where('recipient', '=', name)
        .where('id', '=', item.id)
        .execute(),
    )
    return { ok: true, id: item.id, status, answer: told, again: false }
  }

  /** What was answered the first time. */
  async function again(recipient: string, row: RelayTables['vault_relayed']): Promise<Relayed> {
    const { id, subject, status, answer: sealed } = row
    const key = (await keys.keysOf([subject])).get(subject)
    const told = sealed && key ? ctx.sealer.open(key, sealed, answerPlace(ctx.node, subject, recipient, id)) : undefined
    const answer = told === undefined ? {} : (JSON.parse(Buffer.from(told).toString()) as Record<string, unknown>)
    return { ok: true, id, status: status!, answer, again: true }
  }

  return { relay, recipients, close: () => calls[Symbol.asyncDispose]() }
}
export type Relay = ReturnType<typeof openRelay>

const answerPlace = (node: string, subject: string, recipient: string, id: string) => ({
  node,
  subject,
  collection: 'relay',
  record: recipient,
  field: id,
  version: 1,
})

const namesOf = (wishes: Wanted['wishes']): string[] =>
  wishes.flatMap(({ collection, fields }) => fields.map((field) => `${collection}.${field}`))

const wishesOf = (places: readonly Place[]): Wanted['wishes'] =>
  Array.from(Map.groupBy(places, ({ collection, record }) => `${collection} ${record}`).values(), (group) => ({
    collection: group[0]!.collection,
    record: group[0]!.record,
    fields: group.map(({ field }) => field),
  }))

const flightOf = ({ recipient }: Asked, { id }: { readonly id: string }): string => `${recipient} ${id}`
const repeated = (result: Relayed): Relayed => (result.ok ? { ...result, again: true } : result)

const OTHER = ['vault/relay-other', 'This id was sent before for another person.'] as const
const UNKNOWN = [
  'vault/relay-unknown',
  'This id was sent before and its answer was lost; ask the recipient, then send it under a new id.',
] as const

const UNKNOWN_HERE = [
  'vault/relay-elsewhere',
  'Another call sent this id at the same moment and it was not taken; send it again.',
] as const

const no = ({ id }: { readonly id: string }, code: string, detail: string) => ({ ok: false as const, id, code, detail })

/** Works through the list, so many at a time. */
async function each<T>(list: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const left = list.values()
  await Promise.all(
    Array.from({ length: Math.min(atOnce, list.length) }, async () => {
      for (const one of left) await work(one)
    }),
  )
}

export const relayApi = (relay: Relay): readonly Bound[] => [
  answer(rows.setRecipient, ({ params, body }, { caller: who }) =>
    relay.recipients.set(params.recipient, body, actorOf(who)),
  ),
  answer(rows.recipients, async () => ({ recipients: await relay.recipients.list() })),
  answer(rows.dropRecipient, async ({ params }, { caller: who }) => ({
    dropped: await relay.recipients.drop(params.recipient, actorOf(who)),
  })),
  answer(rows.relay, async ({ body: { items, ...asked } }, { caller: who }) => ({
    items: await relay.relay({ ...asked, actor: actorOf(who) }, items),
  })),
]
