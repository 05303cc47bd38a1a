import { iso } from '../kit/clock.ts'
import type { Output } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import type { VaultContext } from './context.ts'
import type { vaultRoutes as rows } from './contract.ts'
import type { Registry } from './declared/registry.ts'
import type { getService } from './get.ts'
import type { VaultTables } from './store.ts'

const MOST_FIELDS = 5_000

/** All of one person that a purpose opens now, through the same door as every read: ruled, recorded, then answered. */
export function exportService(ctx: VaultContext, get: ReturnType<typeof getService>, registry: Registry) {
  return async function exported(
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
    const answer: Output<typeof rows.export> = { subject, at: iso(ctx.clock()), records: [], closed: [] }
    for (const [i, { collection, record }] of items.entries()) {
      const result = results[i]!
      if (result.ok) answer.records.push({ collection, record, fields: result.fields })
      else answer.closed.push({ collection, record, code: result.code })
    }
    return answer
  }
}
