import type { RawHeaders } from '../limits.ts'

export const COOKIES = { check: 'khien_check', wait: 'khien_wait', seen: 'khien_seen', met: 'khien_met', own: 'khien_own' } as const // prettier-ignore
export const COOKIE_NAMES: readonly string[] = Object.values(COOKIES)
const KINDS = Object.keys(COOKIES) as (keyof typeof COOKIES)[]

export const cookie = (name: string, value: string, ms: number, secure: boolean): string =>
  `${name}=${value}; Path=/; Max-Age=${Math.floor(ms / 1_000)}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

/** What a request brings of ours; a solved check as a header too, for programs. */
export function broughtBy(headers: RawHeaders): Readonly<Record<keyof typeof COOKIES, string | undefined>> {
  const found = Object.fromEntries(KINDS.map((kind) => [kind, undefined])) as Record<keyof typeof COOKIES, string | undefined> // prettier-ignore
  for (const [rawName, value] of headers) {
    const name = rawName.toLowerCase()
    if (name === 'khien-check') found.check = value.slice(0, 200)
    if (name !== 'cookie' || !value.includes('khien_')) continue
    for (const part of value.split(';')) {
      const [key = '', text = ''] = part.trim().split('=', 2)
      for (const kind of KINDS) if (key === COOKIES[kind]) found[kind] ??= text.slice(0, 200)
    }
  }
  return found
}
