import type { Act } from '../kit/act.ts'
import type { Transaction } from '../storage/sql/index.ts'
import type { ConsentTables, Ruling } from '../consent/index.ts'
import type { VaultContext } from './context.ts'
import type { Registry, Rules } from './declared/registry.ts'
import type { EnforcementService } from './enforcement.ts'
import type { keyring } from './keyring.ts'
import { openText, placeOf, refuse, shortList, type Refusal } from './put.ts'
import { PLACE, type VaultTables } from './store.ts'
import { masked } from './values.ts'

export type GetItem = {
  readonly subject: string
  readonly collection: string
  readonly record: string
  readonly fields: readonly string[]
  readonly agreement?: string | undefined
}
type Fields = Record<string, string | null>
export type GetResult = { ok: true; fields: Fields; masks?: Fields } | Refusal
/** A ruling as it is carried out: `observed` is the code of a refusal that its purpose or caller is only watched for. */
export type CarriedOut = Ruling & { readonly observed?: string }
export type GetOptions = {
  /** Beside each value the form in which it may stand on a screen. */
  readonly masks?: boolean
  /** Held to the ground also where reads are only watched: what goes to third parties. */
  readonly enforced?: boolean
}

/**
 * Reads fields for a purpose. Ruling, values and record come out of one transaction; the record is durable before any
 * plaintext leaves. If the log cannot be written, the transaction fails and nothing leaves.
 */
export function getService(
  ctx: VaultContext,
  keys: ReturnType<typeof keyring>,
  registry: Registry,
  enforcement: EnforcementService,
) {
  return async function get(
    purpose: string,
    reason: string,
    items: readonly GetItem[],
    actor: string,
    { masks = false, enforced = false }: GetOptions = {},
  ): Promise<GetResult[]> {
    const rules = await registry.rules()
    const faults = items.map((item) => faultOf(rules, item))
    const asked = items.map((item, i) => ({ item, i })).filter(({ i }) => faults[i] === undefined)
    const read = await ctx.db.transaction<
      VaultTables & ConsentTables,
      { rulings: Map<number, CarriedOut>; sealed: Map<string, Uint8Array> }
    >(async (trx) => {
      const wishes = asked.map(({ item }) => ({
        subject: item.subject,
        fields: item.fields.map((f) => `${item.collection}.${f}`),
        record: item.record,
        agreement: item.agreement,
      }))
      const ruled = asked.length === 0 ? [] : await ctx.consent.rule(trx, purpose, wishes)
      const carried = enforced ? ruled : await enforcement.carryOut(trx, { purpose, actor }, wishes, ruled)
      const rulings = new Map(asked.map(({ i }, n) => [i, carried[n]!]))
      const lawful = asked.filter(({ i }) => rulings.get(i)!.lawful).map(({ item }) => item)
      const rows = lawful.length === 0 ? [] : await valuesOf(trx, lawful)
      const acts = actsOf(items, rulings, faults, { purpose, reason, actor })
      if (acts.length > 0) await ctx.record(trx, acts)
      return { rulings, sealed: new Map(rows.map((row) => [placeOf(row), row.sealed])) }
    })
    const subjectKeys = await keys.keysOf(
      asked.filter(({ i }) => read.rulings.get(i)!.lawful).map(({ item }) => item.subject),
    )
    return items.map((item, i): GetResult => {
      const fault = faults[i]
      if (fault) return { ...fault, field: `body.items.${i}.fields` }
      const ruling = read.rulings.get(i)!
      if (!ruling.lawful) return refuse(ruling.code, ruling.why)
      const fields: Fields = {}
      const shown: Fields = {}
      for (const field of item.fields) {
        const sealed = read.sealed.get(placeOf({ ...item, field }))
        const key = subjectKeys.get(item.subject)
        if (sealed && !key) return KEY_MISSING
        const text = sealed && key ? openText(ctx, key, sealed, item, field) : null
        if (text === undefined) return ALTERED
        fields[field] = text
        if (masks) shown[field] = text === null ? null : masked(rules.of(item.collection, field)!.mask, text)
      }
      return masks ? { ok: true, fields, masks: shown } : { ok: true, fields }
    })
  }
}

/**
 * Rows in which these items lie, and some more. Along the primary key: by person and collection, and by record where that
 * is no more places to look at; somebody with ten thousand messages is not read whole for one of them.
 */
function valuesOf(trx: Transaction<VaultTables>, items: readonly GetItem[]): Promise<Row[]> {
  const [subjects, collections, records] = (['subject', 'collection', 'record'] as const).map((part) => [...new Set(items.map((item) => item[part]))]) as [string[], string[], string[]] // prettier-ignore
  const rows = trx
    .selectFrom('vault_value')
    .select([...PLACE, 'sealed'])
    .where('subject', 'in', subjects)
    .where('collection', 'in', collections)
  const places = subjects.length * collections.length * records.length
  return (places <= 2 * items.length ? rows.where('record', 'in', records) : rows).execute()
}
type Row = Omit<VaultTables['vault_value'], 'at'>

const KEY_MISSING = refuse(
  'vault/key-missing',
  'The value is here but the key of this person is not; the key store may belong to another time.',
)
const ALTERED = refuse(
  'vault/altered',
  'What lies here does not open under the key of this person: it was altered, or the stores belong to different times.',
)

function faultOf(rules: Rules, item: GetItem): Refusal | undefined {
  for (const field of item.fields) {
    const rule = rules.of(item.collection, field)
    if (!rule) return refuse('vault/unknown-field', `There is no field ${item.collection}.${field}.`)
    if (rule.writeOnly)
      return refuse('vault/write-only', `${item.collection}.${field} is never given out, only checked.`)
  }
  return undefined
}

type Asked = { readonly purpose: string; readonly reason: string; readonly actor: string }

/** One act per person and outcome: a batch over a hundred people leaves a hundred leaves, each its own person's. */
function actsOf(
  items: readonly GetItem[],
  rulings: Map<number, CarriedOut>,
  faults: readonly (Refusal | undefined)[],
  asked: Asked,
): Act[] {
  const groups = new Map<string, { subject: string; outcome: CarriedOut | Refusal; fields: string[] }>()
  for (const [i, item] of items.entries()) {
    const outcome = rulings.get(i) ?? faults[i]!
    const code = 'code' in outcome ? outcome.code : (outcome.observed ?? outcome.ground)
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
    facts: { fields: shortList(fields), ...factsOf(outcome) },
  }))
}

function factsOf(outcome: CarriedOut | Refusal): Readonly<Record<string, string>> {
  if ('code' in outcome) return { code: outcome.code }
  return outcome.observed === undefined
    ? { ground: outcome.ground, article: outcome.article }
    : { observed: outcome.observed }
}
