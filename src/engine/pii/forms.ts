import { wordBefore } from './context.ts'
import type { Confidence, Finding, Kind } from './kinds.ts'
import { type Reading, spanOf } from './reading.ts'
import { setOf } from './words.ts'

// Every pattern here is bounded and has one way to match a text, so the time is linear.
const CODE =
  /(?<![A-Za-z0-9])(?:([A-Za-z]{2})[ -]?[1-5](?:[ -]?\d){12}|([A-Za-z])\d{7,8}|(\d{2})[ -]?([A-Za-z]{1,2}\d?)([ .-]{0,2})(?:\d{3}\.?\d{2}|\d{4}))(?![A-Za-z0-9]|[.-]\d)/g
const DATE =
  /(?<!\d|\d[/.-])(?:(0?[1-9]|[12]\d|3[01]) ?[/.-] ?(0?[1-9]|1[0-2]) ?[/.-] ?((?:19|20)\d\d)|((?:19|20)\d\d)[/.-](0[1-9]|1[0-2])[/.-](0[1-9]|[12]\d|3[01])|(0?[1-9]|[12]\d|3[01]) thang (0?[1-9]|1[0-2]),? nam ((?:19|20)\d\d)|((?:19|20)\d\d))(?!\d|[/.-]\d)/gi
const IPV4 = /(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)/g
const COLONS = /(?<![\w:.-])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]|-[\w])/g
const MAC = /^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$/
const MAC_HYPHENS = /(?<![\w-])(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}(?![\w-])/g
const UUID = /(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])/gi
const DOMAIN = /(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-])/y
const LOCAL = /[A-Za-z0-9][A-Za-z0-9._%+-]*$/
/** `icon@2x.png` is a file. */
const FILE = /\.(?:png|jpe?g|gif|svg|webp|css|js|mjs|ts|json|html?|pdf|zip|gz)$/i
const LONGEST_LOCAL = 64
/** Letters of the old health-insurance card that stand without a word beside it (Decision 1351/QĐ-BHXH). */
const INSURED = new Set(
  'DN HX CH NN TK HC XK HT TB NO CT XB TN CS QN CA CY XN MS CC CK CB KC HD TE BT HN DT DK XD TS TC TQ TA TY HG LS PV HS SV GB GD ND TV TD XV TL AK CN'.split(
    ' ',
  ),
)
const SAYS_CODE = setOf('passport', 'plate', 'health-insurance', 'other-number', 'device-id')
const SAYS_DATE = setOf('date-of-birth', 'other-date')
const SAYS_IP = setOf('ip-address', 'version')

const SET = {
  passport: setOf('passport'),
  plate: setOf('plate'),
  'health-insurance': setOf('health-insurance'),
  'other-number': setOf('other-number'),
  'device-id': setOf('device-id'),
  'date-of-birth': setOf('date-of-birth'),
  'ip-address': setOf('ip-address'),
}

type Told = { readonly kind: Kind; readonly confidence: Confidence; readonly value: string }

function each(reading: Reading, pattern: RegExp, tell: (found: RegExpExecArray) => Told | undefined): Finding[] {
  const out: Finding[] = []
  pattern.lastIndex = 0
  for (let found = pattern.exec(reading.text); found !== null; found = pattern.exec(reading.text)) {
    const told = tell(found)
    if (told !== undefined) out.push({ ...told, ...spanOf(reading, found.index, found.index + found[0].length) })
  }
  return out
}

/** E-mail addresses: at each @ the longest name before it and the domain after it. */
export function emailsIn(reading: Reading): Finding[] {
  const { text } = reading
  const out: Finding[] = []
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const local = LOCAL.exec(localBefore(text, at))?.[0]
    DOMAIN.lastIndex = at + 1
    const domain = local === undefined ? undefined : DOMAIN.exec(text)?.[0]
    if (domain === undefined || FILE.test(domain)) continue
    const value = `${local}@${domain}`.toLowerCase()
    out.push({
      kind: 'email',
      confidence: 'high',
      value,
      ...spanOf(reading, at - local!.length, at + 1 + domain.length),
    })
  }
  return out
}

// Cut by hand before the pattern looks: from each place of a long name it would look to its end.
function localBefore(text: string, at: number): string {
  let from = at
  while (from > 0 && at - from < LONGEST_LOCAL && /[A-Za-z0-9._%+-]/.test(text[from - 1]!)) from--
  while (from < at && !/[A-Za-z0-9]/.test(text[from]!)) from++
  return text.slice(from, at)
}

