import { hash } from 'node:crypto'

const ANSWER = /^(.{20,80})\.(\d{1,12})$/

/** Leading zero bits of SHA-256 over the text. */
export function zeroBits(text: string): number {
  const digest = hash('sha256', text, 'buffer')
  let bits = 0
  for (const byte of digest) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24
    bits += 8
  }
  return bits
}

/** `token.nonce` → the token, and what the nonce is worth; undefined when it has not that form. */
export function readAnswer(text: string | undefined): { readonly token: string; readonly worth: number } | undefined {
  const parts = text === undefined ? null : ANSWER.exec(text)
  return parts === null ? undefined : { token: parts[1]!, worth: zeroBits(text!) }
}
