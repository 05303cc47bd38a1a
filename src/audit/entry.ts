import { hash } from 'node:crypto'
import { canonicalJson, type Json } from '../engine/bytes/canonical.ts'
import type { Act } from '../kit/act.ts'
import { badRequest } from '../kit/errors.ts'

export const RESULTS: readonly Act['result'][] = ['allowed', 'refused', 'done', 'failed']
export type AuditResult = Act['result']

/** One act that must be provable: ids, codes, names of fields and counts; never a value. */
export type AuditEntry = Act

/** An entry as it is kept and committed to. */
export type AuditRecord = AuditEntry & { readonly id: string; readonly at: string }

const KIND = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+$/
const ID = /^[A-Za-z0-9][A-Za-z0-9_:.-]{0,127}$/
const CODE = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,99}$/
const FACT = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/
const FACTS_MAX = 32
const FACT_TEXT_MAX = 4_096
// What slips in by mistake where an id belongs: a mobile number, a citizen's identity number, an e-mail address. Other
// rows of digits pass: order and ticket numbers look like that.
const PERSONAL = /^(?:\+84|84|0)[35789]\d{8}$|^0\d{11}$|\S@\S+\.\S/

/** The canonical text of an entry at an ISO time: what the leaf commits to. Throws `audit/bad-entry` (400) with the field. */
export function recordText(entry: AuditEntry, id: string, at: string): string {
  must(entry.kind.length <= 64 && KIND.test(entry.kind), 'kind', 'must look like vault.read')
  must(ID.test(entry.actor) && !PERSONAL.test(entry.actor), 'actor', 'must be an id')
  must(absentOr(entry.subject, ID), 'subject', 'must be a pseudonymous token')
  must(absentOr(entry.purpose, ID), 'purpose', 'must be an id')
  must(absentOr(entry.reason, CODE), 'reason', 'must be a code or ticket, not a sentence')
  must(RESULTS.includes(entry.result), 'result', `must be one of ${RESULTS.join(', ')}`)
  const facts = Object.entries(entry.facts ?? {})
  must(facts.length <= FACTS_MAX, 'facts', `must be at most ${FACTS_MAX}`)
  for (const [name, value] of facts) {
    must(FACT.test(name), 'facts', 'must have plain names')
    const fits = typeof value === 'string' ? value.length <= FACT_TEXT_MAX && !PERSONAL.test(value) : true
    must(fits && (typeof value !== 'number' || Number.isFinite(value)), `facts.${name}`, 'must be an id, name or count')
  }
  const { kind, actor, subject, purpose, reason, result } = entry
  const ordered = facts.length === 0 ? undefined : Object.fromEntries(facts.sort(([a], [b]) => (a < b ? -1 : 1)))
  // Members in canonical order: the same text as canonicalJson makes, at a third of its cost.
  return JSON.stringify({ actor, at, facts: ordered, id, kind, purpose, reason, result, subject })
}

/**
 * The bytes of a leaf: `khien/1 <kind> <base64 SHA-256(salt || record)>`, salt 16 random bytes, record its canonical
 * JSON. The log shows what sort of act happened and commits to the rest without telling it; without the salt, which
 * stays in the store, a record cannot be guessed from its commitment.
 */
export const leafEntry = (kind: string, salt: Uint8Array, record: string): Uint8Array =>
  committedEntry(kind, commitmentOf(salt, record))

/** Base64 SHA-256 of salt and record. */
export const commitmentOf = (salt: Uint8Array, record: string): string =>
  hash('sha256', Buffer.concat([salt, Buffer.from(record, 'utf8')]), 'base64')
export const committedEntry = (kind: string, commitment: string): Uint8Array =>
  Buffer.from(`khien/1 ${kind} ${commitment}`, 'utf8')

/** The same leaf out of a record that came back from JSON, as in a proof. */
export const leafOfRecord = (record: AuditRecord, salt: Uint8Array): Uint8Array =>
  leafEntry(record.kind, salt, canonicalJson(record as unknown as Json))

const absentOr = (value: string | undefined, form: RegExp): boolean =>
  value === undefined || (form.test(value) && !PERSONAL.test(value))

function must(holds: boolean, field: string, rule: string): void {
  if (!holds) throw badRequest('audit/bad-entry', `The audit entry's ${field} ${rule}.`, field)
}
