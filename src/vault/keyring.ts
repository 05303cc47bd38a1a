import type { KeyObject } from 'node:crypto'
import { KhienError } from '../kit/errors.ts'
import { recent } from '../kit/recent.ts'
import { heldOff, letPass, type Transaction } from '../storage/sql/index.ts'
import type { VaultContext } from './context.ts'
import { insertKeys, shreddedOf, type KeyTables, type VaultTables } from './store.ts'

/** Keys at hand without being unwrapped: 70 MB of them. */
const KEPT = 100_000
const VERSION = 1
const SHREDDING = 'vault shredding'
const NOBODY: ReadonlySet<string> = new Set()
/** How late a kept key learns that another process of this vault destroyed it. */
const FRESH_MS = 1_000
/** Looked back so much further: the clocks of two machines differ. */
const OVERLAP_MS = 120_000

/** The random key of each person, wrapped by the node's key. Destroying the row destroys what it sealed. */
export function keyring(ctx: VaultContext) {
  const kept = recent<string, KeyObject>(KEPT)
  /** Rises with every key that is destroyed: what was being read meanwhile is not kept. */
  let destroyed = 0

  async function load(subjects: readonly string[], into: Map<string, KeyObject>): Promise<void> {
    if (subjects.length === 0) return
    const before = destroyed
    const rows = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select(['subject', 'version', 'kek', 'wrapped'])
      .where('subject', 'in', [...subjects])
      .execute()
    for (const { subject, version, kek, wrapped } of rows) {
      const wrapping = ctx.wrapping.of(kek)
      if (wrapping === undefined)
        throw new KhienError('vault/other-key', 'A subject key is wrapped by a key that this node has not.', {
          status: 503,
        })
      const key = ctx.sealer.unwrap(wrapping, wrapped, { node: ctx.node, subject, version })
      into.set(subject, key)
      if (before !== destroyed) continue
      kept.set(subject, key)
    }
  }

  let looked = 0

  /** PostgreSQL: another process of this vault may have destroyed keys that are kept here. */
  async function dropDestroyed(): Promise<void> {
    const now = ctx.clock()
    if (ctx.db.dialect !== 'postgres' || (now - looked < FRESH_MS && now >= looked)) return
    const since = (now < looked ? now : looked) - OVERLAP_MS
    looked = now
    if (kept.size === 0) return
    const gone = await ctx.db.tables<VaultTables>().selectFrom('vault_shred').select('subject').where('at', '>', since).execute() // prettier-ignore
    for (const { subject } of gone) kept.delete(subject)
  }

  /** Keys of those who have one. */
  async function keysOf(subjects: Iterable<string>): Promise<Map<string, KeyObject>> {
    await dropDestroyed()
    const found = new Map<string, KeyObject>()
    const wanted = new Set(subjects)
    for (const subject of wanted) {
      const key = kept.get(subject)
      if (key) found.set(subject, key)
    }
    await load(
      [...wanted].filter((subject) => !found.has(subject)),
      found,
    )
    return found
  }

  /**
   * Keys to seal with; with `create`, missing ones are made and are durable before this resolves. `gone` are people who
   * were erased for good: nobody gets their token again.
   */
  async function keysFor(
    subjects: Iterable<string>,
    create: boolean,
  ): Promise<{ found: Map<string, KeyObject>; gone: ReadonlySet<string> }> {
    const wanted = new Set(subjects)
    // Another process of this vault may have destroyed a key that is kept here.
    const watched = ctx.db.dialect === 'postgres' ? await shredded([...wanted]) : new Set<string>()
    for (const subject of watched) kept.delete(subject)
    const found = await keysOf([...wanted].filter((subject) => !watched.has(subject)))
    // In one order for everybody: two that make keys for the same people must not wait for each other crosswise.
    const missing = [...wanted].filter((subject) => !found.has(subject)).toSorted()
    if (missing.length === 0) return { found, gone: watched }
    // Asked anew: whose key was destroyed since the first look must not be given another.
    const gone = new Set([...watched, ...(await shredded(missing))])
    const { id: kek, key: wrapping } = ctx.wrapping.current()
    const wrapped = create
      ? missing
          .filter((subject) => !gone.has(subject))
          .map((subject) => ({
            subject,
            version: VERSION,
            kek,
            wrapped: ctx.sealer.wrap(wrapping, ctx.sealer.newSubjectKey(), {
              node: ctx.node,
              subject,
              version: VERSION,
            }),
            created_at: ctx.clock(),
          }))
      : []
    if (wrapped.length === 0) return { found, gone }
    // Two first writes may race: whoever loses reads the winner's key.
    await ctx.keysDb.transaction<KeyTables, void>((trx) => insertKeys(trx, ctx.keysDb.dialect, wrapped))
    // Frozen meanwhile, the key may be retired by now: then nothing may be acknowledged under it.
    ctx.wrapping.current()
    await load(
      wrapped.map((row) => row.subject),
      found,
    )
    return { found, gone }
  }

  const shredded = (subjects: readonly string[]): Promise<Set<string>> =>
    shreddedOf(ctx.db.tables<VaultTables>(), subjects)

  /**
   * To be begun before keys are asked for, and called in the transaction that writes what they sealed: who was erased
   * since then. On SQLite nobody else destroys keys, so that the ordinary write asks nothing. On PostgreSQL whoever
   * destroys a key waits for the writes that looked before, in whatever process, so that none of them comes behind it.
   */
  function watch(): (trx: Transaction<VaultTables>, subjects: readonly string[]) => Promise<ReadonlySet<string>> {
    const before = destroyed
    return async (trx, subjects) => {
      if (ctx.db.dialect === 'sqlite' && before === destroyed) return NOBODY
      await letPass(ctx.db, trx, SHREDDING)
      return shreddedOf(trx, subjects)
    }
  }

  /** Takes the key of a person out of the store and out of memory, for good. */
  async function destroy(subject: string): Promise<void> {
    const drop = (): void => {
      destroyed++
      kept.delete(subject)
    }
    drop()
    try {
      await ctx.keysDb.tables<KeyTables>().deleteFrom('subject_key').where('subject', '=', subject).execute()
      // Whoever read it just before has kept it again.
      drop()
      await ctx.keysDb.forget()
      await heldOff(ctx.db, SHREDDING)
    } finally {
      drop()
    }
  }

  return { keysOf, keysFor, destroy, watch }
}
export type Keyring = ReturnType<typeof keyring>
