import { CONTEXT, isCard, isPersonalId, isTaxCode, phoneOf } from './digits.ts'
import type { Finding, Kind } from './kinds.ts'
import { recognise } from './recognise.ts'

/** Units before a number that are looked at for a word that tells what it is. */
const LOOK = 48
/** Findings of one text; more tell nothing new. */
const MOST = 10_000

// A run of 7 to 19 digits with at most one space, dot or hyphen between two; not part of a longer run, a decimal, a hash or a name.
const NUMBER = /(?<![\d\p{L}_]|\d[.,-])\+?\d(?:[ .-]?\d){6,18}(?![\d\p{L}_]|[.,-]\d)/gu
const EMAIL = /[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-])/g
const CODES =
  /(?<![A-Za-z0-9])(?:([A-Z]{2}[1-5]\d{12})|([A-Z]\d{7})|(\d{2}[A-Z]{1,2}\d?-\d{3}(?:\.?\d{2}|\d)))(?![A-Za-z0-9])/g
const DATE =
  /(?<!\d)(?:(0?[1-9]|[12]\d|3[01])[/.-](0?[1-9]|1[0-2])[/.-]((?:19|20)\d\d)|((?:19|20)\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))(?!\d)/g
const MARKS = /\p{M}/gu
const ODD_DIGITS = /[\u200b-\u200d\u2060\ufeff\uff10-\uff19\uff0b\u00a0]/g

/** `year`: this year; no number of a person born later is taken for one. `kinds`: which are wanted, by the rules of `recognise`. */
export type FindOptions = { readonly year: number; readonly kinds?: readonly Kind[] }

/**
 * Personal data in a text, told by form, check digits and the words before it: Vietnamese identifiers as in the tables of `digits.ts`, payment
 * cards, e-mail addresses. In order of place; where two kinds would fit, the surer. Pure; linear in the text. Without `kinds` these are the
 * twelve kinds and the rules by which the gateway has always counted people: its limits were set by them.
 */
export function findPersonalData(text: string, { year, kinds }: FindOptions): Finding[] {
  if (kinds !== undefined) return recognise(text, { year, kinds })
  const plain = text.search(ODD_DIGITS) < 0 ? text : text.replace(ODD_DIGITS, plainSign)
  const out: Finding[] = []
  for (const found of plain.matchAll(NUMBER)) add(out, numberIn(plain, found, year))
  for (const found of plain.includes('@') ? plain.matchAll(EMAIL) : [])
    add(out, { kind: 'email', ...spanOf(found), confidence: 'high', value: found[0].toLowerCase() })
  for (const found of plain.matchAll(CODES)) add(out, codeIn(plain, found))
  for (const found of plain.matchAll(DATE)) add(out, dateIn(plain, found))
  return out.sort((a, b) => a.start - b.start)
}

function add(out: Finding[], finding: Finding | undefined): void {
  if (finding !== undefined && out.length < MOST) out.push(finding)
}

// One unit for one unit, so that places stay: full-width digits, and signs without width that hide a number from a search.
function plainSign(sign: string): string {
  const code = sign.charCodeAt(0)
  if (code >= 0xff10 && code <= 0xff19) return String.fromCharCode(code - 0xff10 + 48)
  return code === 0xff0b ? '+' : code === 0xa0 ? ' ' : '\u00ad'
}

const spanOf = (found: RegExpExecArray): { start: number; end: number } => ({
  start: found.index,
  end: found.index + found[0].length,
})

function contextOf(text: string, at: number): string {
  return text
    .slice(Math.max(0, at - LOOK), at)
    .normalize('NFD')
    .replace(MARKS, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase()
}

function numberIn(text: string, found: RegExpExecArray, year: number): Finding | undefined {
  const digits = found[0].replace(/\D/g, '')
  const plus = found[0].startsWith('+')
  const before = contextOf(text, found.index)
  const says = (kind: Kind): boolean => CONTEXT[kind]!.test(before)
  const as = (kind: Kind, sure: boolean, value = digits): Finding => ({
    kind,
    ...spanOf(found),
    confidence: sure ? 'high' : 'medium',
    value,
  })
  if (!plus && digits.length === 12 && isPersonalId(digits, year)) return as('personal-id', says('personal-id'))
  if (!plus && digits.length >= 13 && isCard(digits)) return as('payment-card', true)
  const grouped = /[ .-]/.test(found[0])
  const phone = phoneOf(digits, plus)
  if (says('bank-account') && !plus && !says('phone') && digits.length >= 8) return as('bank-account', true)
  if (digits.length === 10 && says('tax-code') && isTaxCode(digits)) return as('tax-code', true)
  if (digits.length === 10 && says('social-insurance')) return as('social-insurance', true)
  if (phone !== undefined && (phone.mobile || plus || grouped || says('phone')))
    return as('phone', plus || says('phone'), phone.national)
  if (digits.length === 9 && says('old-id')) return as('old-id', true)
  return undefined
}

function codeIn(text: string, found: RegExpExecArray): Finding | undefined {
  const [, health, passport] = found
  const kind: Kind = health !== undefined ? 'health-insurance' : passport !== undefined ? 'passport' : 'plate'
  const context = CONTEXT[kind]
  if (context !== undefined && !context.test(contextOf(text, found.index))) return undefined
  return { kind, ...spanOf(found), confidence: 'high', value: found[0].replaceAll('.', '') }
}

function dateIn(text: string, found: RegExpExecArray): Finding | undefined {
  if (!CONTEXT['date-of-birth']!.test(contextOf(text, found.index))) return undefined
  const [, day, month, year, isoYear, isoMonth, isoDay] = found
  const pad = (part: string | undefined): string => (part ?? '').padStart(2, '0')
  const value = isoYear === undefined ? `${year}-${pad(month)}-${pad(day)}` : `${isoYear}-${isoMonth}-${isoDay}`
  return { kind: 'date-of-birth', ...spanOf(found), confidence: 'high', value }
}
