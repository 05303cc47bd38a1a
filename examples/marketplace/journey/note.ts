import { createHash, createPublicKey, verify } from 'node:crypto'

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Checks a C2SP signed note with nothing but its key text (`name+id+key`) and node:crypto, as anybody could who keeps a
 * receipt. Answers the text that was signed, or undefined.
 */
export function readNote(note: string, keyText: string): string | undefined {
  const [, name, id, coded] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(keyText.trim()) ?? []
  if (name === undefined || coded === undefined) return undefined
  const typed = Buffer.from(coded, 'base64')
  const known = createHash('sha256').update(`${name}\n`).update(typed).digest('hex').slice(0, 8)
  if (typed[0] !== 1 || typed.length !== 33 || known !== id) return undefined
  const key = createPublicKey({ key: Buffer.concat([SPKI_ED25519, typed.subarray(1)]), format: 'der', type: 'spki' })
  const cut = note.lastIndexOf('\n\n')
  const text = note.slice(0, cut + 1)
  const signed = note
    .slice(cut + 2)
    .split('\n')
    .map((line) => /^— (\S+) (\S+)$/.exec(line))
    .some((line) => {
      const bytes = Buffer.from(line?.[2] ?? '', 'base64')
      return (
        line?.[1] === name &&
        bytes.subarray(0, 4).toString('hex') === id &&
        verify(null, Buffer.from(text), key, bytes.subarray(4))
      )
    })
  return signed ? text : undefined
}
