import { domainToASCII } from 'node:url'
import { parse as parseDomain } from 'tldts'
import { overlaps, parseRange, type Range } from './address.ts'
import type { IndicatorKind, IndicatorRole } from './contract.ts'
import { POPULAR_ADDRESSES, POPULAR_DOMAINS } from './popular-domains.ts'

/**
 * What the guard may have against a value. Of ours, codes in `TWO_PEOPLE` can be overruled by a second person, the others
 * never; what a peer sends is refused for any.
 */
export const GUARD_CODES = [
  'malformed',
  'loopback',
  'private',
  'shared',
  'link-local',
  'multicast',
  'reserved',
  'own',
  'too-wide',
  'range',
  'public-suffix',
  'single-label',
  'special-name',
  'credentials',
  'empty-file',
  'popular',
] as const
export type GuardCode = (typeof GUARD_CODES)[number]
export const TWO_PEOPLE: ReadonlySet<GuardCode> = new Set(['popular', 'range'])

export type GuardSettings = {
  /** Ranges of the network that the node answers for. */
  readonly ownRanges: readonly string[]
  /** More names that must not be listed, with everything below them. */
  readonly allowed?: readonly string[]
  /** The demo's network 198.18.0.0/15 (RFC 2544) and `.test` names (RFC 6761) pass. */
  readonly demo: boolean
}
/** The value in its one spelling, and what speaks against it. */
export type Verdict = { readonly value: string; readonly code?: GuardCode }
export type Guard = (kind: Exclude<IndicatorKind, 'pattern'>, value: string, role: IndicatorRole) => Verdict

const range = (text: string): Range => parseRange(text)!
/** Special-purpose addresses (IANA registries, RFC 6890 and its updates). */
const SPECIAL: readonly (readonly [GuardCode, Range])[] = (
  [
    ['reserved', '0.0.0.0/8'],
    ['private', '10.0.0.0/8'],
    ['shared', '100.64.0.0/10'],
    ['loopback', '127.0.0.0/8'],
    ['link-local', '169.254.0.0/16'],
    ['private', '172.16.0.0/12'],
    ['reserved', '192.0.0.0/24'],
    ['reserved', '192.0.2.0/24'],
    ['reserved', '192.88.99.0/24'],
    ['private', '192.168.0.0/16'],
    ['reserved', '198.51.100.0/24'],
    ['reserved', '203.0.113.0/24'],
    ['multicast', '224.0.0.0/4'],
    ['reserved', '240.0.0.0/4'],
    ['loopback', '::1'],
    ['reserved', '::/96'],
    ['reserved', '::ffff:0:0/96'],
    ['reserved', '64:ff9b::/96'],
    ['reserved', '64:ff9b:1::/48'],
    ['reserved', '100::/64'],
    ['reserved', '2001::/23'],
    ['reserved', '2001:db8::/32'],
    ['reserved', '2002::/16'],
    ['reserved', '3fff::/20'],
    ['reserved', '5f00::/16'],
    ['private', 'fc00::/7'],
    ['link-local', 'fe80::/10'],
    ['multicast', 'ff00::/8'],
  ] as const
).map(([code, text]) => [code, range(text)])
const BENCHMARK = range('198.18.0.0/15')
const POPULAR = [...POPULAR_ADDRESSES].map((text) => range(text))
/** Shorter prefixes hit many innocent neighbours; behind these, what is more than one machine still needs two people. */
const SHORTEST = { 4: 24, 6: 64 } as const
const WHOLE = { 4: 32, 6: 128 } as const
/** Names that no registry sells (RFC 6761, 6762, 7686, 8375, 9476 and ICANN's .internal). */
const SPECIAL_NAMES = /(?:^|\.)(?:localhost|local|invalid|example|internal|alt|onion|home\.arpa|arpa|lan|home|corp)$/
const EXAMPLES = /(?:^|\.)example\.(?:com|net|org|edu)$/
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/**
 * The warning-list guard: what must never become an indicator because it would hit the innocent. Values come back in one
 * spelling (lower case, IDNA as ASCII, RFC 5952), so that the same thing is listed once.
 */
