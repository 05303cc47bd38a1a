import type { KeyObject } from 'node:crypto'
import { KhienError } from '../kit/errors.ts'
import type { VaultContext } from './context.ts'
import type { KeyTables } from './store.ts'

const KEPT = 20_000
const VERSION = 1

/** The random key of each person, wrapped by the node's key. Destroying the row destroys what it sealed. */
export function keyring(ctx: VaultContext) {
  const kept = new Map<string, KeyObject>()

  function keep(subject: string, key: KeyObject): KeyObject {
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value!)
    kept.set(subject, key)
    return key
  }

  async function load(subjects: readonly string[], into: Map<string, KeyObject>): Promise<void> {
    if (subjects.length === 0) return
    const rows = await ctx.keysDb
      .tables<KeyTables>()
      .selectFrom('subject_key')
      .select(['subject', 'version', 'kek', 'wrapped'])
      .where('subject', 'in', [...subjects])
      .execute()
    for (const row of rows) {
      if (row.kek !== ctx.kekId)
        throw new KhienError('vault/other-key', 'A subject key is wrapped by another node key; run key rewrap.', {
          status: 503,
        })
      into.set(
        row.subject,
        keep(
          row.subject,
          ctx.sealer.unwrap(ctx.kek, row.wrapped, { node: ctx.node, subject: row.subject, version: row.version }),
        ),
      )
    }
  }

  /** Keys of these subjects; with `create`, missing ones are made and are durable before this resolves. */
  async function keysOf(subjects: Iterable<string>, create: boolean): Promise<Map<string, KeyObject>> {
    const found = new Map<string, KeyObject>()
    const wanted = new Set(subjects)
    for (const subject of wanted) if (kept.has(subject)) found.set(subject, kept.get(subject)!)
    await load(
      [...wanted].filter((subject) => !found.has(subject)),
      found,
    )
    const missing = create ? [...wanted].filter((subject) => !found.has(subject)) : []
    if (missing.length === 0) return found
    const rows = missing.map((subject) => ({
      subject,
      version: VERSION,
      kek: ctx.kekId,
      wrapped: ctx.sealer.wrap(ctx.kek, ctx.sealer.newSubjectKey(), { node: ctx.node, subject, version: VERSION }),
      created_at: ctx.clock(),
    }))
    // Two first writes may race: whoever loses reads the winner's key.
    await ctx.keysDb
      .tables<KeyTables>()
      .insertInto('subject_key')
      .values(rows)
      .onConflict((c) => c.doNothing())
      .execute()
    await load(missing, found)
    return found
  }

  return { keysOf }
}
