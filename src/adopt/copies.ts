import { passes, words, type Row, type Session, type Source } from '../source/index.ts'
import type { Move } from './move.ts'

/** A place where plaintext may live on after the live tables are clean, and what to do about it. */
export type Copy = { readonly what: string; readonly found: string; readonly todo: string }

/** What the server itself can tell of copies, and what nobody can see from here. Reading only. */
export async function survivingCopies(move: Move): Promise<Copy[]> {
  const { source } = move
  const seen = source.kind === 'postgres' ? await postgresCopies(source) : await mysqlCopies(source)
  const outside = (move.plan.left ?? []).map(({ table, column, why }) => ({
    what: `column ${table}.${column}`,
    found: why,
    todo: 'the plan left it where it is, with all it holds',
  }))
  return [...outside, ...indexesAndViews(move), ...seen, ...UNSEEN]
}

const UNSEEN: readonly Copy[] = [
  { what: 'dumps and backups', found: 'not visible from here', todo: 'delete or let expire every dump, snapshot and disk image made before today' },
  { what: 'extracts for reports, search indexes and caches', found: 'not visible from here', todo: 'rebuild them from the tables as they are now' },
  { what: 'logs and error reports of the app', found: 'not visible from here', todo: 'search them with khien pii scan' },
] // prettier-ignore

function indexesAndViews({ tables }: Move): Copy[] {
  return tables.flatMap(({ table, planned }) => {
    const moved = new Set(planned.columns.map((column) => column.column))
    const indexes = table.indexes.filter((index) => index.columns.some((column) => moved.has(column)))
    const stored = table.views.filter((view) => view.stored && moved.has(view.column))
    return [
      ...indexes.map((index) => ({
        what: `index ${index.name} on ${table.label}`,
        found: 'its free pages keep old entries',
        todo: 'rewritten together with the table',
      })),
      ...[...new Set(stored.map((view) => view.name))].map((view) => ({
        what: `materialised view ${view}`,
        found: `holds what ${table.label} held when it was refreshed`,
        todo: `refresh materialized view ${view}`,
      })),
    ]
  })
}

/** What the rights of this user do not show is said so, not left out. */
async function ask(source: Source, text: string): Promise<Row[] | undefined> {
  return source
    .read((s: Session) => s.rows(words(text)))
    .catch((error: unknown) => {
      if (passes(error)) throw error
      return undefined
    })
}
const hidden = (what: string, todo: string): Copy => ({ what, found: 'this database user may not see it', todo })

async function postgresCopies(source: Source): Promise<Copy[]> {
  const copies: Copy[] = []
  const [settings] = (await ask(
    source,
    `select current_setting('archive_mode') as archive, current_setting('wal_level') as wal, current_setting('log_statement') as statements,
            current_setting('max_slot_wal_keep_size') as keep`,
  )) ?? [{}]
  copies.push({
    what: 'WAL',
    found: `wal_level=${settings?.['wal'] ?? '?'}, archive_mode=${settings?.['archive'] ?? '?'}`,
    todo: settings?.['archive'] === 'off' ? 'recycled by itself after some checkpoints' : 'archived segments from before today hold old rows: let them expire',
  })
  const replicas = await ask(source, 'select application_name as name, state from pg_stat_replication')
  if (replicas === undefined) copies.push(hidden('replicas', 'look at pg_stat_replication as a superuser'))
  for (const row of replicas ?? [])
    copies.push({ what: `replica ${row['name']}`, found: `${row['state'] ?? 'connected'}`, todo: 'it follows; a delayed one holds old rows for its delay' })
  for (const row of (await ask(source, 'select slot_name, active from pg_replication_slots')) ?? [])
    copies.push({ what: `replication slot ${row['slot_name']}`, found: row['active'] === 't' ? 'active' : 'not active', todo: 'whoever reads it has had every old value; an inactive slot keeps WAL for ever' })
  for (const row of (await ask(source, 'select pubname from pg_publication')) ?? [])
    copies.push({ what: `publication ${row['pubname']}`, found: 'sends rows to subscribers', todo: 'clean the subscribers’ tables too' })
  const stats = await ask(source, `select 1 from pg_extension where extname = 'pg_stat_statements'`)
  if (stats?.length) copies.push({ what: 'pg_stat_statements', found: 'keeps texts of statements', todo: 'select pg_stat_statements_reset()' })
  copies.push({ what: 'statistics (pg_statistic)', found: 'hold common values of columns', todo: 'analyze, done by purge' })
  if (settings?.['statements'] && settings['statements'] !== 'none')
    copies.push({ what: 'server log', found: `log_statement=${settings['statements']}`, todo: 'delete old log files: they hold statements with values' })
  return copies
} // prettier-ignore

async function mysqlCopies(source: Source): Promise<Copy[]> {
  const copies: Copy[] = []
  const rows = (await ask(source, `show variables where variable_name in ('log_bin', 'general_log', 'slow_query_log', 'binlog_expire_logs_seconds', 'innodb_undo_log_truncate')`)) ?? []
  const value = (name: string): string => Object.values(rows.find((row) => Object.values(row)[0] === name) ?? {})[1] ?? '?'
  copies.push(
    value('log_bin') === 'ON'
      ? { what: 'binary log', found: 'log_bin=ON', todo: 'purge binary logs before now(), once every replica and backup is past them' }
      : { what: 'binary log', found: `log_bin=${value('log_bin')}`, todo: 'nothing' },
    { what: 'general log', found: `general_log=${value('general_log')}`, todo: value('general_log') === 'ON' ? 'delete old log files: they hold statements with values' : 'nothing' },
    { what: 'slow log', found: `slow_query_log=${value('slow_query_log')}`, todo: value('slow_query_log') === 'ON' ? 'delete old log files' : 'nothing' },
    { what: 'undo and redo logs of InnoDB', found: 'hold old rows for a while', todo: 'overwritten in use; truncated with innodb_undo_log_truncate=ON' },
    { what: 'column statistics and histograms', found: 'hold smallest, largest and common values', todo: 'analyze table … persistent for all, done by optimize' },
  )
  const replicas = await ask(source, 'show slave hosts')
  if (replicas === undefined) copies.push(hidden('replicas', 'show replicas as an administrator'))
  for (const row of replicas ?? []) copies.push({ what: `replica ${row['Host'] ?? row['Server_id']}`, found: 'registered', todo: 'it follows; a delayed one holds old rows for its delay' })
  return copies
} // prettier-ignore

/** One more look whether the server rewrote nothing behind us: rows that are dead but still on pages. */
export const rewriteOf = (move: Move): string[] =>
  move.tables.map(({ table }) =>
    move.source.kind === 'postgres'
      ? `vacuum (full, analyze) "${table.schema.replaceAll('"', '""')}"."${table.name.replaceAll('"', '""')}"`
      : `optimize table \`${table.name.replaceAll('`', '``')}\``,
  )
