import { iso } from '../../kit/clock.ts'
import { badRequest } from '../../kit/errors.ts'
import type { VaultContext } from '../context.ts'
import type { Registry } from '../declared/registry.ts'
import { Recipient } from './contract.ts'
import type { RelayTables } from './store.ts'

const about = (id: string): string => `recipient ${id}`

/** Whom the vault may call. What proves us to them lies sealed and is never shown again. */
export function recipientRegistry(ctx: VaultContext, registry: Registry) {
  const tables = () => ctx.db.tables<RelayTables>()

  /** Throws `vault/unknown-field` (400) for an answer that could not be kept, `vault/own-address` (400). */
  async function set(id: string, recipient: Recipient, actor: string) {
    if (ctx.isOwn?.(recipient.url)) throw ownAddress('body.url')
    const rules = await registry.rules()
    for (const [i, { collection, field }] of recipient.keep.entries()) {
      const rule = rules.of(collection, field)
      if (rule === undefined || rule.writeOnly)
        throw badRequest(
          'vault/unknown-field',
          `There is no field ${collection}.${field} to keep an answer in.`,
          `body.keep.${i}`,
        )
    }
    const { headers, ...rest } = recipient
    const row = {
      id,
      text: JSON.stringify({ ...rest, headers: Object.keys(headers) }),
      headers: ctx.sealSmall(Buffer.from(JSON.stringify(headers)), about(id)),
      since: ctx.clock(),
    }
    await ctx.db.transaction<RelayTables, void>(async (trx) => {
      await trx
        .insertInto('vault_recipient')
        .values(row)
        .onConflict((c) => c.column('id').doUpdateSet({ text: row.text, headers: row.headers, since: row.since }))
        .execute()
      const act = { kind: 'vault.recipient-set', actor, result: 'done' as const, facts: { recipient: id } }
      await ctx.record(trx, [act])
    })
    return shown(row)
  }

  async function drop(id: string, actor: string): Promise<boolean> {
    return ctx.db.transaction<RelayTables, boolean>(async (trx) => {
      const gone = await trx.deleteFrom('vault_recipient').where('id', '=', id).executeTakeFirst()
      if (Number(gone.numDeletedRows) === 0) return false
      await ctx.record(trx, [{ kind: 'vault.recipient-dropped', actor, result: 'done', facts: { recipient: id } }])
      return true
    })
  }

  const list = async () =>
    (await tables().selectFrom('vault_recipient').selectAll().orderBy('id').limit(500).execute()).map(shown)

  /** With its headers, to be called; undefined when nobody registered it. */
  async function find(id: string): Promise<Recipient | undefined> {
    const row = await tables().selectFrom('vault_recipient').selectAll().where('id', '=', id).executeTakeFirst()
    if (!row) return undefined
    const headers = JSON.parse(Buffer.from(ctx.openSmall(row.headers, about(id))).toString()) as Record<string, string>
    return { ...(JSON.parse(row.text) as Omit<Recipient, 'headers'>), headers }
  }

  const shown = (row: RelayTables['vault_recipient']) => ({
    ...(JSON.parse(row.text) as Omit<Recipient, 'headers'> & { headers: string[] }),
    id: row.id,
    since: iso(Number(row.since)),
  })

  return { set, drop, list, find }
}
export type RecipientRegistry = ReturnType<typeof recipientRegistry>

/** The vault would call itself, or the node, with values in its hands. */
export const ownAddress = (field: string) =>
  badRequest('vault/own-address', 'This is an address of this very node; a recipient is somebody else.', field)
