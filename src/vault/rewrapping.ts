import { promisify } from 'node:util'
import { sql } from 'kysely'
import type { VaultContext } from './context.ts'
import { inboxKeysBehind, rewrapInboxKeys } from './inbox/keys.ts'
import type { KeyTables } from './store.ts'

/** Keys in one transaction: some milliseconds of the loop. */
const PAGE = 200
const FIRST = { sqlite: 0, postgres: '' } as const
const SETTLED_MS = 20_000
/** PostgreSQL: a process that was frozen in the middle of a write ends it whenever it is thawed. */
const LOOK_AGAIN_MS = 600_000
const nextTurn = promisify(setImmediate)

/**
 * Puts every subject key, and the inbox keys, under the node's newest wrapping key, page by page while the vault serves; values are not
 * touched. Goes on after a crash where it stood: a key is under one or the other.
 */
export function rewrapping(ctx: VaultContext) {
  let current: string | undefined
  let done: number | undefined
  let left = 0
  /** Nothing was left the first time: a write that began under the earlier key, here or elsewhere, may still end. */
  let clean: number | undefined

  async function run(): Promise<void> {
    const { id, key } = ctx.wrapping.current()
    if (id !== current) {
      done = undefined
      clean = undefined
      current = id
    }
    if (done !== undefined && (ctx.db.dialect === 'sqlite' || ctx.clock() - done < LOOK_AGAIN_MS)) return
    if (clean !== undefined && ctx.clock() - clean < SETTLED_MS) return
    left = await countBehind(id)
    for (let after: string | number = FIRST[ctx.keysDb.dialect]; ;) {
      const last = await page(id, key, after)
      if (last === undefined) break
      after = last
      await nextTurn()
    }
    await rewrapInboxKeys(ctx)
    left = await countBehind(id)
    if (left > 0 || ctx.wrapping.current().id !== id) return
    if (clean !== undefined) done = ctx.clock()
    else clean = ctx.clock()
  }

  async function countBehind(id: string): Promise<number> {
    const row = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('kek', '<>', id)
      .executeTakeFirstOrThrow()
    return Number(row.n) + (await inboxKeysBehind(ctx, id))
  }

  /**
   * The place of the page's last row, undefined behind the last one. SQLite: in the order in which the rows lie, so that a
   * page of the file is written once and not once for each of its thirty rows.
   */
  async function page(id: string, key: ReturnType<VaultContext['wrapping']['current']>['key'], after: string | number) {
    const place = ctx.keysDb.dialect === 'sqlite' ? sql.ref<string | number>('rowid') : sql.ref<string>('subject')
    const read = ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select(['subject', 'version', 'kek', 'wrapped', 'created_at', place.as('place')])
      .where(place, '>', after)
      .orderBy(place)
      .limit(PAGE)
    const rows = await read.execute()
    // Asked right before: the key may have been changed, or this process been frozen, since the page was begun.
    if (ctx.wrapping.current().id !== id) return undefined
    const old = rows.filter((row) => row.kek !== id)
    const renewed = old.flatMap((row) => {
      const was = ctx.wrapping.of(row.kek)
      if (was === undefined) return []
      const context = { node: ctx.node, subject: row.subject, version: row.version }
      return [
        {
          ...row,
          was: row.kek,
          kek: id,
          wrapped: ctx.sealer.wrap(key, ctx.sealer.unwrap(was, row.wrapped, context), context),
        },
      ]
    })
    if (renewed.length > 0) {
      // An update alone, and of what was read: a person who is erased at this moment must not come back by it, nor an
      // earlier key over one that another process has put there meanwhile.
      const bytes = ctx.keysDb.dialect === 'postgres' ? sql`::bytea` : sql``
      const pairs = sql.join(
        renewed.map((row) => sql`(${row.subject}, ${row.was}, ${row.kek}, ${row.wrapped}${bytes})`),
      )
      await ctx.keysDb.transaction<KeyTables, unknown>((trx) =>
        sql`with renewed(subject, was, kek, wrapped) as (values ${pairs}) update subject_key set kek = renewed.kek,
          wrapped = renewed.wrapped from renewed where subject_key.subject = renewed.subject and subject_key.kek = renewed.was`.execute(
          trx,
        ),
      )
      left = Math.max(0, left - renewed.length)
    }
    return rows.length < PAGE ? undefined : rows.at(-1)!.place
  }

  return {
    run,
    /** How many were left when it was looked last. */
    behind: () => left,
    /** How many lie under an earlier key at this moment. */
    count: () => countBehind(ctx.wrapping.current().id),
  }
}
