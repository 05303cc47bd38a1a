import type { ConsentTables } from '../consent/index.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import type { IndexKind } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { Registry } from './declared/registry.ts'
import type { Indexing } from './indexing.ts'
import type { Keyring } from './keyring.ts'
import { openText } from './put.ts'
import type { VaultTables } from './store.ts'
import { indexedText, indexName } from './values.ts'

/** Values that share a tag, read so many at a time. */
const PAGE = 500
/** More than this is no accident of a short tag: half the country has that name. What is left out unsaid would be an answer. */
const MOST = 20_000

/** Search through blind indexes: a read that needs a ground like any other. */
export function searchService(ctx: VaultContext, keys: Keyring, registry: Registry, indexes: Indexing) {
  type Tables = VaultTables & ConsentTables

  async function search(
    purpose: string,
    reason: string,
    collection: string,
    field: string,
    value: string,
    actor: string,
    by: IndexKind = 'equal',
  ) {
    const rule = (await registry.rules()).of(collection, field)
    if (!rule?.index.includes(by))
      throw badRequest('vault/not-indexed', `${collection}.${field} cannot be searched by ${by}.`, 'body.field')
    const plain = indexedText(rule, by, value)
    if (plain === undefined)
      throw badRequest(
        'vault/too-short',
        `Searching by ${by} needs ${by === 'last' ? rule.last : rule.prefix} signs.`,
        'body.value',
      )
    const name = indexName(field, by)
    await mustBeNamed(purpose, `${collection}.${field}`, { actor, reason })
    if (!(await indexes.whole(collection, name)))
      throw new KhienError(
        'vault/indexing',
        `The index of ${collection}.${field} is being made; ask again in a while.`,
        {
          status: 503,
          retryAfter: 10,
        },
      )
    const tag = ctx.tag(collection, name, plain)
    const equal: { subject: string; record: string }[] = []
    let after = { subject: '', record: '' }
    for (let read = 0; ; read += PAGE) {
      if (read === MOST)
        throw new KhienError(
          'vault/too-common',
          `More than ${MOST} values of ${collection}.${field} could be this one; search by another field, or by more of it.`,
          { status: 422, field: 'body.value' },
        )
      const rows = await candidates(collection, field, name, tag, after)
      const subjects = rows.map((row) => row.subject)
      const subjectKeys = await keys.keysOf(subjects)
      // The index is cut short on purpose, so several values share a tag; only opening tells them apart.
      for (const row of rows) {
        const key = subjectKeys.get(row.subject)
        if (!key) continue
        const { subject, record, sealed } = row
        const text = openText(ctx, key, sealed, { subject, collection, record }, field)
        if (text !== undefined && indexedText(rule, by, text) === plain) equal.push({ subject, record })
      }
      if (rows.length < PAGE) break
      after = rows.at(-1)!
    }
    return ctx.db.transaction<Tables, { subject: string; record: string }[]>(async (trx) => {
      const rulings =
        equal.length === 0
          ? []
          : await ctx.consent.rule(
              trx,
              purpose,
              equal.map((row) => ({ subject: row.subject, fields: [`${collection}.${field}`] })),
            )
      const base = { kind: 'vault.search', actor, purpose, reason }
      const facts = { fields: `${collection}.${field}` }
      await ctx.record(
        trx,
        equal.length === 0
          ? [{ ...base, result: 'done', facts: { ...facts, found: 0 } }]
          : equal.map((row, i) => {
              const ruling = rulings[i]!
              return ruling.lawful
                ? {
                    ...base,
                    subject: row.subject,
                    result: 'allowed' as const,
                    facts: { ...facts, ground: ruling.ground, article: ruling.article },
                  }
                : { ...base, subject: row.subject, result: 'refused' as const, facts: { ...facts, code: ruling.code } }
            }),
      )
      return equal.filter((_, i) => rulings[i]!.lawful).map(({ subject, record }) => ({ subject, record }))
    })
  }

  /** A field that the purpose never named is refused even when nobody is found: "nobody" would be an answer. */
  async function mustBeNamed(
    purpose: string,
    field: string,
    { actor, reason }: { readonly actor: string; readonly reason: string },
  ): Promise<void> {
    const versions = (await ctx.consent.purposes.versions()).get(purpose)
    if (versions?.some(({ fields }) => fields.includes(field))) return
    const code = versions === undefined ? 'vault/unknown-purpose' : 'vault/field-outside-purpose'
    const facts = { fields: field, code }
    await ctx.db.transaction<Tables, unknown>((trx) =>
      ctx.record(trx, [{ kind: 'vault.search', actor, purpose, reason, result: 'refused', facts }]),
    )
    const why =
      versions === undefined ? `There is no purpose "${purpose}".` : `The purpose does not name the field ${field}.`
    throw new KhienError(code, why, { status: 403, field: versions === undefined ? 'body.purpose' : 'body.field' })
  }

  const candidates = (
    collection: string,
    field: string,
    name: string,
    tag: string,
    after: { subject: string; record: string },
  ) =>
    ctx.db
      .tables<VaultTables>()
      .selectFrom('vault_index as i')
      .innerJoin('vault_value as v', (on) =>
        on
          .onRef('v.subject', '=', 'i.subject')
          .onRef('v.collection', '=', 'i.collection')
          .onRef('v.record', '=', 'i.record')
          .on('v.field', '=', field),
      )
      .select(['i.subject', 'i.record', 'v.sealed'])
      .where('i.collection', '=', collection)
      .where('i.field', '=', name)
      .where('i.tag', '=', tag)
      .where((eb) =>
        eb.or([
          eb('i.subject', '>', after.subject),
          eb.and([eb('i.subject', '=', after.subject), eb('i.record', '>', after.record)]),
        ]),
      )
      .orderBy('i.subject')
      .orderBy('i.record')
      .limit(PAGE)
      .execute()

  return search
}
