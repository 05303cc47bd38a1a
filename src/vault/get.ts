import type { Act } from '../kit/act.ts'
import type { ConsentTables, Ruling } from '../consent/index.ts'
import { ruleOf } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { keyring } from './keyring.ts'
import { sealPlace, shortList, type Refusal } from './put.ts'
import type { VaultTables } from './store.ts'

export type GetItem = {
  readonly subject: string
  readonly collection: string
  readonly record: string
  readonly fields: readonly string[]
  readonly agreement?: string | undefined
}
export type GetResult = { ok: true; fields: Record<string, string | null> } | Refusal

/**
 * Reads fields for a purpose. Ruling, values and record come out of one transaction; the record is durable before any
 * plaintext leaves. If the log cannot be written, the transaction fails and nothing leaves.
 */
export function getService(ctx: VaultContext, keys: ReturnType<typeof keyring>) {
  return async function get(
    purpose: string,
    reason: string,
    items: readonly GetItem[],
    actor: string,
  ): Promise<GetResult[]> {
    const faults = items.map(faultOf)
    const asked = items.map((item, i) => ({ item, i })).filter(({ i }) => faults[i] === undefined)
    const read = await ctx.db.transaction<
      VaultTables & ConsentTables,
      { rulings: Map<number, Ruling>; sealed: Map<string, Uint8Array> }
    >(async (trx) => {
      const wishes = asked.map(({ item }) => ({
        subject: item.subject,
        fields: item.fields.map((f) => `${item.collection}.${f}`),
        record: item.record,
        agreement: item.agreement,
      }))
      const ruled = asked.length === 0 ? [] : await ctx.consent.rule(trx, purpose, wishes)
      const rulings = new Map(asked.map(({ i }, n) => [i, ruled[n]!]))
      const lawful = asked.filter(({ i }) => rulings.get(i)!.lawful).map(({ item }) => item)
      const rows =
        lawful.length === 0
          ? []
          : await trx
              .selectFrom('vault_value')
              .select(['subject', 'collection', 'record', 'field', 'sealed'])
              .where('subject', 'in', [...new Set(lawful.map((item) => item.subject))])
              .where('collection', 'in', [...new Set(lawful.map((item) => item.collection))])
              .execute()
      const acts = actsOf(items, rulings, faults, { purpose, reason, actor })
      if (acts.length > 0) await ctx.record(trx, acts)
      return {
        rulings,
        sealed: new Map(rows.map((row) => [`${row.subject} ${row.collection} ${row.record} ${row.field}`, row.sealed])),
      }
    })
    const subjectKeys = await keys.keysOf(
      asked.map(({ item }) => item.subject),
      false,
    )
    return items.map((item, i) => {
      const wrong = faults[i]
      if (wrong) return { ...wrong, field: `body.items.${i}.fields` }
      const ruling = read.rulings.get(i)!
      if (!ruling.lawful) return { ok: false, code: ruling.code, detail: ruling.why }
      const fields: Record<string, string | null> = {}
      for (const field of item.fields) {
        const sealed = read.sealed.get(`${item.subject} ${item.collection} ${item.record} ${field}`)
        const key = subjectKeys.get(item.subject)
        if (sealed && !key) return KEY_MISSING
        fields[field] =
          sealed && key
            ? Buffer.from(ctx.sealer.open(key, sealed, sealPlace(ctx.node, item, field))).toString('utf8')
            : null
      }
      return { ok: true, fields }
    })
  }
}

const KEY_MISSING: Refusal = {
  ok: false,
  code: 'vault/key-missing',
  detail: 'The value is here but the key of this person is not; the key store may belong to another time.',
}

function faultOf(item: GetItem): Refusal | undefined {
  for (const field of item.fields) {
    const rule = ruleOf(item.collection, field)
    if (!rule)
      return { ok: false, code: 'vault/unknown-field', detail: `There is no field ${item.collection}.${field}.` }
    if (rule.writeOnly)
      return {
        ok: false,
        code: 'vault/write-only',
        detail: `${item.collection}.${field} is never given out, only checked.`,
      }
  }
  return undefined
}

type Asked = { readonly purpose: string; readonly reason: string; readonly actor: string }

/** One act per person and outcome: a batch over a hundred people leaves a hundred leaves, each its own person's. */
function actsOf(
  items: readonly GetItem[],
  rulings: Map<number, Ruling>,
  faults: readonly (Refusal | undefined)[],
  asked: Asked,
): Act[] {
  const groups = new Map<string, { subject: string; outcome: Ruling | Refusal; fields: string[] }>()
  for (const [i, item] of items.entries()) {
    const outcome = rulings.get(i) ?? faults[i]!
    const code = 'code' in outcome ? outcome.code : outcome.ground
    const key = `${item.subject} ${code}`
    const group = groups.get(key) ?? { subject: item.subject, outcome, fields: [] }
    groups.set(key, group)
    for (const field of item.fields) group.fields.push(`${item.collection}.${field}`)
  }
  return [...groups.values()].map(({ subject, outcome, fields }) => ({
    kind: 'vault.read',
    actor: asked.actor,
    subject,
    purpose: asked.purpose,
    reason: asked.reason,
    result: 'code' in outcome ? ('refused' as const) : ('allowed' as const),
    facts: {
      fields: shortList(fields),
      ...('code' in outcome ? { code: outcome.code } : { ground: outcome.ground, article: outcome.article }),
    },
  }))
}
