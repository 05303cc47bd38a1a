import { readRange } from '../engine/intel/index.ts'

/** A line of a port-block log that can be used. */
export type LogLine =
  | {
      readonly kind: 'block'
      readonly address: string
      readonly from: number
      readonly to: number
      readonly reference: string
      readonly start: number
      readonly end: number | null
      readonly device: string
    }
  | { readonly kind: 'covers' | 'gap'; readonly device: string; readonly from: number; readonly to: number }
export type LineFault = { readonly line: number; readonly field: string; readonly detail: string }
/** What could be read of a refused line: it may have ended or begun a block. Undefined where that could not be read. */
export type Refused = {
  readonly fault: LineFault
  readonly device: string | undefined
  readonly start: number | undefined
  readonly end: number | undefined
}

export const LOG_HEAD = 'address,port_from,port_to,subscriber,start,end,device'
const FIELDS = LOG_HEAD.split(',')
const LONGEST_LINE = 500
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const DEVICE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/
/** With `Z` or an offset: a log in local time would point at another subscriber. */
const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})$/

/**
 * Reads a port-block log line by line: the head first; then a block a line, or, with `gap` or `covers` for an address, a
 * span in which the log of a device lost lines or is known to be whole. Yields a line, or what is wrong with it (the fault
 * never has its values). Quotation marks are taken around a value.
 */
export function* readPortLog(bytes: Uint8Array): Generator<LogLine | Refused> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 0
  let hasHead = false
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(10, at)
    const end = newline < 0 ? bytes.length : newline
    const raw = bytes.subarray(at, end)
    at = end + 1
    line++
    if (raw.length > LONGEST_LINE) {
      yield unread(line, 'line', `longer than ${LONGEST_LINE} bytes`)
      if (!hasHead) return
      continue
    }
    let text: string
    try {
      text = decoder.decode(raw).trim()
    } catch {
      yield unread(line, 'line', 'not UTF-8')
      if (!hasHead) return
      continue
    }
    if (text === '') continue
    if (!hasHead) {
      if (text.toLowerCase() !== LOG_HEAD) {
        yield unread(line, 'head', `expected ${LOG_HEAD}`)
        return
      }
      hasHead = true
      continue
    }
    const values = text.split(',').map((value) => value.trim().replace(/^"(.*)"$/, '$1'))
    const read = readLine(values)
    if ('kind' in read) yield read
    else yield { ...unread(line, read.field, read.detail), ...readable(values) }
  }
}

type Fault = Omit<LineFault, 'line'>
const fault = (field: string, detail: string): Fault => ({ field, detail })

const unread = (line: number, field: string, detail: string): Refused => ({
  fault: { line, field, detail },
  device: undefined,
  start: undefined,
  end: undefined,
})
function readable(values: readonly string[]): Omit<Refused, 'fault'> {
  const isWhole = values.length === FIELDS.length
  const [, , , , start = '', end = '', device = ''] = isWhole ? values : []
  return { device: DEVICE.test(device) ? device : undefined, start: instant(start), end: instant(end) }
}

function readLine(values: readonly string[]): LogLine | Fault {
  if (values.length !== FIELDS.length) return fault('line', `expected ${FIELDS.length} values`)
  const [address, portFrom, portTo, reference, startText, endText, device] = values as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  if (!DEVICE.test(device)) return fault('device', 'expected letters, digits, dot, dash, colon')
  const start = instant(startText)
  if (start === undefined) return fault('start', 'expected a time with its zone, such as 2026-11-22T03:00:00Z')
  const end = endText === '' ? null : instant(endText)
  if (end === undefined) return fault('end', 'expected a time with its zone, or nothing')
  if (end !== null && end <= start) return fault('end', 'not after the start')
  if (address === 'gap' || address === 'covers')
    return end === null
      ? fault('end', 'a gap and a covered span have an end')
      : { kind: address, device, from: start, to: end }
  if (readRange(address) === undefined || (address.includes('/') && !address.includes(':')))
    return fault('address', 'expected an IPv4 or IPv6 address, or an IPv6 prefix')
  const from = port(portFrom)
  if (from === undefined) return fault('port_from', 'expected 0 to 65535')
  const to = port(portTo)
  if (to === undefined) return fault('port_to', 'expected 0 to 65535')
  if (to < from) return fault('port_to', 'lower than port_from')
  if (!REFERENCE.test(reference)) return fault('subscriber', 'expected letters, digits, dot, dash')
  return { kind: 'block', address: address.toLowerCase(), from, to, reference, start, end, device }
}

function instant(text: string): number | undefined {
  const at = INSTANT.test(text) ? Date.parse(text.replace(' ', 'T')) : NaN
  return Number.isNaN(at) || at < 0 ? undefined : at
}
const port = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