export function warningListGuard(settings: GuardSettings): Guard {
  const own = settings.ownRanges.map((text) => parseRange(text)).filter((each) => each !== undefined)
  const allowed = new Set(settings.allowed?.map((name) => name.toLowerCase()))

  function judgeAddress(value: string, family: 4 | 6, attacked: boolean): Verdict {
    const wanted = parseRange(value)
    if (wanted === undefined || wanted.family !== family) return { value, code: 'malformed' }
    const verdict = (code: GuardCode): Verdict => ({ value: wanted.text, code })
    for (const [code, special] of SPECIAL) if (overlaps(special, wanted)) return verdict(code)
    if (!settings.demo && overlaps(BENCHMARK, wanted)) return verdict('reserved')
    // An attacker in our own network is what the network that owns it is to be told; everything else of ours is no threat.
    if (!attacked && own.some((each) => overlaps(each, wanted))) return verdict('own')
    if (wanted.prefix < SHORTEST[family]) return verdict('too-wide')
    if (POPULAR.some((each) => overlaps(wanted, each))) return verdict('popular')
    return wanted.prefix < WHOLE[family] ? verdict('range') : { value: wanted.text }
  }

  function judgeDomain(text: string): Verdict {
    const name = domainToASCII(text.replace(/\.$/, '')).toLowerCase()
    const isName = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}$/.test(name)
    if (!isName || parseRange(name) !== undefined || /\.\d+$/.test(name)) return { value: text, code: 'malformed' }
    const verdict = (code: GuardCode): Verdict => ({ value: name, code })
    if (!name.includes('.')) return verdict(SPECIAL_NAMES.test(name) ? 'special-name' : 'single-label')
    if (SPECIAL_NAMES.test(name) || EXAMPLES.test(name)) return verdict('special-name')
    if (name.endsWith('.test')) return settings.demo ? { value: name } : verdict('special-name')
    const { publicSuffix, domain, isIcann } = parseDomain(name, { allowPrivateDomains: true })
    if (publicSuffix === name || domain === null) return verdict('public-suffix')
    // A last label that no list knows is no name of the public Internet.
    const icann = parseDomain(name)
    if (isIcann === false && icann.isIcann === false) return verdict('special-name')
    for (const each of new Set([domain, icann.domain, ...namesAbove(name)]))
      if (each !== null && (POPULAR_DOMAINS.has(each) || allowed.has(each))) {
        // Below a private suffix (github.io, blogspot.com) each name is somebody else's.
        if (icann.domain === each && domain !== each && name.endsWith(`.${publicSuffix}`)) continue
        return verdict('popular')
      }
    return { value: name }
  }

  function judgeUrl(text: string): Verdict {
    const url = URL.parse(text)
    if (url === null || !/^(?:https?|ftp):$/.test(url.protocol) || url.hostname === '')
      return { value: text, code: 'malformed' }
    if (url.username !== '' || url.password !== '')
      return { value: `${url.protocol}//${url.host}/`, code: 'credentials' }
    url.hash = ''
    const bare = url.hostname.replace(/^\[|\]$/g, '')
    const host = parseRange(bare)
    const { code } = host === undefined ? judgeDomain(bare) : judgeAddress(bare, host.family, false)
    // One page of a popular site can be listed; its front page cannot.
    const isPage = url.pathname.length > 1
    return code === undefined || (code === 'popular' && isPage) ? { value: url.href } : { value: url.href, code }
  }

  function judgeHash(text: string): Verdict {
    const value = text.toLowerCase()
    if (!/^[0-9a-f]{64}$/.test(value)) return { value: text, code: 'malformed' }
    return value === EMPTY_SHA256 ? { value, code: 'empty-file' } : { value }
  }

  return (kind, value, role) => {
    if (kind === 'domain') return judgeDomain(value)
    if (kind === 'url') return judgeUrl(value)
    if (kind === 'sha256') return judgeHash(value)
    return judgeAddress(value, kind === 'ipv4' ? 4 : 6, role === 'attacker')
  }
}

/** `a.b.c.vn` → `b.c.vn`, `c.vn`. */
function namesAbove(name: string): string[] {
  const labels = name.split('.')
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join('.'))
}
