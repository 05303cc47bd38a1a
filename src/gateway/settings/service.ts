import type { RecordActs } from '../../kit/act.ts'
import { iso, type Clock } from '../../kit/clock.ts'
import { badRequest, KhienError } from '../../kit/errors.ts'
import { oneAtATime, type Database, type Transaction } from '../../storage/sql/index.ts'
import { GatewaySettings } from '../contract.ts'
import type { VersionView } from './contract.ts'
import type { Check } from './check.ts'
import { currentSettings, type Body, type Kept } from './current.ts'
import type { SettingsTables } from './store.ts'
import { changesOf, placeOf, sitesChanged, type Words } from './words.ts'

export type SettingsContext = {
  readonly db: Database
  readonly clock: Clock
  readonly record: RecordActs
  readonly check: Check
}
/** Who changes what and why. `version`: the one that was looked at; undefined: whichever holds (the node itself). */
export type Change = {
  readonly actor: string
  readonly reason: string
  readonly version: number | undefined
  edit(body: Body): Body
  /** Written in the same transaction, told the new version. */
  also?(trx: unknown, version: number): Promise<void>
}

const KEPT_VERSIONS = 500
const KEPT_WORDS = 50
/** The body of all sites as it is kept and sent to the workers. */
const LARGEST = 16 << 20
const LOCK = 'gateway.settings'

