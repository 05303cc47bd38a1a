import { promisify } from 'node:util'
import type { Once } from '../kit/contract.ts'
import { hashPassword } from '../identity/index.ts'
import { runOnce } from '../storage/sql/index.ts'
import { fault, normalise, ruleOf } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { keyring } from './keyring.ts'
import type { VaultTables } from './store.ts'

export type PutItem = {
  readonly subject: string
  readonly collection: string
  readonly record: string
  readonly fields: Readonly<Record<string, string>>
}
export type Refusal = { ok: false; code: string; detail: string; field?: string }
export type PutResult = { ok: true } | Refusal

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

/** Seals fields: value, index and record of the act are one transaction, durable before this resolves. */
export function putService(ctx: VaultContext, keys: ReturnType<typeof keyring>) {
  return async function put(items: readonly PutItem[], actor: string, once: Once | undefined): Promise<PutResult[]> {
    const results = judge(items)
    const good = items.filter((_, i) => results[i]!.ok)
    const subjectKeys = await keys.keysOf(
      good.map((item) => item.subject),
      true,
    )
    const now = ctx.clock()
    const values: VaultTables['vault_value'][] = []
    const tags: VaultTables['vault_index'][] = []
    for (const [n, item] of good.entries()) {
      if (n % SLICE === SLICE - 1) await nextTurn()
      const { subject, collection, record } = item
      for (const [field, value] of Object.entries(item.fields)) {
        const rule = ruleOf(collection, field)!
        const plain = rule.writeOnly ? await hashPassword(value, ctx.pepper, ctx.entropy) : value.normalize('NFC')
        const sealed = ctx.sealer.seal(subjectKeys.get(subject)!, Buffer.from(plain), sealPlace(ctx.node, item, field))
        values.push({ subject, collection, record, field, sealed, at: now })
        if (rule.index)
          tags.push({
            collection,
            field,
            subject,
            record,
            tag: ctx.tag(collection, field, normalise(rule.kind, value)),
          })
      }
    }
    // In one order for everybody: two batches over the same people must not wait for each other crosswise.
    values.sort(byPlace)
    tags.sort(byPlace)
    return runOnce<VaultTables, PutResult[]>(ctx.db, once, now, async (trx) => {
      for (const part of chunks(values, 100)) {
        await trx
          .insertInto('vault_value')
          .values(part)
          .onConflict((c) =>
            c
              .columns(['subject', 'collection', 'record', 'field'])
              .doUpdateSet((eb) => ({ sealed: eb.ref('excluded.sealed'), at: eb.ref('excluded.at') })),
          )
          .execute()
      }
      for (const part of chunks(tags, 100)) {
        await trx
          .insertInto('vault_index')
          .values(part)
          .onConflict((c) =>
            c
              .columns(['subject', 'collection', 'record', 'field'])
              .doUpdateSet((eb) => ({ tag: eb.ref('excluded.tag') })),
          )
          .execute()
      }
      const fieldsOf = new Map<string, string[]>()
      for (const item of good) {
        const names = Object.keys(item.fields).map((field) => `${item.collection}.${field}`)
        const before = fieldsOf.get(item.subject)
        if (before) before.push(...names)
        else fieldsOf.set(item.subject, names)
      }
      if (fieldsOf.size > 0) {
        await ctx.record(
          trx,
          [...fieldsOf].map(([subject, fields]) => ({
            kind: 'vault.put',
            actor,
            subject,
            result: 'done' as const,
            facts: { fields: shortList(fields) },
          })),
        )
      }
      return results
    })
  }
}

type Place = { readonly subject: string; readonly collection: string; readonly record: string; readonly field: string }
const placeOf = (row: Place): string => `${row.subject} ${row.collection} ${row.record} ${row.field}`
const byPlace = (a: Place, b: Place): number => (placeOf(a) < placeOf(b) ? -1 : 1)

/** Field names, each once, bounded: a record names what was touched, it does not grow with the batch. */
export function shortList(fields: readonly string[]): string {
  const unique = [...new Set(fields)]
  return unique.length <= 12 ? unique.join(' ') : `${unique.slice(0, 12).join(' ')} +${unique.length - 12}`
}

export function* chunks<T>(list: readonly T[], size: number): Generator<T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size)
}

/** What is wrong with each item, item by item; keeps nothing. */
export function judge(items: readonly PutItem[]): PutResult[] {
  const seen = new Set<string>()
  let passwords = 0
  return items.map((item, i) => {
    const fields = Object.entries(item.fields)
    if (fields.length === 0)
      return refuse('vault/no-fields', 'An item needs at least one field.', `body.items.${i}.fields`)
    for (const [field, value] of fields) {
      const path = `body.items.${i}.fields.${field}`
      const rule = ruleOf(item.collection, field)
      if (!rule) return refuse('vault/unknown-field', `There is no field ${item.collection}.${field}.`, path)
      const wrong = fault(rule, value)
      if (wrong) return refuse(wrong.code, `${item.collection}.${field}: ${wrong.words}.`, path)
      if (rule.writeOnly && ++passwords > PASSWORDS_A_BATCH)
        return refuse(
          'vault/too-many-passwords',
          `A batch takes ${PASSWORDS_A_BATCH} passwords; send the rest in another.`,
          path,
        )
      const place = `${item.subject} ${item.collection} ${item.record} ${field}`
      if (seen.has(place)) return refuse('vault/twice', 'The same field stands twice in one batch.', path)
      seen.add(place)
    }
    return { ok: true }
  })
}

const refuse = (code: string, detail: string, field: string): Refusal => ({ ok: false, code, detail, field })
