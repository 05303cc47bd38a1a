import type { ConsentTables } from '../consent/index.ts'
import { iso } from '../kit/clock.ts'
import type { Output } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { classOfField } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { vaultRoutes as rows } from './contract.ts'
import type { Registry } from './declared/registry.ts'
import type { getService } from './get.ts'
import { shreddedOf, type KeyTables, type VaultTables } from './store.ts'

type Figures = Output<typeof rows.figures>
type Person = Output<typeof rows.person>
type Tables = VaultTables & ConsentTables
type Wanted = {
  readonly purpose: string
  readonly reason: string
  readonly collection: string
  readonly record: string
  readonly fields: readonly string[]
}
type Vault = {
  readonly people: () => Promise<number>
  readonly get: ReturnType<typeof getService>
  readonly registry: Registry
  readonly messagesOf: (subject: string) => Promise<Person['messages']>
}

/** Counting walks the whole index of values; nobody needs it by the second. */
const FRESH_MS = 30_000
const MOST_HELD = 400

/** The vault as people who work here see it: counts, what is held of whom, and one record opened for a ticket. */
export function staffService(ctx: VaultContext, { people, get, registry, messagesOf }: Vault) {
  let counted: { readonly until: number; readonly figures: Promise<Figures> } | undefined

  async function count(now: number): Promise<Figures> {
    const groups = await ctx.db
      .tables<VaultTables>()
      .selectFrom('vault_value')
      .select(['collection', (eb) => eb.fn.count<number>('subject').distinct().as('people')])
      .select((eb) => eb.fn.countAll<number>().as('values'))
      .groupBy('collection')
      .orderBy('collection')
      .execute()
    const collections = groups.map((group) => ({
      collection: group.collection,
      people: Number(group.people),
      values: Number(group.values),
    }))
    return {
      people: await people(),
      values: collections.reduce((sum, { values }) => sum + values, 0),
      collections,
      at: iso(now),
    }
  }

  /** Counts only; one count serves everybody for half a minute. */
  function figures(): Promise<Figures> {
    const now = ctx.clock()
    if (counted && now < counted.until) return counted.figures
    const fresh = count(now)
    counted = { until: now + FRESH_MS, figures: fresh }
    fresh.catch(() => (counted = undefined))
    return fresh
  }

  /** What is held of a person and what may be read of it now; no key is touched. Throws `vault/unknown-person` (404), `vault/shredded` (410). */
  async function person(subject: string): Promise<Person> {
    const key = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select('created_at')
      .where('subject', '=', subject)
      .executeTakeFirst()
    if (!key && (await shreddedOf(ctx.db.tables<VaultTables>(), [subject])).has(subject))
      throw new KhienError('vault/shredded', 'This person was erased for good; nothing is held any more.', {
        status: 410,
        field: 'path.subject',
      })
    if (!key)
      throw new KhienError('vault/unknown-person', 'The vault holds nothing under this token.', {
        status: 404,
        field: 'path.subject',
      })
    const values = await ctx.db
      .tables<VaultTables>()
      .selectFrom('vault_value')
      .select(['collection', 'record', 'field', 'at'])
      .where('subject', '=', subject)
      .orderBy('collection')
      .orderBy('record')
      .orderBy('field')
      .limit(MOST_HELD + 1)
      .execute()
    const now = ctx.clock()
    const rules = await registry.rules()
    const held = values.slice(0, MOST_HELD).map(({ collection, record, field, at }) => {
      const rule = rules.of(collection, field)
      return {
        collection,
        record,
        field,
        class: classOfField(rule, now),
        writeOnly: rule?.writeOnly === true,
        at: iso(Number(at)),
      }
    })
    const [consents, agreements] = await Promise.all([
      ctx.consent.decisions.of(subject),
      ctx.consent.agreements.runningOf(subject),
    ])
    return {
      subject,
      since: iso(Number(key.created_at)),
      held,
      more: values.length > MOST_HELD,
      consents: consents.map((row) => ({
        purpose: row.purpose,
        version: row.version,
        givenAt: iso(Number(row.given_at)),
        withdrawnAt: row.withdrawn_at === null ? null : iso(Number(row.withdrawn_at)),
      })),
      agreements: agreements.map((row) => ({ kind: row.kind, ref: row.ref, openedAt: iso(Number(row.opened_at)) })),
      purposes: await openings(subject, held),
      messages: await messagesOf(subject),
    }
  }

  /** Every declared purpose with what it opens of each record, by the same ruling that a read meets. */
  async function openings(subject: string, held: Person['held']): Promise<Person['purposes']> {
    const versions = [...(await ctx.consent.purposes.versions()).values()]
    const records = new Map<string, { collection: string; record: string; fields: string[] }>()
    for (const { collection, record, field, writeOnly } of held) {
      if (writeOnly) continue
      const place = `${collection} ${record}`
      const known = records.get(place) ?? { collection, record, fields: [] }
      known.fields.push(field)
      records.set(place, known)
    }
    return ctx.db.transaction<Tables, Person['purposes']>(async (trx) => {
      const told: Person['purposes'] = []
      for (const list of versions) {
        const { id, title, ground, fields } = list.at(-1)!
        const wanted = [...records.values()]
          .map((one) => ({
            ...one,
            fields: one.fields.filter((field) => fields.includes(`${one.collection}.${field}`)),
          }))
          .filter((one) => one.fields.length > 0)
        const wishes = wanted.map((one) => ({
          subject,
          record: one.record,
          fields: one.fields.map((field) => `${one.collection}.${field}`),
        }))
        const rulings = wishes.length === 0 ? [] : await ctx.consent.rule(trx, id, wishes)
        const barred = rulings.find((ruling) => !ruling.lawful)
        const opens = wanted.filter((_, i) => rulings[i]!.lawful)
        const why = opens.length > 0 ? null : barred?.lawful === false ? barred.code : 'vault/nothing-held'
        told.push({ purpose: id, title, ground, opens, why })
      }
      return told
    })
  }

  /** Through the same door as the app's reads: ruled, recorded, then answered. Throws what `get` refuses. */
  async function reveal(subject: string, wanted: Wanted, actor: string): Promise<Record<string, string | null>> {
    const { purpose, reason, collection, record, fields } = wanted
    const [result] = await get(purpose, reason, [{ subject, collection, record, fields }], actor)
    if (result!.ok) return result!.fields
    const { code, detail, field } = result!
    throw new KhienError(code, detail, {
      status: code === 'vault/key-missing' || code === 'vault/altered' ? 503 : field === undefined ? 403 : 400,
      ...(field === undefined ? {} : { field: 'body.fields' }),
    })
  }

  return { figures, person, reveal }
}
