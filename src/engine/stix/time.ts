/** Time stamps of STIX: RFC 3339, UTC, `Z`, any number of fractional digits (STIX 2.1 §2.16). */
const FORM = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?Z$/
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

export type Instant = {
  /** Microseconds since 1970, exact to year 2255; further digits are dropped. */
  readonly micros: number
  /** Sorts as time does and tells every digit apart: no trailing zeros, no `Z`. */
  readonly text: string
  readonly digits: number
}

/** The instant, or undefined when the form or a field is wrong. 30 February is only refused by `strict`. */
export function readInstant(text: string, strict = false): Instant | undefined {
  const match = text.length <= 64 ? FORM.exec(text) : null
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const fraction = match[7] ?? ''
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined
  if (strict && day > daysOf(year, month)) return undefined
  const date = new Date(0)
  // Date.UTC reads years below 100 as 19xx.
  date.setUTCFullYear(year, month - 1, day)
  const millis = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000
  const kept = trimZeros(fraction)
  return {
    micros: millis * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0')),
    text: text.slice(0, 19) + (kept === '' ? '' : `.${kept}`),
    digits: fraction.length,
  }
}

function daysOf(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return month === 2 && leap ? 29 : DAYS[month - 1]!
}

function trimZeros(fraction: string): string {
  let end = fraction.length
  while (end > 0 && fraction[end - 1] === '0') end--
  return fraction.slice(0, end)
}
