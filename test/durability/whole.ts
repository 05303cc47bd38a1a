import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { logVerifier, readCheckpoint, readOnly, verifyLog, type AuditTables } from '../../src/audit/index.ts'
import { leafRows } from '../../src/audit/store.ts'
import { rowEntry } from '../../src/audit/writer.ts'
import type { ConsentTables } from '../../src/consent/index.ts'
import type { OutboxTables } from '../../src/outbox/store.ts'
import type { Database } from '../../src/storage/sql/index.ts'
import type { KeyTables, VaultTables } from '../../src/vault/store.ts'
import type { Entry, Ledger } from './ledger.ts'

type Tables = VaultTables & ConsentTables & AuditTables & OutboxTables

const counted = (texts: readonly string[]): Map<string, number> => {
  const map = new Map<string, number>()
  for (const text of texts) map.set(text, (map.get(text) ?? 0) + 1)
  return map
}

/**
 * Holds the stores against what was sent: each request is there whole, with all that belongs to it, or not at all; what
 * was answered is there; nothing else is. Answers how many unanswered requests had been done.
 */
export async function checkWhole(db: Database, keysDb: Database, ledger: Ledger): Promise<number> {
  const tables = db.tables<Tables>()
  const values = counted((await tables.selectFrom('vault_value').select('subject').execute()).map((r) => r.subject))
  const tags = counted((await tables.selectFrom('vault_index').select('subject').execute()).map((r) => r.subject))
  const consents = await tables.selectFrom('consent').select(['subject', 'receipt', 'withdrawal']).execute()
  const receipts = await tables.selectFrom('receipt').select(['subject', 'code']).execute()
  const notices = new Set(
    (await tables.selectFrom('withdrawal_notice').select('receipt').execute()).map((r) => r.receipt),
  )
  const outbox = await tables.selectFrom('outbox').select('payload').where('topic', '=', 'consent.withdrawn').execute()
  const told = counted(outbox.map((row) => (JSON.parse(row.payload) as { receipt: string }).receipt))
  const records = await tables.selectFrom('audit_record').select(['kind', 'subject']).execute()
  const acts = counted(records.map((row) => `${row.kind} ${row.subject}`))
  const keys = await keysDb.tables<KeyTables>().selectFrom('subject_key').select('subject').execute()
  const keyed = new Set(keys.map((row) => row.subject))
  const consentOf = new Map(consents.map((row) => [row.subject, row]))

  /** Each part of what one request leaves behind, as a count; all of them must agree. */
  const parts = (entry: Entry): number[] => {
    const { kind, subject, turn } = entry
    const consent = consentOf.get(subject)
    const put = acts.get(`vault.put ${subject}`) ?? 0
    const codes = new Set(receipts.filter((row) => row.subject === subject).map((row) => row.code))
    const has = (code: string | null | undefined): number => Number(code != null && codes.has(code))
    if (kind === 'new') return [put, (values.get(subject) ?? 0) / 5, (tags.get(subject) ?? 0) / 5]
    if (kind === 'hot') return [Number(put >= turn)]
    if (kind === 'consent')
      return [Number(consent !== undefined), has(consent?.receipt), acts.get(`consent.given ${subject}`) ?? 0,
        acts.get(`notice.shown ${subject}`) ?? 0] // prettier-ignore
    const code = consent?.withdrawal
    return [has(code), acts.get(`consent.withdrawn ${subject}`) ?? 0, Number(code != null && notices.has(code)),
      (code != null && told.get(code)) || 0] // prettier-ignore
  }
  let doneUnanswered = 0
  const done = { 'vault.put': 0, 'consent.given': 0, 'consent.withdrawn': 0 }
  for (const entry of ledger.entries) {
    const found = parts(entry)
    assert.ok(found.every((n) => n === found[0]) && [0, 1].includes(found[0]!), `half of a ${entry.kind}: ${found}`)
    if (entry.answer) assert.equal(found[0], 1, `an acknowledged ${entry.kind} is gone`)
    else doneUnanswered += found[0]!
    const act =
      entry.kind === 'consent' ? 'consent.given' : entry.kind === 'withdrawal' ? 'consent.withdrawn' : 'vault.put'
    done[act] += found[0]!
  }
  for (const [kind, count] of Object.entries(done))
    assert.equal(
      records.filter((row) => row.kind === kind).length,
      count,
      `records of ${kind} that nothing stands behind`,
    )
  for (const subject of values.keys()) assert.ok(keyed.has(subject), 'a value whose key is not there')
  const known = new Set(ledger.entries.map((entry) => entry.subject))
  for (const subject of [...values.keys(), ...consentOf.keys()]) assert.ok(known.has(subject), 'a row nobody sent')
  return doneUnanswered
}

/** The log on disk as anybody checks it, and every entry against its row. Answers its size. */
export async function checkLog(folder: string, db: Database): Promise<number> {
  const log = join(folder, 'log')
  const read = readOnly(log)
  const { head } = await readCheckpoint(read, logVerifier(readFileSync(join(log, 'log.vkey'), 'utf8').trim())!)
  const rows = await leafRows(db, 0, head.size)
  await verifyLog(read, log, head, (first, entries) => {
    for (const [i, entry] of entries.entries())
      assert.ok(Buffer.from(entry).equals(rowEntry(rows[first + i]!)), `log entry ${first + i} is not its record`)
  })
  return head.size
}
