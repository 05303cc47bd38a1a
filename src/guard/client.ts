import { inRange, parseAddress, parseRange } from '../engine/waf/operator/address.ts'
import { GuardError } from './error.ts'

type Pairs = readonly (readonly [name: string, value: string])[]
export type Trust = (address: string) => boolean

const MAPPED = '0,0,0,0,0,0,0,0,0,0,255,255,'

/** An IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) as itself, however it is written: `::ffff:192.0.2.1`, `::FFFF:c000:201`. */
function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  // As the system writes it, for every client of a listener on both families.
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address)) return address.slice(7)
  const bytes = parseAddress(address)
  return bytes !== undefined && String(bytes).startsWith(MAPPED) ? bytes.slice(12).join('.') : address
}

/** Ranges such as `10.0.0.0/8` → is that address one of our own proxies? Throws `GuardError` for a range that is none. */
export function trustOf(ranges: readonly string[]): Trust {
  const parsed = ranges.map((text) => {
    try {
      return parseRange(text)
    } catch (error) {
      throw new GuardError('guard/options', `trustProxy: '${text}' is not an address or range`, { cause: error })
    }
  })
  return (address) => {
    const bytes = parseAddress(address)
    return bytes !== undefined && parsed.some((range) => inRange(bytes, range))
  }
}

/** The peer, or, when the peer is a trusted proxy, the last address before own proxies that X-Forwarded-For tells. */
export function clientAddressOf(peer: string, headers: Pairs, trust: Trust): string {
  const own = plainAddress(peer)
  if (!trust(own)) return own
  const told = headers
    .filter(([name]) => name.toLowerCase() === 'x-forwarded-for')
    .flatMap(([, value]) => value.split(','))
  for (const part of told.reverse()) {
    // `192.0.2.1:51398` and `[2001:db8::7]:51446` carry a port, `2001:db8::7` does not.
    const text = part.trim()
    const bare = text.startsWith('[') ? text.slice(1).split(']', 1)[0]! : text.replace(/^([\d.]+):\d{1,5}$/, '$1')
    const address = plainAddress(bare)
    if (parseAddress(address) === undefined) break
    if (!trust(address)) return address
  }
  return own
}
