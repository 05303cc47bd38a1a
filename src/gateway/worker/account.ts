import { hash } from 'node:crypto'
import type { Site } from '../contract.ts'
import type { RawHeaders } from './limits.ts'

/** What stands for an account: 132 bits of SHA-256 of its cookie's or header's value, base64url. The value itself goes nowhere. */
export const accountMark = (value: string): string => hash('sha256', value, 'base64url').slice(0, 22)

/** The mark of the account that sent a request; undefined when it names none, or the site does not say where it would. */
export function accountOf(account: Site['account'], headers: RawHeaders): string | undefined {
  if (account === undefined) return undefined
  if ('header' in account) {
    const wanted = account.header.toLowerCase()
    const value = headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
    return value === undefined || value === '' ? undefined : accountMark(value)
  }
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== 'cookie') continue
    for (const part of value.split(';')) {
      const equals = part.indexOf('=')
      if (equals > 0 && part.slice(0, equals).trim() === account.cookie)
        return accountMark(part.slice(equals + 1).trim())
    }
  }
  return undefined
}
