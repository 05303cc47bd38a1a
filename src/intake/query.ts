import { badRequest } from '../kit/errors.ts'
import {
  FIELDS,
  fieldOf,
  networkRange,
  type FieldName,
  type Term,
  type Test,
  type Where,
} from '../storage/events/index.ts'
import { ACCOUNT_TOKEN } from './account-token.ts'
import { canonicalAddress } from './contract.ts'

const LONGEST = 2_000
const MOST_TERMS = 30
const AT = 'query.q'
const wrong = (detail: string) => badRequest('intake/query', detail, AT)

/**
 * A search in words → its terms: `kind:gateway.refused -status:403 clientAddress:198.18.0.0/15 path:*login* ms:>=250`.
 * Terms stand between blanks and must all hold; `-` excludes; `"…"` takes blanks and a literal `*`; `field:*` asks whether
 * the field is there. Errors, naming what is wrong: `intake/query`, `intake/unknown-field` (with the nearest name).
 */
export function parseQuery(text: string): Where {
  if (text.length > LONGEST) throw wrong(`A search has at most ${LONGEST} signs.`)
  const terms: Term[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at++
      continue
    }
    const { raw, quoted, name, not, end } = termAt(text, at)
    if (terms.length === MOST_TERMS) throw wrong(`A search has at most ${MOST_TERMS} terms.`)
    const field = fieldNamed(name)
    terms.push({ field, not, test: testOf(field, raw, quoted) })
    at = end
  }
  return terms
}

function termAt(text: string, at: number): { name: string; not: boolean; raw: string; quoted: boolean; end: number } {
  const not = text[at] === '-'
  const start = not ? at + 1 : at
  const name = /^[A-Za-z]{1,40}/.exec(text.slice(start, start + 41))?.[0] ?? ''
  const colon = start + name.length
  if (name === '' || text[colon] !== ':')
    throw wrong(`Expected field:value at sign ${start + 1}, such as kind:gateway.refused or path:*login*.`)
  let end = colon + 1
  if (text[end] !== '"') {
    while (end < text.length && !/\s/.test(text[end]!)) end++
    return { name, not, raw: text.slice(colon + 1, end), quoted: false, end }
  }
  let raw = ''
  for (end++; end < text.length && text[end] !== '"'; end++) {
    if (text[end] === '\\' && end + 1 < text.length) end++
    raw += text[end]
  }
  if (end >= text.length) throw wrong(`The quotation mark at sign ${colon + 2} is not closed.`)
  if (end + 1 < text.length && !/\s/.test(text[end + 1]!))
    throw wrong(`Expected a blank after the quotation mark at sign ${end + 1}.`)
  return { name, not, raw, quoted: true, end: end + 1 }
}

/** Errors: `intake/unknown-field`, naming the nearest. */
export function fieldNamed(name: string, at: string = AT): FieldName {
  if (Object.hasOwn(FIELDS, name)) return name as FieldName
  const near = (Object.keys(FIELDS) as FieldName[])
    .map((field) => ({ field, far: distance(name.toLowerCase(), field.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0]!.field
  const hint = /^(?:time|received|from|to)$/i.test(name) ? 'Time is chosen by from and to.' : `Did you mean ${near}?`
  throw badRequest('intake/unknown-field', `There is no field ${name}. ${hint}`, at)
}

function testOf(field: FieldName, raw: string, quoted: boolean): Test {
  const { type } = fieldOf(field)
  if (!quoted) {
    if (raw === '') throw wrong(`${field}: expected a value; ${field}:"" finds the empty text.`)
    if (raw === '*') return { is: 'present' }
    const bound = /^(>=|<=)(.*)$/s.exec(raw)
    if (bound) {
      if (!['u16', 'u32', 'u64', 'f64', 'numbers'].includes(type))
        throw wrong(`${field} holds no number; >= and <= need one.`)
      return { is: bound[1] === '>=' ? 'least' : 'most', value: numberOf(field, bound[2]!) }
    }
  }
  switch (type) {
    case 'address':
    case 'addresses':
      return addressTest(field, raw)
    case 'u16':
    case 'u32':
    case 'u64':
    case 'f64':
    case 'numbers':
      return { is: 'equal', value: String(numberOf(field, raw)) }
    default:
      if (!quoted && raw.includes('*')) return { is: 'like', pattern: raw }
      if (field === 'account' && !ACCOUNT_TOKEN.test(raw))
        throw wrong('account: expected its token, such as acc_7Q4K2MXB9D0RHT5W.')
      // Names of hosts are kept in lower case.
      return {
        is: 'equal',
        value: field === 'host' || field === 'query' || field === 'callbackHost' ? raw.toLowerCase() : raw,
      }
  }
}

function addressTest(field: FieldName, raw: string): Test {
  const [address, bits] = raw.split('/', 2) as [string, string | undefined]
  const known = canonicalAddress(address)
  if (bits === undefined && known !== undefined) return { is: 'equal', value: known }
  if (bits !== undefined && known !== undefined && networkRange(raw)) return { is: 'network', network: raw }
  throw wrong(`${field}: expected an address or a network such as 198.18.0.0/15.`)
}

function numberOf(field: FieldName, text: string): number {
  if (!/^\d{1,15}(?:\.\d{1,6})?$/.test(text)) throw wrong(`${field}: expected a number, or >= or <= and a number.`)
  return Number(text)
}

/** Edits between two short words (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row.at(-1)!
}
