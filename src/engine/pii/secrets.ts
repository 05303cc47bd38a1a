import type { Finding } from './kinds.ts'
import type { Reading } from './reading.ts'
import { setOf } from './words.ts'

const SECRET = setOf('secret')

// Forms their makers document. Each begins with letters of its own and has at least 20 signs without a space.
const TOKENS: readonly string[] = [
  '(?:AKIA|ASIA)[0-9A-Z]{16}', // AWS access key ids
  'gh[pousr]_[A-Za-z0-9]{36}', // GitHub
  'github_pat_[A-Za-z0-9_]{22,255}',
  'glpat-[A-Za-z0-9_-]{20,64}', // GitLab
  'xox[abeprs]-[A-Za-z0-9-]{16,255}', // Slack
  '(?:sk|rk)_live_[A-Za-z0-9]{16,255}', // Stripe
  'sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,255}', // OpenAI, Anthropic
  'AIza[A-Za-z0-9_-]{35}', // Google
  'npm_[A-Za-z0-9]{36}',
  'pypi-[A-Za-z0-9_-]{40,255}',
  'hvs\\.[A-Za-z0-9_-]{20,255}', // Vault, OpenBao
  'SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}', // SendGrid
  'dop_v1_[a-f0-9]{64}', // DigitalOcean
  'eyJ[A-Za-z0-9_-]{8,2000}\\.eyJ[A-Za-z0-9_-]{8,6000}\\.[A-Za-z0-9_-]{16,2000}', // RFC 7519
]
/** Fewest signs without a space of any of these. */
export const SHORTEST_TOKEN = 20
export const KEY_BLOCK = '-----BEGIN '
const TOKEN = new RegExp(`(?<![A-Za-z0-9_])(?:${TOKENS.join('|')})(?![A-Za-z0-9_])`, 'g')
const BLOCK = /-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g
const BLOCK_END = /-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----/g
const LONGEST_BLOCK = 16_384
const SET = /(?:[A-Za-z0-9_-]{0,24})["'\]]{0,2} {0,2}(?:=>|:=|[:=]) {0,2}(["'`]?)([^\s"'`,;<>{}()]{6,200})/y
const PLACEHOLDER =
  /^(?:[*x.•-]+|.*(?:process\.env|\$\{|%s|\*\*\*).*|(?:your|my|the|change|example|sample|placeholder|redacted|hidden|null|none|undefined|true|false|required|string|optional|encrypted)[\w-]*|https?:\/\/.*)$/i
const PROTECTED = /^\$(?:2[aby]|argon2\w{1,2}|P|H|1|5|6|y|pbkdf2[\w-]*|scrypt)\$/

/** Fewest bits a sign of a value that is set to a name such as `password`. */
const LEAST_BITS = 2.4

/** Private keys, tokens by the form their makers give them, and what is set to a name for a secret. Places are those of the source. */
export function secretsIn(
  reading: Reading,
  { tokens, blocks }: { readonly tokens: boolean; readonly blocks: boolean },
): Finding[] {
  const { source } = reading
  const out: Finding[] = []
  const add = (start: number, end: number, sure: boolean): void => {
    out.push({ kind: 'secret', start, end, confidence: sure ? 'high' : 'medium', value: source.slice(start, end) })
  }
  if (blocks) for (const { start, end } of keyBlocks(source)) add(start, end, true)
  if (tokens) {
    TOKEN.lastIndex = 0
    for (let found = TOKEN.exec(source); found !== null; found = TOKEN.exec(source))
      add(found.index, TOKEN.lastIndex, true)
  }
  for (const hit of reading.hits) {
    if ((hit.set & SECRET) === 0) continue
    SET.lastIndex = hit.end
    const found = SET.exec(reading.text)
    if (found === null) continue
    const value = found[2]!
    const end = hit.end + found[0].length
    if (!looksSecret(value)) continue
    const places = reading.places
    const [from, to] = [end - value.length, end]
    add(places === undefined ? from : places[from]!, places === undefined ? to : places[to - 1]! + 1, false)
  }
  return out
}

// The next end is looked for once and serves every beginning before it: many beginnings without an end stay cheap.
function* keyBlocks(source: string): Generator<{ start: number; end: number }> {
  let foot: RegExpExecArray | null | undefined
  let done = 0
  for (const { index: start, 0: head } of source.matchAll(BLOCK)) {
    if (start < done) continue
    const from = start + head.length
    if (foot === undefined || (foot !== null && foot.index < from)) {
      BLOCK_END.lastIndex = from
      foot = BLOCK_END.exec(source)
    }
    done = foot === null || foot.index - start > LONGEST_BLOCK ? from : foot.index + foot[0].length
    yield { start, end: done }
  }
}

function looksSecret(value: string): boolean {
  if (PLACEHOLDER.test(value) || PROTECTED.test(value)) return false
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((of) => of.test(value)).length
  return (classes >= 2 || value.length >= 20) && bitsPerSign(value) >= LEAST_BITS
}

/** Shannon's entropy of the signs of a text. */
function bitsPerSign(value: string): number {
  const counts = new Map<string, number>()
  for (const sign of value) counts.set(sign, (counts.get(sign) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length)
  return bits
}
