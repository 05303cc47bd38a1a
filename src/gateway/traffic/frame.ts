import type { RequestHead } from '../../engine/waf/index.ts'
import { hpkeReceiver, hpkeSeal, SealError } from '../../engine/seal/index.ts'

/** One whole request as it is kept: strings are latin1, as the rules read them. `at` in ms since 1970. */
export type KeptRequest = { readonly at: number; readonly head: RequestHead; readonly body: Uint8Array }

const INFO = new TextEncoder().encode('khien/gateway-traffic/1')
/** A frame opens only under the key and for the site it was sealed for. */
const about = (key: string, site: string): Uint8Array => new TextEncoder().encode(`${key} ${site}`)

/** Some requests as one sealed frame. */
export function sealFrame(
  requests: readonly KeptRequest[],
  to: { readonly key: string; readonly publicKey: Uint8Array; readonly site: string },
  secret: Uint8Array,
): Uint8Array {
  const parts = requests.flatMap(({ at, head, body }) => {
    const told = Buffer.from(JSON.stringify({ at, head }))
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32BE(told.length, 0)
    lengths.writeUInt32BE(body.length, 4)
    return [lengths, told, body]
  })
  return hpkeSeal(to.publicKey, Buffer.concat(parts), secret, { info: INFO, aad: about(to.key, to.site) })
}

/** The requests of a frame; undefined when it does not open, or does not hold what it should. */
export function openFrame(
  sealed: Uint8Array,
  under: { readonly key: string; readonly secret: Uint8Array; readonly site: string },
): KeptRequest[] | undefined {
  let plain: Uint8Array
  try {
    plain = hpkeReceiver(under.secret).open(sealed, { info: INFO, aad: about(under.key, under.site) })
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  const out: KeptRequest[] = []
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 8) return undefined
    const [told, body] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
    if (bytes.length - at - 8 < told + body) return undefined
    const from = at + 8 + told
    try {
      const kept = JSON.parse(bytes.toString('utf8', at + 8, from)) as Omit<KeptRequest, 'body'>
      out.push({ ...kept, body: bytes.subarray(from, from + body) })
    } catch {
      return undefined
    }
    at = from + body
  }
  return out
}
