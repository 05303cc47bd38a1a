import { hash } from 'node:crypto'
import type { Site } from '../contract.ts'
import type { RawHeaders } from './limits.ts'

/** What stands for an account: 132 bits of SHA-256 of its cookie's or header's value, base64url. The value itself goes nowhere. */
export const accountMark = (value: string): string => hash('sha256', value, 'base64url').slice(0, 22)

/** Of one request so many values at most, from the front and from the end: applications read the first of a name, or the last. */
const MOST = 64

/**
 * The marks of the accounts that a request names, the first one first; none when the site does not say where they would stand. A value
 * counts as the application reads it (without quotes, with percent signs undone), and then also as it is written.
 */
export function accountsOf(account: Site['account'], headers: RawHeaders): readonly string[] {
  if (account === undefined) return []
  const all = 'header' in account ? headerValues(account.header, headers) : cookieValues(account.cookie, headers)
  const values = [...new Set(all)].filter((value) => value !== '')
  const few = values.length <= MOST ? values : [...values.slice(0, MOST / 2), ...values.slice(-MOST / 2)]
  return [...new Set(few.flatMap((value) => [readingOf(value), value]))].map(accountMark)
}

/** The account that limits and records speak of; undefined when the request names none. */
export const accountOf = (account: Site['account'], headers: RawHeaders): string | undefined =>
  accountsOf(account, headers)[0]

function headerValues(name: string, headers: RawHeaders): string[] {
  const wanted = name.toLowerCase()
  const values = headers.filter(([key]) => key.toLowerCase() === wanted).map(([, value]) => value)
  // RFC 9110 §11.1: the scheme is written either way, and one space or more follows.
  return wanted === 'authorization'
    ? values.map((value) => value.replace(/^(\S+) +/, (_, scheme: string) => `${scheme.toLowerCase()} `))
    : values
}

function cookieValues(name: string, headers: RawHeaders): string[] {
  const out: string[] = []
  for (const [key, value] of headers) {
    if (key.toLowerCase() !== 'cookie') continue
    for (const part of value.split(';')) {
      const equals = part.indexOf('=')
      if (equals < 0) continue
      const written = part.slice(0, equals).trim()
      // PHP undoes percent signs in names too.
      if (written === name || (written.includes('%') && plain(written) === name))
        out.push(part.slice(equals + 1).trim())
    }
  }
  return out
}

/** RFC 6265 §4.1.1 lets a value stand in quotes; inside, RFC 2109's escapes, which Python still reads (`\141` for `a`). */
function readingOf(value: string): string {
  const quoted = /^"(.*)"$/s.exec(value)?.[1]
  const bare = quoted?.replace(/\\([0-3][0-7]{2}|.)/gs, (_, sign: string) =>
    sign.length === 3 ? String.fromCharCode(Number.parseInt(sign, 8)) : sign,
  )
  return plain(bare ?? value)
}

function plain(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
