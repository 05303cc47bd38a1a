import { fromBase64url, hpkeOpen, hpkeSeal, toBase64url, type KeyPair } from './hpke.ts'

export { keyPair, type KeyPair } from './hpke.ts'

/** Where a message of a sealed conversation stands; it opens nowhere else. */
export type MessagePlace = { readonly conversation: string; readonly record: string; readonly from: string }
/** A device that messages are sealed to, as `GET /api/vault/conversations/:id` tells it. */
export type Box = { readonly id: string; readonly subject: string; readonly publicKey: string }

const text = new TextEncoder()
const INFO = text.encode('khien/message/v1')
const contextOf = (place: MessagePlace, box: string) => ({
  info: INFO,
  aad: text.encode(`${place.conversation} ${place.record} ${place.from} ${box}`),
})

/** Seals one message on a person's device to every box of a conversation (RFC 9180): what `writeMessages` takes as `sealed`. */
export async function sealMessage(
  body: string,
  boxes: readonly Box[],
  place: MessagePlace,
): Promise<Record<string, string>> {
  const plain = text.encode(body.normalize('NFC'))
  const sealed = await Promise.all(
    boxes.map(async ({ id, publicKey }) => {
      try {
        return [id, toBase64url(await hpkeSeal(fromBase64url(publicKey), plain, contextOf(place, id)))] as const
      } catch (cause) {
        throw new RangeError(`nothing can be sealed to the box ${id}: its public key is wrong`, { cause })
      }
    }),
  )
  return Object.fromEntries(sealed)
}

/** Opens what was sealed to this device's box. Rejects when it was altered, moved to another place, or is not for it. */
export async function openMessage(
  pair: KeyPair,
  box: string,
  sealed: Readonly<Record<string, string>>,
  place: MessagePlace,
): Promise<string> {
  const own = sealed[box]
  if (own === undefined) throw new RangeError('this message was not sealed to this box')
  return new TextDecoder('utf-8', { fatal: true }).decode(
    await hpkeOpen(pair, fromBase64url(own), contextOf(place, box)),
  )
}

/**
 * Sixty digits that are equal on both devices if and only if both see the same boxes: people compare them aloud, because
 * a server that hands out keys could hand out its own.
 */
export async function safetyNumber(boxes: readonly Box[]): Promise<string> {
  // Whoever hands out the list must not be able to write two boxes as one line.
  for (const { subject, publicKey } of boxes)
    if (!/^[0-9A-Z-]{19}$/.test(subject) || !/^[\w-]{43}$/.test(publicKey))
      throw new RangeError('a box has a subject token and a public key of 43 signs')
  const lines = boxes.map(({ subject, publicKey }) => `${subject} ${publicKey}`).sort()
  const digest = new Uint8Array(
    await crypto.subtle.digest('SHA-512', text.encode(`khien/boxes/v1\n${lines.join('\n')}`)),
  )
  return Array.from({ length: 12 }, (_, i) => {
    const number = digest.subarray(5 * i, 5 * i + 5).reduce((sum, byte) => sum * 256 + byte, 0)
    return String(number % 100_000).padStart(5, '0')
  }).join(' ')
}
