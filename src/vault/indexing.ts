import type { Kysely } from 'kysely'
import type { IndexKind } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { Registry } from './declared/registry.ts'
import type { Keyring } from './keyring.ts'
import { openText } from './put.ts'
import { insertTags, type VaultTables } from './store.ts'
import { indexedText, indexName } from './values.ts'

const PAGE = 200
/** Pages a run: the rest is for the next one, so that others get their turn. */
const PAGES = 400

type Wanted = { readonly collection: string; readonly field: string; readonly kind: IndexKind; readonly name: string }

/**
 * Makes the entries of indexes that were declared when values were there already, page by page, and takes those of
 * withdrawn ones away. What is put meanwhile brings its own. Goes on after a crash where it stood.
 */
export function indexing(ctx: VaultContext, keys: Keyring, registry: Registry) {
  const tables = () => ctx.db.tables<VaultTables>()

  async function wanted(): Promise<Wanted[]> {
    const { collections } = await registry.rules()
    return Object.entries(collections).flatMap(([collection, fields]) =>
      Object.entries(fields).flatMap(([field, rule]) =>
        rule.index.map((kind) => ({ collection, field, kind, name: indexName(field, kind) })),
      ),
    )
  }

  /** Indexes that are not whole yet, as `collection.field`. */
  async function pending(): Promise<ReadonlySet<string>> {
    const done = new Set(
      (await tables().selectFrom('vault_indexing').select(['collection', 'name']).where('done', '=', 1).execute()).map(
        (row) => `${row.collection}.${row.name}`,
      ),
    )
    return new Set(
      (await wanted())
        .filter((one) => !done.has(`${one.collection}.${one.name}`))
        .map((one) => `${one.collection}.${one.field}`),
    )
  }

  async function run(): Promise<void> {
    const all = await wanted()
    const known = await tables().selectFrom('vault_indexing').selectAll().execute()
    const names = new Set(all.map((one) => `${one.collection}.${one.name}`))
    for (const row of known) if (!names.has(`${row.collection}.${row.name}`)) await withdraw(row)
    const done = new Set(known.filter((row) => row.done === 1).map((row) => `${row.collection}.${row.name}`))
    for (const one of all) if (!done.has(`${one.collection}.${one.name}`)) await build(one)
  }

  async function withdraw({ collection, name }: { collection: string; name: string }): Promise<void> {
    await ctx.db.transaction<VaultTables, void>(async (trx) => {
      await trx.deleteFrom('vault_index').where('collection', '=', collection).where('field', '=', name).execute()
      await trx.deleteFrom('vault_indexing').where('collection', '=', collection).where('name', '=', name).execute()
    })
  }

  async function build(one: Wanted): Promise<void> {
    for (let page = 0; page < PAGES; page++) if (await buildPage(one)) return
  }

  /** True when there is nothing left to do. */
  async function buildPage({ collection, field, kind, name }: Wanted): Promise<boolean> {
    const rule = (await registry.rules()).of(collection, field)
    if (!rule) return true
    const stateOf = (db: Kysely<VaultTables>) =>
      db
        .selectFrom('vault_indexing')
        .select('subject')
        .where('collection', '=', collection)
        .where('name', '=', name)
        .executeTakeFirst()
    const state = await stateOf(tables())
    // All records of a person are read at once, so the next page begins with the next person.
    const next = tables()
      .selectFrom('vault_value')
      .select('subject')
      .where('collection', '=', collection)
      .where('field', '=', field)
      .where('subject', '>', state?.subject ?? '')
      .orderBy('subject')
      .limit(PAGE)
    const subjects = (await next.execute()).map((row) => row.subject)
    const subjectKeys = await keys.keysOf(subjects)
    return ctx.db.transaction<VaultTables, boolean>(async (trx) => {
      // Declared anew since: the index begins again from the start.
      const now = await stateOf(trx)
      if (now?.subject !== state?.subject) return true
      // Read again inside: what was put since has brought its own entry, and must not get an older one over it.
      const query = trx
        .selectFrom('vault_value')
        .select(['subject', 'record', 'sealed'])
        .where('collection', '=', collection)
        .where('field', '=', field)
        .where('subject', 'in', subjects.length > 0 ? subjects : [''])
      const rows = await (ctx.db.dialect === 'postgres' ? query.forUpdate() : query).execute()
      await insertTags(
        trx,
        ctx.db.dialect,
        rows.flatMap(({ subject, record, sealed }) => {
          const key = subjectKeys.get(subject)
          if (!key) return []
          const value = openText(ctx, key, sealed, { subject, collection, record }, field)
          const text = value === undefined ? undefined : indexedText(rule, kind, value)
          return text === undefined
            ? []
            : [{ collection, field: name, subject, record, tag: ctx.tag(collection, name, text) }]
        }),
      )
      const last = subjects.length < PAGE
      const at = { done: last ? 1 : 0, subject: subjects.at(-1) ?? state?.subject ?? '', record: '' }
      await trx
        .insertInto('vault_indexing')
        .values({ collection, name, ...at })
        .onConflict((c) => c.columns(['collection', 'name']).doUpdateSet(at))
        .execute()
      return last
    })
  }

  /** Whether everything that is kept can be found by it. */
  async function whole(collection: string, name: string): Promise<boolean> {
    const row = await tables()
      .selectFrom('vault_indexing')
      .select('done')
      .where('collection', '=', collection)
      .where('name', '=', name)
      .executeTakeFirst()
    return row?.done === 1
  }

  return { run, pending, whole }
}
export type Indexing = ReturnType<typeof indexing>
