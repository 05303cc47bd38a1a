import { iso, type Clock } from '../../kit/clock.ts'
import type { Database } from '../../storage/sql/index.ts'
import type { Ban, GatewaySettings } from '../contract.ts'
import type { SettingsTables } from './store.ts'

/** What a version keeps; bans lie beside it. */
export type Body = Pick<GatewaySettings, 'sites' | 'ruleSets'>
export type Kept = { readonly version: number; readonly body: Body }

/** The settings that hold now, read from the store. Needs no key: the workers are answered while the node is still sealed. */
export function currentSettings(ctx: { readonly db: Database; readonly clock: Clock }) {
  const tables = () => ctx.db.tables<SettingsTables>()

  /** The number that tells a worker to ask again: of settings and bans. 0: nothing kept yet. */
  async function version(): Promise<number> {
    const row = await tables()
      .selectFrom('gateway_version')
      .select((eb) => eb.fn.max('version').as('n'))
      .executeTakeFirst()
    return Number(row?.n ?? 0)
  }

  /** The last version in which sites or rule sets changed. */
  async function kept(): Promise<Kept | undefined> {
    const row = await tables()
      .selectFrom('gateway_version')
      .select(['version', 'body'])
      .where('body', 'is not', null)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row && { version: Number(row.version), body: JSON.parse(row.body!) as Body }
  }

  /** The document a worker reads; undefined when nothing was kept yet. */
  async function document(): Promise<GatewaySettings | undefined> {
    const asked = await version()
    const found = await kept()
    if (!found) return undefined
    const rows = await tables().selectFrom('gateway_ban').selectAll().where('ends_at', '>', ctx.clock()).execute()
    const bans = rows.map(({ address, port, account, ends_at }): Ban => ({
      ...(address === null ? {} : { address }),
      ...(port === null ? {} : { port: Number(port) }),
      ...(account === null ? {} : { account }),
      until: iso(Number(ends_at)),
    }))
    return { version: asked, ...found.body, bans }
  }

  return { version, kept, document }
}
export type CurrentSettings = ReturnType<typeof currentSettings>
