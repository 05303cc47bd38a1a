import type { Kysely } from 'kysely'
import { StartError } from '../../kit/errors.ts'
import type { Database, Dialect } from './database.ts'

/** One step forward of one slice's tables. The name sorts by time: `20261121T090000-create-session`. */
export type Migration = {
  readonly name: string
  up(db: Kysely<unknown>, dialect: Dialect): Promise<void>
}

type MigrationTables = { khien_migration: { name: string; applied_at: string } }

/**
 * For a process that shares a store which is another's to bring forward. Errors: `data/no-node`, `data/older-format`,
 * `data/newer-format`.
 */
export async function checkMigrated(database: Database, migrations: readonly Migration[]): Promise<void> {
  const tables = await database.tables<MigrationTables>().introspection.getTables()
  const rows = tables.some(({ name }) => name === 'khien_migration')
    ? await database.tables<MigrationTables>().selectFrom('khien_migration').select('name').execute()
    : []
  if (rows.length === 0)
    throw new StartError('data/no-node', 'No node has begun on this database yet: start the whole node on it first.')
  const applied = new Set(rows.map((row) => row.name))
  refuseNewer(applied, migrations)
  if (migrations.every(({ name }) => applied.has(name))) return
  throw new StartError(
    'data/older-format',
    'The data is of an older Khiên: start the whole node with this version first, then the processes beside it.',
  )
}

function refuseNewer(applied: ReadonlySet<string>, migrations: readonly Migration[]): void {
  const ours = new Set(migrations.map((migration) => migration.name))
  const foreign = [...applied].find((name) => !ours.has(name))
  if (foreign === undefined) return
  throw new StartError(
    'data/newer-format',
    `The data was written by a newer Khiên (it knows "${foreign}"); start that version instead.`,
  )
}

/**
 * Brings a store forward: applies what is missing, in name order, each in its own transaction with its own mark.
 * A store that knows a migration we do not is of a newer Khiên and is refused (`data/newer-format`).
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<string[]> {
  const db = database.tables<MigrationTables>()
  await db.schema
    .createTable('khien_migration')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('applied_at', 'text', (column) => column.notNull())
    .execute()
  const applied = new Set((await db.selectFrom('khien_migration').select('name').execute()).map((row) => row.name))
  refuseNewer(applied, migrations)
  const missing = migrations.filter((m) => !applied.has(m.name)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  for (const migration of missing) {
    await database.transaction<MigrationTables, void>(async (trx) => {
      await migration.up(trx as unknown as Kysely<unknown>, database.dialect)
      await trx
        .insertInto('khien_migration')
        .values({ name: migration.name, applied_at: new Date().toISOString() })
        .execute()
    })
  }
  return missing.map((migration) => migration.name)
}
