import type { Act } from '../../kit/act.ts'
import { iso } from '../../kit/clock.ts'
import { badRequest } from '../../kit/errors.ts'
import { classOf } from '../../law/index.ts'
import { oneAtATime, type Transaction } from '../../storage/sql/index.ts'
import {
  BUILT_IN,
  classOfField,
  fieldRule,
  ruleIn,
  type Collections,
  type FieldRule,
  type IndexKind,
} from '../collections.ts'
import type { VaultContext } from '../context.ts'
import type { VaultTables } from '../store.ts'
import { indexName } from '../values.ts'
import type { CollectionDeclaration, Title } from './contract.ts'

/** How old the rules may be that another process of this vault changed. */
const FRESH_MS = 1_000

export type Rules = {
  readonly version: number
  readonly collections: Collections
  of(collection: string, field: string): FieldRule | undefined
  /** What people are shown for a collection (`courier`) or a field of one (`courier.phone`), if it was declared. */
  titleOf(place: string): Title | undefined
}
function rulesOf(version: number, declared: readonly CollectionDeclaration[]): Rules {
  const collections = merged(declared)
  const titles = new Map<string, Title>()
  for (const { name, title, fields } of declared) {
    if (title) titles.set(name, title)
    for (const [field, { title: own }] of Object.entries(fields)) if (own) titles.set(`${name}.${field}`, own)
  }
  return {
    version,
    collections,
    of: (collection, field) => ruleIn(collections, collection, field),
    titleOf: (place) => titles.get(place),
  }
}

/** Of how many signs an index is made; undefined when there is none. */
const signsOf = (rule: FieldRule | undefined, kind: IndexKind): number | undefined =>
  !rule?.index.includes(kind) ? undefined : kind === 'last' ? rule.last : kind === 'prefix' ? rule.prefix : 0

/** The built-in collections with what was declared beside and above them. */
export function merged(declared: readonly CollectionDeclaration[]): Collections {
  const all: Record<string, Record<string, FieldRule>> = {}
  for (const [name, fields] of Object.entries(BUILT_IN)) all[name] = { ...fields }
  for (const { name, fields } of declared) {
    const known = (all[name] ??= {})
    for (const [field, said] of Object.entries(fields)) {
      const own = ruleIn(BUILT_IN, name, field)
      const rule = fieldRule(own ? { ...said, longest: said.longest ?? own.longest } : said)
      // A built-in field keeps what the program counts on; finding, masking and keeping may be set.
      known[field] = own
        ? { ...rule, index: [...new Set([...own.index, ...rule.index])], ...(own.token ? { token: own.token } : {}) }
        : rule
    }
  }
  return all
}

