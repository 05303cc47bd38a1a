import type { ConsentTables } from '../consent/index.ts'
import { KhienError, badRequest } from '../kit/errors.ts'
import { verifyPassword } from '../identity/index.ts'
import type { IndexKind } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { Registry } from './declared/registry.ts'
import type { Keyring } from './keyring.ts'
import { sealPlace } from './put.ts'
import type { VaultTables } from './store.ts'
import { indexedText, indexName } from './values.ts'

/** Values that share a tag, read so many at a time. */
const PAGE = 500
/** More than this is no accident of a short tag; the index of that field needs more bits. */
const MOST = 20_000
const MAX_FAILURES = 10
const WINDOW_MS = 15 * 60_000
const WATCHED = 50_000

/** Equality search through blind indexes, and password checks: both are reads and need a ground. */
export function searchService(ctx: VaultContext, keys: Keyring, registry: Registry) {
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
    const tag = ctx.tag(collection, name, plain)
    const equal: { subject: string; record: string }[] = []
    let after = { subject: '', record: '' }
    for (let read = 0; read < MOST; read += PAGE) {
      const rows = await candidates(collection, field, name, tag, after)
      const subjects = rows.map((row) => row.subject)
      const subjectKeys = await keys.keysOf(subjects)
      // The index is cut short on purpose, so several values share a tag; only opening tells them apart.
      for (const row of rows) {
        const key = subjectKeys.get(row.subject)
        if (!key) continue
        const place = sealPlace(ctx.node, { subject: row.subject, collection, record: row.record }, field)
        const text = Buffer.from(ctx.sealer.open(key, row.sealed, place)).toString('utf8')
        if (indexedText(rule, by, text) === plain) equal.push({ subject: row.subject, record: row.record })
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

  const failures = new Map<string, { count: number; since: number }>()

  /** Ten tries for one person in a quarter of an hour, counted before they are judged; the right one clears them. */
  function takeTry(subject: string): void {
    const now = ctx.clock()
    const known = failures.get(subject)
    const seen = known && now - known.since <= WINDOW_MS ? known : { count: 0, since: now }
    if (seen.count >= MAX_FAILURES) {
      const wait = Math.ceil((seen.since + WINDOW_MS - now) / 1000)
      throw new KhienError('vault/too-many-tries', 'Too many wrong passwords for this person; try again later.', {
        status: 429,
        retryAfter: wait,
      })
    }
    if (!known && failures.size >= WATCHED) failures.delete(failures.keys().next().value!)
    failures.set(subject, { ...seen, count: seen.count + 1 })
  }

  async function checkPassword(
    purpose: string,
    reason: string,
    subject: string,
    password: string,
    actor: string,
  ): Promise<boolean> {
    takeTry(subject)
    const place = { subject, collection: 'account', record: '-' }
    const row = await ctx.db
      .tables<VaultTables>()
      .selectFrom('vault_value')
      .select('sealed')
      .where('subject', '=', subject)
      .where('collection', '=', 'account')
      .where('record', '=', '-')
      .where('field', '=', 'password')
      .executeTakeFirst()
    const key = row && (await keys.keysOf([subject])).get(subject)
    const right =
      row && key
        ? await verifyPassword(
            Buffer.from(ctx.sealer.open(key, row.sealed, sealPlace(ctx.node, place, 'password'))).toString('utf8'),
            password,
            ctx.pepper,
          )
        : false
    const ruling = await ctx.db.transaction<Tables, { lawful: boolean; code?: string; why?: string }>(async (trx) => {
      const [ruled] = await ctx.consent.rule(trx, purpose, [{ subject, fields: ['account.password'] }])
      const lawful = ruled!.lawful
      await ctx.record(trx, [
        {
          kind: 'vault.password-checked',
          actor,
          subject,
          purpose,
          reason,
          result: !lawful ? 'refused' : right ? 'allowed' : 'failed',
          facts: {
            fields: 'account.password',
            ...(ruled!.lawful ? { ground: ruled!.ground, article: ruled!.article } : { code: ruled!.code }),
          },
        },
      ])
      return ruled!
    })
    if (!ruling.lawful) throw new KhienError(ruling.code!, ruling.why!, { status: 403 })
    if (right) failures.delete(subject)
    return right
  }

  return { search, checkPassword }
}
