import { createHash, createVerify } from 'node:crypto'
import type { Mail } from './mail-text.ts'

/** `pass` and `fail` as in RFC 8601; `no-key` when nobody told us the key of the domain. */
export type DkimResult = { readonly result: 'pass' | 'fail' | 'none' | 'no-key'; readonly domain: string }

/** Checks an rsa-sha256, relaxed/relaxed signature (RFC 6376 §6). `keys`: TXT value by record name. */
export function checkDkim(mail: Mail, keys: Readonly<Record<string, string>>): DkimResult {
  const signature = mail.headers.find((header) => header.name === 'dkim-signature')
  if (!signature) return { result: 'none', domain: '' }
  const tags = new Map(
    signature.value.split(';').flatMap((part) => {
      const at = part.indexOf('=')
      return at < 1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).replace(/\s+/g, '')] as const]
    }),
  )
  const tag = (name: string): string => tags.get(name) ?? ''
  const domain = tag('d')
  const key = /(?:^|;)\s*p=([A-Za-z0-9+/=]+)/.exec(keys[`${tag('s')}._domainkey.${domain}`] ?? '')?.[1]
  if (key === undefined) return { result: 'no-key', domain }
  if (tag('a') !== 'rsa-sha256' || tag('c') !== 'relaxed/relaxed') return { result: 'fail', domain }
  const body = relaxedBody(mail.body)
  const hash = createHash('sha256').update(Buffer.from(body, 'latin1')).digest('base64')
  if (hash !== tag('bh')) return { result: 'fail', domain }
  // Of several headers of one name the last is meant first (§5.4.2).
  const left = mail.headers.filter((header) => header !== signature)
  const signed = tag('h')
    .split(':')
    .flatMap((name) => {
      const at = left.findLastIndex((header) => header.name === name.toLowerCase())
      return at < 0 ? [] : left.splice(at, 1).map((header) => relaxedHeader(header.raw))
    })
  const own = relaxedHeader(signature.raw.replace(/([;:]\s*b=)[^;]*/, '$1'))
  try {
    const holds = createVerify('sha256')
      .update(Buffer.from(`${signed.join('')}${own.slice(0, -2)}`, 'latin1'))
      .verify(`-----BEGIN PUBLIC KEY-----\n${key}\n-----END PUBLIC KEY-----`, tag('b'), 'base64')
    return { result: holds ? 'pass' : 'fail', domain }
  } catch {
    return { result: 'fail', domain }
  }
}

function relaxedHeader(raw: string): string {
  const colon = raw.indexOf(':')
  const value = raw
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .trim()
  return `${raw.slice(0, colon).trim().toLowerCase()}:${value}\r\n`
}

function relaxedBody(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (lines.at(-1) === '') lines.pop()
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`
}
