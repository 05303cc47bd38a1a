import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { SealError } from '../engine/seal/index.ts'
import type { Once } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { runOnce, type Transaction } from '../storage/sql/index.ts'
import type { VaultContext } from './context.ts'
import type { Registry, Rules } from './declared/registry.ts'
import type { Keyring } from './keyring.ts'
import type { PasswordService } from './passwords/service.ts'
import { insertTags, insertValues, PLACE, type VaultTables } from './store.ts'
import { tokensOf } from './tokens.ts'
import { bandsOf, fault, indexedText, indexName } from './values.ts'

export type PutItem = {
  readonly subject: string
  readonly collection: string
  readonly record: string
  readonly fields: Readonly<Record<string, string>>
  /** When the app wrote it, if that was before it came here: a field written later stays as it is. Milliseconds. */
  readonly at?: number
}
export type Refusal = { ok: false; code: string; detail: string; field?: string }
export type PutResult = { ok: true; tokens?: Record<string, string>; bands?: Record<string, string> } | Refusal
export type PutOptions = {
  /** Only fields that are held already; others are `vault/nothing-held`. */
  readonly onlyHeld?: boolean
}

const SCHEMA = 1
/** Items sealed before others get their turn of the event loop. */
const SLICE = 50
const nextTurn = promisify(setImmediate)
/** One takes 40 ms of a core; more than this in one batch would keep everybody's sign-in waiting. */
const PASSWORDS_A_BATCH = 20
export const sealPlace = (
  node: string,
  item: { subject: string; collection: string; record: string },
  field: string,
) => ({
  node,
  subject: item.subject,
  collection: item.collection,
  record: item.record,
  field,
  version: SCHEMA,
})

/** Collections were declared while this was being sealed: it is judged anew. */
class Outdated extends KhienError {}
const TRIES = 3
const TOLD = 'Collections are being declared; try again in a second.'

/** A value of a field; undefined when what lies there does not open: it was altered, or sealed under another key. */
export function openText(
  ctx: Pick<VaultContext, 'sealer' | 'node'>,
  key: KeyObject,
  sealed: Uint8Array,
  item: { subject: string; collection: string; record: string },
  field: string,
): string | undefined {
  try {
    return Buffer.from(ctx.sealer.open(key, sealed, sealPlace(ctx.node, item, field))).toString('utf8')
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}

type Row = VaultTables['vault_value'] & { readonly item: number; readonly tags: VaultTables['vault_index'][] }

/** Seals fields: value, index and record of the act are one transaction, durable before this resolves. */
export function putService(
  ctx: VaultContext,
  { keys, registry, passwords }: { keys: Keyring; registry: Registry; passwords: PasswordService },
) {
  /** What put would answer; keeps nothing. */
  async function check(items: readonly PutItem[]): Promise<PutResult[]> {
    const rules = await registry.rules()
    return Promise.all(
      judge(rules, items).map(async (result, i) => {
        if (!result.ok) return result
        const { collection, fields } = items[i]!
        for (const [field, value] of Object.entries(fields))
          if (rules.of(collection, field)!.writeOnly && (await passwords.breached(value)))
            return refuse(
              'vault/breached-password',
              'This password is known from a leak, or is one that everybody tries first; choose another.',
              `body.items.${i}.fields.${field}`,
            )
        return result
      }),
    )
  }

  async function put(
    items: readonly PutItem[],
    actor: string,
    once: Once | undefined,
    options: PutOptions = {},
  ): Promise<PutResult[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await putOnce(items, actor, once, options)
      } catch (error) {
        if (!(error instanceof Outdated) || tries === TRIES) throw error
      }
    }
  }

  async function putOnce(
    items: readonly PutItem[],
    actor: string,
    once: Once | undefined,
    { onlyHeld = false }: PutOptions,
  ): Promise<PutResult[]> {
    const rules = await registry.rules()
    const judged = await check(items)
    const subjects = items.filter((_, i) => judged[i]!.ok).map((item) => item.subject)
    const erasedSince = keys.watch()
    const { found, gone } = await keys.keysFor(subjects, !onlyHeld)
    const results = judged.map((result, i): PutResult => {
      const { subject } = items[i]!
      return result.ok && gone.has(subject) ? SHREDDED : result.ok && !found.has(subject) ? nothingHeld() : result
    })
    const now = ctx.clock()
    const rows: Row[] = []
    for (const [i, item] of items.entries()) {
      if (!results[i]!.ok) continue
      if (i % SLICE === SLICE - 1) await nextTurn()
      const { subject, collection, record } = item
      const answer: { ok: true; tokens?: Record<string, string>; bands?: Record<string, string> } = { ok: true }
      for (const [field, value] of Object.entries(item.fields)) {
        const rule = rules.of(collection, field)!
        const plain = rule.writeOnly ? await passwords.hashed(value) : value.normalize('NFC')
        const sealed = ctx.sealer.seal(found.get(subject)!, Buffer.from(plain), sealPlace(ctx.node, item, field))
        const tags: VaultTables['vault_index'][] = []
        for (const kind of rule.index) {
          const text = indexedText(rule, kind, value)
          if (text === undefined) continue
          const name = indexName(field, kind)
          tags.push({ collection, field: name, subject, record, tag: ctx.tag(collection, name, text) })
        }
        rows.push({ subject, collection, record, field, sealed, at: item.at ?? now, item: i, tags })
        if (rule.token !== undefined) (answer.tokens ??= {})[field] = tokensOf(ctx, collection, field, rule)(value)
        if (rule.bands.length > 0) answer.bands = { ...answer.bands, ...bandsOf(rule, value) }
      }
      results[i] = answer
    }
    // In one order for everybody: two batches over the same people must not wait for each other crosswise.
    rows.sort(byPlace)
    const careful = onlyHeld || items.some((item) => item.at !== undefined)
    const outcome = await runOnce<VaultTables, PutResult[]>(ctx.db, once, now, async (trx) => {
      const answers = [...results]
      if (!(await registry.inForce(trx, rules))) throw new Outdated('vault/declared-meanwhile', TOLD, { status: 503, retryAfter: 1 }) // prettier-ignore
      const erased = await erasedSince(trx, subjects)
      for (const { item, subject } of rows) if (erased.has(subject)) answers[item] = SHREDDED
      const living = erased.size === 0 ? rows : rows.filter(({ subject }) => !erased.has(subject))
      const kept = careful ? await standing(trx, living, items, answers, onlyHeld) : living
      await insertValues(trx, ctx.db.dialect, kept)
      await insertTags(
        trx,
        ctx.db.dialect,
        kept.flatMap((row) => row.tags),
      )
      const fieldsOf = new Map<string, string[]>()
      for (const { subject, collection, field } of kept) {
        const before = fieldsOf.get(subject)
        if (before) before.push(`${collection}.${field}`)
        else fieldsOf.set(subject, [`${collection}.${field}`])
      }
      if (fieldsOf.size > 0) {
        await ctx.record(
          trx,
          [...fieldsOf].map(([subject, fields]) => ({
            kind: 'vault.put',
            actor,
            subject,
            result: 'done' as const,
            // Whoever writes values to learn their tokens is seen by how many.
            facts: { fields: shortList(fields), ...(fields.length > new Set(fields).size ? { count: fields.length } : {}) }, // prettier-ignore
          })),
        )
      }
      // What is kept for a repeat outlives the person: tokens and bands are made anew from the repeat, which is the same.
      return answers.map((answer) => (answer.ok ? { ok: true } : answer))
    })
    return outcome.map((answer, i) => (answer.ok && results[i]!.ok ? results[i]! : answer))
  }

  return { put, check }
}