/** Passports, number plates, cards of health insurance. */
export function codesIn(reading: Reading): Finding[] {
  return each(reading, CODE, (found) => {
    const [all, insured, passport, province, series, joint] = found
    const says = wordBefore(reading, found.index, SAYS_CODE)?.set ?? 0
    const capitals = all === all.toUpperCase()
    if (insured !== undefined) {
      if ((says & SET['other-number']) !== 0) return undefined
      const said = (says & SET['health-insurance']) !== 0
      if (!said && !(capitals && INSURED.has(insured) && !/[ -]/.test(all))) return undefined
      return {
        kind: 'health-insurance',
        confidence: said ? 'high' : 'medium',
        value: all.replace(/[ -]/g, '').toUpperCase(),
      }
    }
    if (passport !== undefined) {
      if ((says & SET.passport) === 0) return undefined
      return { kind: 'passport', confidence: all.length === 8 ? 'high' : 'low', value: all.toUpperCase() }
    }
    if (Number(province) < 11 || (says & SET['other-number']) !== 0) return undefined
    const said = (says & SET.plate) !== 0
    if (!said && !(capitals && joint === '-' && /^[A-Z]{1,2}\d?$/.test(series!) && !/^\d\d[ -]/.test(all)))
      return undefined
    const confidence = said ? (joint === '-' ? 'high' : 'medium') : 'medium'
    return {
      kind: 'plate',
      confidence,
      value: `${province}${series}-${all.slice(all.length - tailOf(all)).replace('.', '')}`.toUpperCase(),
    }
  })
}
const tailOf = (plate: string): number => /(?:\d{3}\.\d{2}|\d{4,5})$/.exec(plate)![0].length

/** Days and years after a word for birth. */
export function birthsIn(reading: Reading): Finding[] {
  return each(reading, DATE, (found) => {
    const word = wordBefore(reading, found.index, SAYS_DATE)
    if (word === undefined || (word.set & SET['date-of-birth']) === 0) return undefined
    const [, day, month, year, isoYear, isoMonth, isoDay, wordDay, wordMonth, wordYear, bare] = found
    if (bare !== undefined) {
      // A year alone follows its word at once.
      const between = reading.text.slice(word.until, found.index)
      return /^[ :."'=]{0,4}(?:nam )?$/i.test(between)
        ? { kind: 'date-of-birth', confidence: 'high', value: bare }
        : undefined
    }
    const parts = [year ?? isoYear ?? wordYear, month ?? isoMonth ?? wordMonth, day ?? isoDay ?? wordDay].map((part) =>
      part!.padStart(2, '0'),
    )
    if (Number(parts[2]) > daysOf(Number(parts[0]), Number(parts[1]))) return undefined
    return { kind: 'date-of-birth', confidence: 'high', value: parts.join('-') }
  })
}
const daysOf = (year: number, month: number): number =>
  month === 2
    ? year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      ? 29
      : 28
    : [4, 6, 9, 11].includes(month)
      ? 30
      : 31

/** IPv4 addresses (RFC 791), not the numbers of a version. */
export function ipv4In(reading: Reading): Finding[] {
  return each(reading, IPV4, (found) => {
    const [all] = found
    const parts = all.split('.')
    if (parts.some((part) => Number(part) > 255 || (part.length > 1 && part[0] === '0'))) return undefined
    const says = wordBefore(reading, found.index, SAYS_IP)
    const said = says !== undefined && (says.set & SET['ip-address']) !== 0
    if (!said && (parts[0] === '0' || (says !== undefined && found.index - says.until <= 12))) return undefined
    // Chapters and releases have small numbers; of all addresses one in 250 has no part from 64.
    const confidence = said ? 'high' : parts.some((part) => Number(part) >= 64) ? 'medium' : 'low'
    return { kind: 'ip-address', confidence, value: all }
  })
}

/** IPv6 addresses (RFC 4291) and addresses of network cards. */
export function colonsIn(reading: Reading): Finding[] {
  return each(reading, COLONS, (found) => {
    const [all] = found
    if (MAC.test(all)) return { kind: 'device-id', confidence: 'high', value: all.toLowerCase() }
    const parts = all.split(':')
    const short = all.includes('::')
    if (short ? all.indexOf('::') !== all.lastIndexOf('::') : parts.length !== 8) return undefined
    // a::b is an operator of some languages; an address has a long part and a digit.
    const filled = parts.filter((part) => part !== '')
    if (
      all.includes(':::') ||
      filled.length < (short ? 2 : 8) ||
      !/\d/.test(all) ||
      !filled.some((part) => part.length >= 3)
    )
      return undefined
    return { kind: 'ip-address', confidence: 'high', value: all.toLowerCase() }
  })
}

/** Names of devices: a MAC with hyphens; a UUID after a word for one. */
export function devicesIn(reading: Reading): Finding[] {
  const said = (at: number): boolean => ((wordBefore(reading, at, SAYS_CODE)?.set ?? 0) & SET['device-id']) !== 0
  return [
    ...each(reading, MAC_HYPHENS, ({ 0: all }) => ({
      kind: 'device-id',
      confidence: 'high',
      value: all.replaceAll('-', ':').toLowerCase(),
    })),
    ...each(reading, UUID, ({ 0: all, index }) =>
      said(index) ? { kind: 'device-id', confidence: 'high', value: all.toLowerCase() } : undefined,
    ),
  ]
}
