import type { RequestHead } from '../../engine/waf/index.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Entropy } from '../../kit/ids.ts'
import type { Site } from '../contract.ts'
import { sealFrame, type KeptRequest } from '../traffic/frame.ts'

type Duty = (name: string, body: unknown) => Promise<unknown>
type DayKey = { readonly key: string; readonly publicKey: Uint8Array; readonly until: number }

/** A longer body is not kept, nor more of one beat than this: what is kept is a sample. */
const BODY = 262_144
const A_BEAT = 1 << 20

/**
 * Keeps a sample of whole requests of the sites that ask for it: in memory for one beat, then sealed to the day's public key and handed to the
 * node. This process cannot read again what it has sealed. What finds no room is counted.
 */
export function traffic(clock: Clock, entropy: Entropy) {
  const waiting = new Map<string, KeptRequest[]>()
  const keys = new Map<string, DayKey>()
  let [held, dropped, sending] = [0, 0, false]

  async function keyOf(site: string, duty: Duty): Promise<DayKey | undefined> {
    const known = keys.get(site)
    if (known !== undefined && clock() < known.until) return known
    const told = (await duty('gateway-traffic-key', { site })) as
      | { key?: string; publicKey?: string; until?: number }
      | null
      | undefined
    if (typeof told?.key !== 'string' || typeof told.publicKey !== 'string' || typeof told.until !== 'number')
      return undefined
    const key = {
      key: told.key,
      publicKey: Uint8Array.from(Buffer.from(told.publicKey, 'base64url')),
      until: told.until,
    }
    keys.set(site, key)
    return key
  }

  return {
    /** By chance, as often as the site says. */
    wants: ({ keep }: Site): boolean =>
      keep !== undefined && (keep.share === 1 || Buffer.from(entropy(4)).readUInt32BE() / 2 ** 32 < keep.share),
    add(site: string, at: number, head: RequestHead, body: Uint8Array): void {
      const size = head.headers.reduce((sum, [name, value]) => sum + name.length + value.length + 8, body.length + 512)
      if (body.length > BODY || held + size > A_BEAT) return void dropped++
      held += size + head.target.length
      const kept = { at, head, body: Uint8Array.from(body) }
      const list = waiting.get(site)
      if (list === undefined) waiting.set(site, [kept])
      else list.push(kept)
    },
    /** Seals and hands over what there is; what the node does not take is let go, and counted. */
    async tell(duty: Duty): Promise<void> {
      if (sending || waiting.size === 0) return
      sending = true
      const taken = [...waiting]
      waiting.clear()
      held = 0
      try {
        for (const [site, requests] of taken) {
          const key = await keyOf(site, duty)
          const sealed = key && sealFrame(requests, { ...key, site }, entropy(32))
          const told =
            sealed &&
            ((await duty('gateway-traffic', {
              site,
              key: key.key,
              requests: requests.length,
              sealed: Buffer.from(sealed).toString('base64'),
            })) as { kept?: boolean } | null | undefined)
          if (told?.kept === true) continue
          dropped += requests.length
          keys.delete(site)
        }
      } finally {
        sending = false
      }
    },
    dropped: (): number => dropped,
  }
}
export type Traffic = ReturnType<typeof traffic>
