import { hash } from 'node:crypto'
import { signatureCheck } from '../engine/seal/index.ts'
import {
  noteKeyId,
  type NoteSigner,
  type NoteVerifier,
  parseVerifierKey,
  printVerifierKey,
  treeHash,
} from '../engine/tlog/index.ts'

export const sha256 = (data: Uint8Array): Uint8Array => hash('sha256', data, 'buffer')
export const tree = treeHash(sha256)

/** An Ed25519 key as `engine/seal` makes it out of the node's seed. */
export type LogSigner = { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array }

export function logSigner(origin: string, signer: LogSigner): NoteSigner & NoteVerifier & { readonly vkey: string } {
  return {
    name: origin,
    id: noteKeyId(sha256, origin, signer.publicKey),
    vkey: printVerifierKey(sha256, origin, signer.publicKey),
    sign: (message) => signer.sign(message),
    verify: signatureCheck(signer.publicKey),
  }
}

/** The verifier in a key text `name+id+key`, or undefined. */
export function logVerifier(vkey: string): NoteVerifier | undefined {
  const key = parseVerifierKey(sha256, vkey)
  return key === undefined ? undefined : { name: key.name, id: key.id, verify: signatureCheck(key.publicKey) }
}
