import { fromBase64 } from '../engine/bytes/base64.ts'
import { canonicalJson, type Json } from '../engine/bytes/canonical.ts'
import { fromUtf8, utf8 } from '../engine/bytes/join.ts'
import {
  type Checkpoint,
  type NoteVerifier,
  parseProof,
  printProof,
  proveInclusion,
  verifyProof,
} from '../engine/tlog/index.ts'
import { KhienError } from '../kit/errors.ts'
import { type AuditRecord, leafOfRecord } from './entry.ts'
import { type LogFiles, tileReader } from './files.ts'
import { tree } from './tree.ts'

/** What travels in a proof's `extra`: the record and its salt, or, from the log files alone, only the entry. */
export type ProofExtra = { readonly record: AuditRecord; readonly salt: string } | { readonly entry: string }

export type CheckedProof = {
  readonly index: number
  readonly checkpoint: Checkpoint
  /** Absent when the proof was made from the log files, which do not tell it. */
  readonly record?: AuditRecord
  readonly entry: string
}

/** The tlog-proof text of entry `index` under the published checkpoint. */
export async function makeProof(
  read: LogFiles['read'],
  published: { readonly head: Checkpoint; readonly note: string },
  index: number,
  extra: ProofExtra,
): Promise<string> {
  const hashes = await proveInclusion(tree, index, published.head.size, tileReader(read))
  return printProof({ index, hashes, extra: utf8(canonicalJson(extra as unknown as Json)), checkpoint: published.note })
}

/**
 * Checks a proof without a network: signature, path, and that the record it carries is the one committed to.
 * Throws `audit/bad-proof` (400) with the one sentence that says which of them fails.
 */
export function checkProof(text: string, key: NoteVerifier): CheckedProof {
  const proof = parseProof(text)
  const extra = proof?.extra === undefined ? undefined : parseExtra(proof.extra)
  if (proof === undefined || extra === undefined) throw bad('The file is not a proof made by Khiên.')
  const entry = 'entry' in extra ? utf8(extra.entry) : leafOfRecord(extra.record, Buffer.from(extra.salt, 'base64'))
  const checkpoint = verifyProof(tree, proof, entry, [key])
  if (checkpoint === undefined) throw bad('The proof is false: it was altered, or belongs to another log.')
  const told = 'entry' in extra ? {} : { record: extra.record }
  return { index: proof.index, checkpoint, entry: Buffer.from(entry).toString(), ...told }
}

// Only the one spelling that `makeProof` writes: a proof that was touched anywhere is not one we made.
function parseExtra(bytes: Uint8Array): ProofExtra | undefined {
  const text = fromUtf8(bytes)
  try {
    const found = JSON.parse(text ?? '') as Partial<Record<'record' | 'salt' | 'entry', unknown>>
    const { entry, salt } = found
    const record = found.record as Partial<AuditRecord> | null | undefined
    if (canonicalJson(found as Json) !== text) return undefined
    if (typeof entry === 'string') return Object.keys(found).length === 1 ? { entry } : undefined
    if (typeof salt !== 'string' || fromBase64(salt)?.length !== 16 || typeof record?.kind !== 'string')
      return undefined
    return Object.keys(found).length === 2 ? { record: record as AuditRecord, salt } : undefined
  } catch {
    return undefined
  }
}

const bad = (detail: string): KhienError => new KhienError('audit/bad-proof', detail, { status: 400 })
