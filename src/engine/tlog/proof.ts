import { fromBase64, toBase64 } from '../bytes/base64.ts'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import { HASH_SIZE, type TreeHash } from './merkle.ts'
import type { NoteVerifier } from './note.ts'
import { verifyInclusion } from './verify.ts'

const HEADER = 'c2sp.org/tlog-proof@v1'
const PROOF_LIMIT = 2_000_000

/** A proof that can be checked without a network: entry `index`, its path, and the checkpoint note verbatim. */
export type LogProof = {
  readonly index: number
  readonly hashes: readonly Uint8Array[]
  /** Not authenticated by the proof itself: the application must bind it to the entry. */
  readonly extra?: Uint8Array | undefined
  readonly checkpoint: string
}

/** The text of a proof (C2SP tlog-proof, "Format"); store it as `.tlog-proof`. */
export function printProof(proof: LogProof): string {
  const extra = proof.extra === undefined ? '' : `extra ${toBase64(proof.extra)}\n`
  const hashes = proof.hashes.map((hash) => `${toBase64(hash)}\n`).join('')
  return `${HEADER}\n${extra}index ${proof.index}\n${hashes}\n${proof.checkpoint}`
}

/** The parts of a proof, unverified; undefined when the form is wrong or the text is past 2 MB. */
export function parseProof(text: string): LogProof | undefined {
  const end = text.indexOf('\n\n')
  if (text.length > PROOF_LIMIT || end < 0) return undefined
  const lines = text.slice(0, end).split('\n')
  if (lines.shift() !== HEADER) return undefined
  const extraText = lines[0]?.startsWith('extra ') === true ? lines.shift()!.slice(6) : undefined
  const extra = extraText === undefined ? undefined : fromBase64(extraText)
  if (extraText !== undefined && extra === undefined) return undefined
  const digits = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1]
  const index = digits === undefined ? Number.NaN : Number(digits)
  if (!Number.isSafeInteger(index) || lines.length > 64) return undefined
  const hashes: Uint8Array[] = []
  for (const line of lines) {
    const hash = fromBase64(line)
    if (hash?.length !== HASH_SIZE) return undefined
    hashes.push(hash)
  }
  return { index, hashes, checkpoint: text.slice(end + 2), ...(extra === undefined ? {} : { extra }) }
}

/** The checkpoint that holds the entry, when the proof and the signature are right; else undefined. Never throws. */
export function verifyProof(
  hash: TreeHash,
  proof: LogProof,
  entry: Uint8Array,
  known: readonly NoteVerifier[],
): Checkpoint | undefined {
  const checkpoint = openCheckpoint(proof.checkpoint, known)
  if (checkpoint === undefined) return undefined
  const claim = { index: proof.index, size: checkpoint.size, leaf: hash.leaf(entry), root: checkpoint.root }
  return verifyInclusion(hash, claim, proof.hashes) ? checkpoint : undefined
}