/** The rows that may be written over what is there: nothing newer, and for an update something at all. */
async function standing(
  trx: Transaction<VaultTables>,
  rows: readonly Row[],
  items: readonly PutItem[],
  answers: PutResult[],
  onlyHeld: boolean,
): Promise<Row[]> {
  if (rows.length === 0) return []
  const there = await trx
    .selectFrom('vault_value')
    .select([...PLACE, 'at'])
    .where('subject', 'in', [...new Set(rows.map((row) => row.subject))])
    .where('collection', 'in', [...new Set(rows.map((row) => row.collection))])
    .execute()
  const known = new Map(there.map((row) => [placeOf(row), Number(row.at)]))
  if (onlyHeld)
    for (const row of rows) if (!known.has(placeOf(row))) answers[row.item] = nothingHeld(row.item, row.field)
  return rows.filter((row) => {
    const at = known.get(placeOf(row))
    return answers[row.item]!.ok && (items[row.item]!.at === undefined || at === undefined || at <= row.at)
  })
}

type Place = { readonly subject: string; readonly collection: string; readonly record: string; readonly field: string }
export const placeOf = (row: Place): string => `${row.subject} ${row.collection} ${row.record} ${row.field}`
const compared = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const byPlace = (a: Place, b: Place): number =>
  compared(a.subject, b.subject) ||
  compared(a.collection, b.collection) ||
  compared(a.record, b.record) ||
  compared(a.field, b.field)

/** Field names, each once, bounded: a record names what was touched, it does not grow with the batch. */
export function shortList(fields: readonly string[]): string {
  const unique = [...new Set(fields)]
  return unique.length <= 12 ? unique.join(' ') : `${unique.slice(0, 12).join(' ')} +${unique.length - 12}`
}

/** What is wrong with each item, item by item; keeps nothing. */
export function judge(rules: Rules, items: readonly PutItem[]): PutResult[] {
  const seen = new Set<string>()
  let passwords = 0
  return items.map((item, i) => {
    const fields = Object.entries(item.fields)
    if (fields.length === 0)
      return refuse('vault/no-fields', 'An item needs at least one field.', `body.items.${i}.fields`)
    for (const [field, value] of fields) {
      const path = (): string => `body.items.${i}.fields.${field}`
      const rule = rules.of(item.collection, field)
      if (!rule) return refuse('vault/unknown-field', `There is no field ${item.collection}.${field}.`, path())
      const wrong = fault(rule, value)
      if (wrong) return refuse(wrong.code, `${item.collection}.${field}: ${wrong.words}.`, path())
      if (rule.writeOnly && ++passwords > PASSWORDS_A_BATCH)
        return refuse(
          'vault/too-many-passwords',
          `A batch takes ${PASSWORDS_A_BATCH} passwords; send the rest in another.`,
          path(),
        )
      const place = placeOf({ ...item, field })
      if (seen.has(place)) return refuse('vault/twice', 'The same field stands twice in one batch.', path())
      seen.add(place)
    }
    return { ok: true }
  })
}

export const refuse = (code: string, detail: string, field?: string): Refusal => ({
  ok: false,
  code,
  detail,
  ...(field === undefined ? {} : { field }),
})
const nothingHeld = (item?: number, field?: string): Refusal =>
  refuse(
    'vault/nothing-held',
    'Nothing is held here to be changed; put it first.',
    item === undefined ? undefined : `body.items.${item}.fields.${field}`,
  )
export const SHREDDED = refuse('vault/shredded', 'This person was erased for good; a new person needs a new token.')
