import { fromBase64, toBase64 } from '../bytes/base64.ts'
import { join, sameBytes, utf8 } from '../bytes/join.ts'
import type { Sha256 } from './merkle.ts'

const ED25519 = 1
const SIGNATURE_LINE = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/u
const NAME = /^[^\s+\p{Cc}]{1,255}$/u
const SIGNATURES_MAX = 64
const NOTE_LIMIT = 1_000_000

/** A known key: its name, its 4-byte id and a check of an Ed25519 signature over the note's text. */
export type NoteVerifier = {
  readonly name: string
  readonly id: Uint8Array
  verify(message: Uint8Array, signature: Uint8Array): boolean
}
export type NoteSigner = {
  readonly name: string
  readonly id: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

/** Key id: first 4 bytes of `SHA-256(name || 0x0A || 0x01 || public key)` (C2SP signed-note, Ed25519). */
export function noteKeyId(sha256: Sha256, name: string, publicKey: Uint8Array): Uint8Array {
  if (!NAME.test(name)) throw new RangeError('a key name has 1–255 characters and neither spaces nor plus signs')
  return sha256(join([utf8(`${name}\n`), new Uint8Array([ED25519]), publicKey])).slice(0, 4)
}

/** `name+hex id+base64(0x01 || public key)`. */
export const printVerifierKey = (sha256: Sha256, name: string, publicKey: Uint8Array): string =>
  `${name}+${hex(noteKeyId(sha256, name, publicKey))}+${typed(publicKey)}`

/** `PRIVATE+KEY+name+hex id+base64(0x01 || seed)`; secret. */
export const printSignerKey = (sha256: Sha256, name: string, seed: Uint8Array, publicKey: Uint8Array): string =>
  `PRIVATE+KEY+${name}+${hex(noteKeyId(sha256, name, publicKey))}+${typed(seed)}`

/** Name, id and 32-byte public key of a verifier key text, or undefined when malformed or its id does not fit. */
export function parseVerifierKey(
  sha256: Sha256,
  text: string,
): { name: string; id: Uint8Array; publicKey: Uint8Array } | undefined {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim())
  const key = untyped(match?.[3])
  if (match === null || key === undefined || !NAME.test(match[1]!)) return undefined
  const id = noteKeyId(sha256, match[1]!, key)
  return hex(id) === match[2] ? { name: match[1]!, id, publicKey: key } : undefined
}

/** Name, id text and 32-byte seed of a signer key text; the caller, who can derive the public key, checks the id. */
export function parseSignerKey(text: string): { name: string; id: string; seed: Uint8Array } | undefined {
  const match = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim())
  const seed = untyped(match?.[3])
  return match === null || seed === undefined ? undefined : { name: match[1]!, id: match[2]!, seed }
}

/** The note: text (which ends in a newline), blank line, one signature line a signer. */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!text.endsWith('\n') || hasControls(text)) throw new RangeError('a note is text lines ending in a newline')
  const lines = signers.map((key) => `— ${key.name} ${toBase64(join([key.id, key.sign(utf8(text))]))}\n`)
  return `${text}\n${lines.join('')}`
}

export type OpenedNote = { readonly text: string; readonly signedBy: readonly NoteVerifier[] }

/**
 * The text of a note that at least one of `known` has signed, or undefined. Signatures by unknown keys are ignored;
 * a false signature by a known key refuses the whole note (C2SP signed-note, "Signatures").
 */
export function openNote(note: string, known: readonly NoteVerifier[]): OpenedNote | undefined {
  const split = splitNote(note)
  if (split === undefined) return undefined
  const message = utf8(split.text)
  const signedBy: NoteVerifier[] = []
  for (const { name, id, signature } of split.signatures) {
    const key = known.find((key) => key.name === name && sameBytes(key.id, id))
    if (key === undefined) continue
    if (!key.verify(message, signature)) return undefined
    if (!signedBy.includes(key)) signedBy.push(key)
  }
  return signedBy.length > 0 ? { text: split.text, signedBy } : undefined
}

export type NoteSignature = { readonly name: string; readonly id: Uint8Array; readonly signature: Uint8Array }

/** Text and signature lines, unverified; undefined when the form is wrong or past 1 MB or 64 signatures. */
export function splitNote(note: string): { text: string; signatures: NoteSignature[] } | undefined {
  if (note.length > NOTE_LIMIT || !note.endsWith('\n') || hasControls(note) || !note.isWellFormed()) return undefined
  const at = note.lastIndexOf('\n\n')
  if (at < 0) return undefined
  const lines = note.slice(at + 2, -1).split('\n')
  if (lines.length > SIGNATURES_MAX) return undefined
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const match = SIGNATURE_LINE.exec(line)
    const bytes = match === null ? undefined : fromBase64(match[2]!)
    if (match === null || bytes === undefined || bytes.length < 5) return undefined
    signatures.push({ name: match[1]!, id: bytes.slice(0, 4), signature: bytes.slice(4) })
  }
  return { text: note.slice(0, at + 1), signatures }
}

function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 32 && text[i] !== '\n') return true
  return false
}
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const typed = (key: Uint8Array): string => toBase64(join([new Uint8Array([ED25519]), key]))

function untyped(text: string | undefined): Uint8Array | undefined {
  const bytes = text === undefined ? undefined : fromBase64(text)
  return bytes?.length === 33 && bytes[0] === ED25519 ? bytes.slice(1) : undefined
}