/** Versions of the gateway's settings: each a whole, checked before it is kept, with who, when, why and what changed. */
export function settingsService(ctx: SettingsContext) {
  const current = currentSettings(ctx)

  /** Makes the next version. Throws 409 `gateway/changed`, 422 with what a rule says, 400 `gateway/no-change`. */
  async function change(wish: Change): Promise<VersionView> {
    const before = await current.kept()
    if (wish.version !== undefined && wish.version !== (before?.version ?? 0)) throw changed(before?.version ?? 0)
    if (before === undefined)
      throw new KhienError('gateway/no-settings', 'The gateway has not told its settings yet; start it once.', {
        status: 409,
      })
    return keep(before, wish, wish.edit(structuredClone(before.body)))
  }

  /** What the workers' command line says: version 1, or the next as long as no person has made one. Answers whether it was kept. */
  async function seed(told: unknown): Promise<{ kept: boolean; version: number }> {
    const body = bodyOf(told)
    const before = await current.kept()
    if (before !== undefined) {
      const row = await ctx.db
        .tables<SettingsTables>()
        .selectFrom('gateway_version')
        .select('reason')
        .where('version', '=', before.version)
        .executeTakeFirstOrThrow()
      if (row.reason !== 'seeded' || JSON.stringify(before.body) === JSON.stringify(body))
        return { kept: false, version: await current.version() }
    }
    // A worker that runs on them says so: there is nothing left to check.
    const wish = { actor: 'node', reason: 'seeded', version: before?.version, edit: () => body }
    const { version } = await keep(before, wish, body, async () => undefined)
    return { kept: true, version }
  }

  async function keep(
    before: Kept | undefined,
    wish: Change,
    wished: Body,
    check: Check = ctx.check,
  ): Promise<VersionView> {
    const body = bodyOf(wished)
    const text = JSON.stringify(body)
    if (text.length > LARGEST)
      throw new KhienError('gateway/too-large', 'All sites together are larger than 16 MiB.', { status: 413 })
    const changes = changesOf(before?.body, body)
    if (changes.length === 0) throw badRequest('gateway/no-change', 'Nothing would change.', 'body')
    await check(body, before?.body)
    return ctx.db.transaction<SettingsTables, VersionView>(async (trx) => {
      await oneAtATime(ctx.db, trx, LOCK)
      const last = await lastWithBody(trx)
      if (last !== before?.version) throw changed(last ?? 0)
      return append(trx, wish, changes, text, sitesChanged(before?.body, body))
    })
  }

  async function append(
    trx: Transaction<SettingsTables>,
    { actor, reason, also }: Pick<Change, 'actor' | 'reason' | 'also'>,
    changes: readonly Words[],
    body: string | null,
    sites: readonly string[] = [],
  ): Promise<VersionView> {
    const { n } = await trx
      .selectFrom('gateway_version')
      .select((eb) => eb.fn.max('version').as('n'))
      .executeTakeFirstOrThrow()
    const version = Number(n ?? 0) + 1
    const row = {
      version,
      at: ctx.clock(),
      actor,
      reason,
      changes: JSON.stringify(changes.slice(0, KEPT_WORDS)),
      more: Math.max(0, changes.length - KEPT_WORDS),
      body,
    }
    await trx.insertInto('gateway_version').values(row).execute()
    for (let i = 0; i < sites.length; i += 200)
      await trx
        .insertInto('gateway_version_site')
        .values(sites.slice(i, i + 200).map((site) => ({ version, site })))
        .execute()
    await trx
      .deleteFrom('gateway_version')
      .where('version', '<=', version - KEPT_VERSIONS)
      .where((eb) =>
        eb.or([
          eb('body', 'is', null),
          eb('version', '<', (inner) =>
            inner
              .selectFrom('gateway_version as v')
              .select((of) => of.fn.max('v.version').as('n'))
              .where('v.body', 'is not', null),
          ),
        ]),
      )
      .execute()
    await trx
      .deleteFrom('gateway_version_site')
      .where('version', '<=', version - KEPT_VERSIONS)
      .where('version', 'not in', (inner) => inner.selectFrom('gateway_version as v').select('v.version'))
      .execute()
    await ctx.record(trx, [
      {
        kind: body === null ? 'gateway.bans-changed' : 'gateway.settings-changed',
        actor,
        result: 'done',
        facts: { version, changes: changes.length },
      },
    ])
    await also?.(trx, version)
    return viewOf(row)
  }

  /** A version in which bans alone changed. */
  const appendBans = (trx: Transaction<SettingsTables>, actor: string, reason: string, words: Words) =>
    append(trx, { actor, reason }, [words], null)

  /** Newest first; with `site`, those that changed it. */
  async function page(cursor: string | undefined, limit: number, site?: string) {
    if (cursor !== undefined && !/^\d{1,9}$/.test(cursor))
      throw badRequest('http/cursor', 'This cursor is not one of ours.', 'query.cursor')
    const tables = ctx.db.tables<SettingsTables>()
    let query = tables.selectFrom('gateway_version').select(['version', 'at', 'actor', 'reason', 'changes', 'more'])
    if (cursor !== undefined) query = query.where('version', '<', Number(cursor))
    if (site !== undefined)
      query = query.where('version', 'in', (inner) =>
        inner.selectFrom('gateway_version_site').select('gateway_version_site.version').where('site', '=', site),
      )
    const rows = await query
      .orderBy('version', 'desc')
      .limit(limit + 1)
      .execute()
    const items = rows.slice(0, limit).map(viewOf)
    return { items, next: rows.length > limit ? String(items.at(-1)!.version) : null, total: null }
  }

  /** One version with its body. Throws 404; a version in which bans alone changed has none of its own. */
  async function one(version: number): Promise<{ version: VersionView; body: Body; back: Words[] }> {
    const tables = ctx.db.tables<SettingsTables>()
    const row = await tables.selectFrom('gateway_version').selectAll().where('version', '=', version).executeTakeFirst()
    const body =
      row &&
      (row.body ??
        (
          await tables
            .selectFrom('gateway_version')
            .select('body')
            .where('version', '<', version)
            .where('body', 'is not', null)
            .orderBy('version', 'desc')
            .limit(1)
            .executeTakeFirst()
        )?.body)
    if (!row || !body)
      throw new KhienError('gateway/unknown-version', 'There is no such version, or no longer.', { status: 404 })
    const now = await current.kept()
    const old = bodyOf(JSON.parse(body))
    return { version: viewOf(row), body: old, back: changesOf(now?.body, old).slice(0, KEPT_WORDS) }
  }

  async function restore(version: number, wish: Omit<Change, 'edit'>): Promise<VersionView> {
    const { body } = await one(version)
    return change({ ...wish, edit: () => body })
  }

  return { current, change, seed, page, one, restore, appendBans, db: ctx.db, clock: ctx.clock }
}
export type SettingsService = ReturnType<typeof settingsService>

async function lastWithBody(trx: Transaction<SettingsTables>): Promise<number | undefined> {
  const row = await trx
    .selectFrom('gateway_version')
    .select('version')
    .where('body', 'is not', null)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && Number(row.version)
}

/** Sites and rule sets in order, defaults filled in. Throws 400 naming the field. */
export function bodyOf(told: unknown): Body {
  const result = GatewaySettings.safeParse({ ...(told as object), version: 0, bans: [] })
  if (!result.success) {
    const [issue] = result.error.issues
    throw badRequest(
      'gateway/settings',
      `${placeOf(told, issue!.path)}: ${issue!.message}`,
      `body.${issue!.path.join('.')}`,
    )
  }
  const { sites, ruleSets } = result.data
  return { sites, ruleSets }
}

const changed = (version: number): KhienError =>
  new KhienError('gateway/changed', `Somebody changed the settings meanwhile: version ${version} holds now.`, {
    status: 409,
    field: 'body.version',
  })

type Row = Omit<SettingsTables['gateway_version'], 'body'>
const viewOf = ({ version, at, actor, reason, changes, more }: Row): VersionView => ({
  version: Number(version),
  at: iso(Number(at)),
  by: actor,
  reason,
  changes: JSON.parse(changes) as Words[],
  more: Number(more),
})
