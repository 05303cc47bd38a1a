import type { ConsentTables } from '../consent/index.ts'
import { KhienError, badRequest } from '../kit/errors.ts'
import { verifyPassword } from '../identity/index.ts'
import { normalise, ruleOf } from './collections.ts'
import type { VaultContext } from './context.ts'
import type { keyring } from './keyring.ts'
import { sealPlace } from './put.ts'
import type { VaultTables } from './store.ts'

const CANDIDATES = 50
const MAX_FAILURES = 10
const WINDOW_MS = 15 * 60_000
const WATCHED = 50_000

/** Equality search through blind indexes, and password checks: both are reads and need a ground. */
export function searchService(ctx: VaultContext, keys: ReturnType<typeof keyring>) {
  type Tables = VaultTables & ConsentTables

  async function search(
    purpose: string,
    reason: string,
    collection: string,
    field: string,
    value: string,
    actor: string,
  ) {
    const rule = ruleOf(collection, field)
    if (!rule?.index) throw badRequest('vault/not-indexed', `${collection}.${field} cannot be searched.`, 'body.field')
    const plain = normalise(rule.kind, value)
    const tag = ctx.tag(collection, field, plain)
    const db = ctx.db.tables<VaultTables>()
    const rows = await db
      .selectFrom('vault_index')
      .innerJoin('vault_value', (on) =>
        on
          .onRef('vault_value.subject', '=', 'vault_index.subject')
          .onRef('vault_value.collection', '=', 'vault_index.collection')
          .onRef('vault_value.record', '=', 'vault_index.record')
          .onRef('vault_value.field', '=', 'vault_index.field'),
      )
      .select(['vault_index.subject', 'vault_index.record', 'vault_value.sealed'])
      .where('vault_index.collection', '=', collection)
      .where('vault_index.field', '=', field)
      .where('tag', '=', tag)
      .limit(CANDIDATES)
      .execute()
    // The index is cut short on purpose, so several values share a tag; only opening tells them apart.
    const subjectKeys = await keys.keysOf(
      rows.map((row) => row.subject),
      false,
    )
    const equal = rows.filter((row) => {
      const key = subjectKeys.get(row.subject)
      if (!key) return false
      const text = Buffer.from(
        ctx.sealer.open(
          key,
          row.sealed,
          sealPlace(ctx.node, { subject: row.subject, collection, record: row.record }, field),
        ),
      ).toString('utf8')
      return normalise(rule.kind, text) === plain
    })
    return ctx.db.transaction<Tables, { subject: string; record: string }[]>(async (trx) => {
      const rulings =
        equal.length === 0
          ? []
          : await ctx.consent.rule(
              trx as never,
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

  const failures = new Map<string, { count: number; since: number }>()

  /** Ten wrong passwords for one person in a quarter of an hour, and the next answer comes later. */
  function checkPace(subject: string): void {
    const seen = failures.get(subject)
    if (seen && ctx.clock() - seen.since > WINDOW_MS) failures.delete(subject)
    else if (seen && seen.count >= MAX_FAILURES) {
      const wait = Math.ceil((seen.since + WINDOW_MS - ctx.clock()) / 1000)
      throw new KhienError('vault/too-many-tries', 'Too many wrong passwords for this person; try again later.', {
        status: 429,
        retryAfter: wait,
      })
    }
  }

  async function checkPassword(
    purpose: string,
    reason: string,
    subject: string,
    password: string,
    actor: string,
  ): Promise<boolean> {
    checkPace(subject)
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
    const key = row && (await keys.keysOf([subject], false)).get(subject)
    const right =
      row && key
        ? await verifyPassword(
            Buffer.from(ctx.sealer.open(key, row.sealed, sealPlace(ctx.node, place, 'password'))).toString('utf8'),
            password,
            ctx.pepper,
          )
        : false
    const ruling = await ctx.db.transaction<Tables, { lawful: boolean; code?: string; why?: string }>(async (trx) => {
      const [ruled] = await ctx.consent.rule(trx as never, purpose, [{ subject, fields: ['account.password'] }])
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
    else {
      const seen = failures.get(subject) ?? { count: 0, since: ctx.clock() }
      if (failures.size >= WATCHED) failures.delete(failures.keys().next().value!)
      failures.set(subject, { ...seen, count: seen.count + 1 })
    }
    return right
  }

  return { search, checkPassword }
}
