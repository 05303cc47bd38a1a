import { join } from 'node:path'
import { migrate, openSqlite } from '../storage/sql/index.ts'
import { auditMigrations } from './index.ts'
import { entries, record, testAudit } from './testing.ts'

// Records and publishes without end, printing the id of each record that was committed; the crash test kills it.

const folder = process.argv[2]!
const db = openSqlite(join(folder, 'control.db'))
await migrate(db, auditMigrations)
const log = testAudit(db, folder)
await log.reconcile('edge')
for (;;) {
  const ids = await record(db, log, entries(1 + Math.floor(Math.random() * 90)))
  process.stdout.write(`${ids.join('\n')}\n`)
  await log.integrate()
}
