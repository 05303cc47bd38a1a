import { iso } from '../kit/clock.ts'
import type { Output } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import type { VaultContext } from './context.ts'
import type { vaultRoutes as rows } from './contract.ts'
import type { Registry } from './declared/registry.ts'
import type { getService } from './get.ts'
import type { VaultTables } from './store.ts'

const MOST_FIELDS = 5_000
const MESSAGES = 'message.body'
type Parts = {
  readonly get: ReturnType<typeof getService>
  readonly registry: Registry
  readonly conversationsOf: (subject: string) => Promise<{ id: string; mode: 'open' | 'sealed' }[]>
}

/** All of one person that a purpose opens now, through the same door as every read: ruled, recorded, then answered. */
export function exportService(ctx: VaultContext, { get, registry, conversationsOf }: Parts) {
  return exported

  async function exported(
    purpose: string,
    reason: string,
    subject: string,
    actor: string,
  ): Promise<Output<typeof rows.export>> {
    const rules = await registry.rules()
    const versions = (await ctx.consent.purposes.versions()).get(purpose)
    if (versions === undefined) {
      // As a read is: what was asked stays to be seen, and an empty answer would say that nothing is held.
      const code = 'vault/unknown-purpose'
      await ctx.db.transaction((trx) =>
        ctx.record(trx, [{ kind: 'vault.read', actor, subject, purpose, reason, result: 'refused', facts: { code } }]),
      )
      throw new KhienError(code, `There is no purpose "${purpose}".`, { status: 403, field: 'body.purpose' })
    }
    const named = new Set(versions.flatMap((version) => version.fields))
    const held = await ctx.db
      .tables<VaultTables>()
      .selectFrom('vault_value')
      .select(['collection', 'record', 'field'])
      .where('subject', '=', subject)
      .orderBy('collection')
      .orderBy('record')
      .orderBy('field')
      .limit(MOST_FIELDS + 1)
      .execute()
    if (held.length > MOST_FIELDS)
      throw new KhienError('vault/too-much', `More than ${MOST_FIELDS} values are held; read them by collection.`, {
        status: 413,
        field: 'body.subject',
      })
    const records = new Map<string, { subject: string; collection: string; record: string; fields: string[] }>()
    for (const { collection, record, field } of held) {
      if (!named.has(`${collection}.${field}`) || rules.of(collection, field)?.writeOnly !== undefined) continue
      const place = `${collection} ${record}`
      const known = records.get(place) ?? { subject, collection, record, fields: [] }
      known.fields.push(field)
      records.set(place, known)
    }
    const items = [...records.values()]
    const results = items.length === 0 ? [] : await get(purpose, reason, items, actor)
    const answer: Output<typeof rows.export> = {
      subject,
      at: iso(ctx.clock()),
      records: [],
      closed: [],
      conversations: [],
    }
    for (const [i, { collection, record }] of items.entries()) {
      const result = results[i]!
      if (result.ok) answer.records.push({ collection, record, fields: result.fields })
      else answer.closed.push({ collection, record, code: result.code })
    }
    if (named.has(MESSAGES)) {
      const told = await conversations(purpose, reason, subject, actor)
      if ('code' in told) answer.closed.push({ collection: 'conversation', record: '-', code: told.code })
      else answer.conversations.push(...told.found)
    }
    return answer
  }

  /** Which they are is told on the ground that opens them; the messages are read conversation by conversation. */
  async function conversations(purpose: string, reason: string, subject: string, actor: string) {
    const found = await conversationsOf(subject)
    if (found.length === 0) return { found }
    return ctx.db.transaction(async (trx) => {
      const [ruling] = await ctx.consent.rule(trx, purpose, [{ subject, fields: [MESSAGES] }])
      const act = { kind: 'vault.read', actor, subject, purpose, reason }
      if (!ruling!.lawful) {
        await ctx.record(trx, [{ ...act, result: 'refused', facts: { fields: MESSAGES, code: ruling!.code } }])
        return { code: ruling!.code }
      }
      const { ground, article } = ruling!
      await ctx.record(trx, [{ ...act, result: 'allowed', facts: { fields: MESSAGES, count: 0, ground, article } }])
      return { found }
    })
  }
}
