import type { Audit } from '../audit/index.ts'
import type { Intake } from '../intake/index.ts'
import { KhienError } from '../kit/errors.ts'
import type { Database, Migration } from '../storage/sql/index.ts'

type FeedTables = { evidence_feed: { id: number; from_leaf: number; to_leaf: number } }

export const feedMigrations: readonly Migration[] = [
  {
    name: '20261122T000500-create-evidence-feed',
    async up(db) {
      await db.schema
        .createTable('evidence_feed')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('from_leaf', 'bigint', (c) => c.notNull())
        .addColumn('to_leaf', 'bigint', (c) => c.notNull())
        .execute()
    },
  },
]

const A_BATCH = 1_000
const SESSIONS: Readonly<Record<string, 'allowed' | 'refused'>> = {
  'session.opened': 'allowed',
  'session.refused': 'refused',
}

/**
 * Tells detection what the evidence log holds: reads of personal data and log-ins become events, each leaf once. The
 * span in hand is noted before it is sent, so that a repeat after a crash is the same batch and is taken once.
 */
export function evidenceFeed(ctx: { readonly db: Database; readonly audit: Audit; readonly intake: Intake }) {
  const db = ctx.db.tables<FeedTables>()

  async function turn(): Promise<void> {
    const row = await db.selectFrom('evidence_feed').selectAll().where('id', '=', 1).executeTakeFirst()
    if (!row) {
      // From here on: what happened before the feed existed is in the log, and old news to detection.
      const { size } = await ctx.audit.head()
      await db.insertInto('evidence_feed').values({ id: 1, from_leaf: size, to_leaf: size }).execute()
      return
    }
    let [from, to] = [Number(row.from_leaf), Number(row.to_leaf)]
    if (from === to) {
      const { size } = await ctx.audit.head()
      if (size === from) return
      to = Math.min(size, from + A_BATCH)
      await db.updateTable('evidence_feed').set({ to_leaf: to }).where('id', '=', 1).execute()
    }
    const acts = await ctx.audit.leaves(from, to - from)
    const lines = acts.flatMap((act) => {
      const event = eventOf(act)
      return event ? [JSON.stringify(event)] : []
    })
    if (lines.length > 0)
      await ctx.intake.post('node', `evidence-${from}-${to}`, Buffer.from(lines.join('\n'))).catch((error: unknown) => {
        // Taken before, worded by another version of this program.
        if (!(error instanceof KhienError && error.code === 'http/key-reused')) throw error
      })
    await db.updateTable('evidence_feed').set({ from_leaf: to, to_leaf: to }).where('id', '=', 1).execute()
  }
  return { turn }
}

type Leaf = Awaited<ReturnType<Audit['leaves']>>[number]
const NAME = /^[A-Za-z][A-Za-z0-9._:/-]{0,63}$/

function eventOf(leaf: Leaf): Record<string, unknown> | undefined {
  const common = { id: `leaf-${leaf.leaf}`, time: Date.parse(leaf.at) }
  const { kind, actor, subject, purpose, result, facts } = leaf
  const session = SESSIONS[kind]
  if (session) return { ...common, kind: 'session.login', account: actor, result: session }
  if (kind !== 'vault.read' || (result !== 'allowed' && result !== 'refused')) return undefined
  const fields = String(facts?.['fields'] ?? '')
    .split(/[ ,]+/)
    .filter((field) => NAME.test(field))
  return {
    ...common,
    kind,
    actor,
    result,
    fields: fields.slice(0, 40),
    ...(subject === undefined ? {} : { subject }),
    ...(purpose !== undefined && NAME.test(purpose) ? { purpose } : {}),
  }
}