/** Which fields there are: built in, and declared in versions (Law 91/2025 art. 3: data types are stated beforehand). */
export function collectionRegistry(ctx: VaultContext) {
  let known: { readonly at: number; readonly rules: Rules } | undefined

  async function read(db: Transaction<VaultTables> = ctx.db.tables<VaultTables>() as never): Promise<{
    version: number
    declared: CollectionDeclaration[]
  }> {
    const row = await db
      .selectFrom('vault_declaration')
      .select(['version', 'text'])
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row === undefined
      ? { version: 0, declared: [] }
      : { version: row.version, declared: JSON.parse(row.text) as CollectionDeclaration[] }
  }

  const newest = async (trx: Transaction<VaultTables>): Promise<number> =>
    (await trx.selectFrom('vault_declaration').select('version').orderBy('version', 'desc').limit(1).executeTakeFirst())
      ?.version ?? 0

  /** The rules in force, at most a second old. */
  async function rules(): Promise<Rules> {
    const now = ctx.clock()
    if (known && now - known.at < FRESH_MS && now >= known.at) return known.rules
    const { version, declared } = await read()
    const same = known?.rules.version === version ? known.rules : undefined
    known = { at: now, rules: same ?? rulesOf(version, declared) }
    return known.rules
  }

  /**
   * A new version of everything declared. What is held may not lose its field or change its kind, and no class sinks.
   * Errors: `vault/kind-fixed`, `vault/class-lowered`, `vault/field-held` (400, naming the field).
   */
  async function declare(collections: readonly CollectionDeclaration[], actor: string) {
    const names = new Set(collections.map(({ name }) => name))
    if (names.size < collections.length)
      throw badRequest('vault/twice', 'A collection is declared twice.', 'body.collections')
    const now = ctx.clock()
    const declared = await ctx.db.transaction<VaultTables, { version: number; rules: Rules }>(async (trx) => {
      await oneAtATime(ctx.db, trx, 'vault collections')
      const before = await read(trx)
      const was = merged(before.declared)
      const next = merged(collections)
      for (const [i, { name, fields }] of collections.entries())
        for (const [field, said] of Object.entries(fields)) {
          const path = `body.collections.${i}.fields.${field}`
          const old = ruleIn(was, name, field)
          const own = ruleIn(BUILT_IN, name, field)
          if (own && said.kind !== own.kind)
            throw badRequest('vault/kind-fixed', `${name}.${field} is built in as ${own.kind}.`, `${path}.kind`)
          if (said.class === 'basic' && classOf(said.kind, now)?.class !== 'basic')
            throw badRequest(
              'vault/class-lowered',
              `${name}.${field} is sensitive by law; a class is only raised.`,
              `${path}.class`,
            )
          if (old && classOfField(old, now) === 'sensitive' && said.class !== 'sensitive' && old.raised)
            throw badRequest('vault/class-lowered', `${name}.${field} was raised to sensitive.`, `${path}.class`)
        }
      for (const [name, fields] of Object.entries(was))
        for (const [field, rule] of Object.entries(fields)) {
          const now_ = ruleIn(next, name, field)
          if (now_?.kind === rule.kind) continue
          const held = await trx
            .selectFrom('vault_value')
            .select('subject')
            .where('collection', '=', name)
            .where('field', '=', field)
            .limit(1)
            .executeTakeFirst()
          if (held && now_)
            throw badRequest(
              'vault/kind-fixed',
              `${name}.${field} holds values of kind ${rule.kind}.`,
              'body.collections',
            )
          if (held)
            throw badRequest('vault/field-held', `${name}.${field} holds values; erase them first.`, 'body.collections')
        }
      const text = JSON.stringify(collections)
      if (before.version > 0 && JSON.stringify(before.declared) === text)
        return { version: before.version, rules: rulesOf(before.version, collections) }
      // An index that is new, or of another number of signs, is made from the start, whatever is left of one before.
      for (const [name, fields] of Object.entries(next))
        for (const [field, rule] of Object.entries(fields))
          for (const kind of rule.index)
            if (signsOf(ruleIn(was, name, field), kind) !== signsOf(rule, kind))
              await trx
                .deleteFrom('vault_indexing')
                .where('collection', '=', name)
                .where('name', '=', indexName(field, kind))
                .execute()
      const version = before.version + 1
      await trx.insertInto('vault_declaration').values({ version, text, declared_at: now }).execute()
      const act: Act = {
        kind: 'vault.collections-declared',
        actor,
        result: 'done',
        facts: { version, collections: [...names].slice(0, 50).join(' ') },
      }
      await ctx.record(trx, [act])
      return { version, rules: rulesOf(version, collections) }
    })
    known = { at: now, rules: declared.rules }
    return { version: declared.version, declaredAt: iso(now) }
  }

  async function shown(indexing: ReadonlySet<string>) {
    const { version, collections, titleOf } = await rules()
    const now = ctx.clock()
    const fields = Object.entries(collections).flatMap(([collection, of]) =>
      Object.entries(of).map(([field, rule]) => ({
        collection,
        collectionTitle: titleOf(collection) ?? null,
        field,
        title: titleOf(`${collection}.${field}`) ?? null,
        kind: rule.kind,
        class: classOfField(rule, now),
        builtIn: ruleIn(BUILT_IN, collection, field) !== undefined,
        index: [...rule.index],
        token: rule.token ?? null,
        mask: rule.mask,
        bands: [...rule.bands],
        keepDays: rule.keepDays ?? null,
        writeOnly: rule.writeOnly === true,
        longest: rule.longest,
        indexing: indexing.has(`${collection}.${field}`),
      })),
    )
    return { version, fields }
  }

  /**
   * Whether what was judged by these rules may still be written: called in the transaction that writes. Values without
   * an index that was declared meanwhile would lie behind the place where it is being made, and never be found.
   */
  async function inForce(trx: Transaction<VaultTables>, used: Rules): Promise<boolean> {
    const version = ctx.db.dialect === 'postgres' ? await newest(trx) : (known?.rules.version ?? used.version)
    if (version === used.version) return true
    known = undefined
    return false
  }

  return { rules, declare, shown, inForce }
}
export type Registry = ReturnType<typeof collectionRegistry>
