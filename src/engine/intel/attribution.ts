import { isWithin, readAddress, readRange, type AddressRange, type Words } from './address.ts'

/** One line of a port-block log: who held these ports of this address, and for how long. Milliseconds, UTC. */
export type PortBlock = {
  /** `198.18.4.7`; of IPv6 also the prefix a subscriber was given, `2001:db8:1:2::/64`. */
  readonly address: string
  readonly from: number
  readonly to: number
  readonly subscriber: number
  readonly start: number
  /** Excluded. Null: still running when the log was written. */
  readonly end: number | null
  readonly device: number
}
/**
 * What is known of a device's log: `covers`, it is whole from here to there; `gap`, lines of this time are lost; `seen`, its
 * lines reach from here to there and nobody says whether any is missing.
 */
export type LogSpan = {
  readonly device: number
  readonly kind: 'covers' | 'gap' | 'seen'
  readonly from: number
  readonly to: number
}

export type Attributed = {
  readonly result: 'attributed' | 'ambiguous' | 'not-attributable' | 'outside'
  /** Only when attributed; else -1. */
  readonly subscriber: number
  /** How many subscribers the logs allow. */
  readonly candidates: number
  readonly why: 'no-port' | 'log-gap' | 'overlap' | 'clock' | 'no-record' | 'not-ours' | null
}
export type Attributor = {
  readonly size: number
  /** `at` in milliseconds; `skew`: how far the clocks of the event and of the log may differ, either way. */
  attribute(address: string, port: number | null, at: number, skew: number): Attributed
}

const no = (result: Attributed['result'], why: Attributed['why'], candidates = 0): Attributed =>
  Object.freeze({ result, subscriber: -1, candidates, why })
export const NOT_OURS = no('outside', 'not-ours')
export const NO_RECORD = no('not-attributable', 'no-record')
export const LOG_GAP = no('not-attributable', 'log-gap')

/**
 * Whether the log of a device can be relied on: its gaps, those stated and those between spans it covers; the holes between
 * what is known of it, in which nothing was seen and an end may have been missed; and until when it is known. An allocation without an end holds until then and no longer: what came after, nobody has told us.
 */
export type DeviceLog = {
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  readonly holes: readonly { readonly from: number; readonly to: number }[]
  readonly until: number
}

export function deviceLogs(spans: readonly LogSpan[]): Map<number, DeviceLog> {
  const logs = new Map<number, DeviceLog>()
  for (const [device, own] of Map.groupBy(spans, (span) => span.device)) {
    const gaps = own.filter((span) => span.kind === 'gap').map(({ from, to }) => ({ from, to }))
    for (const hole of between(own.filter((span) => span.kind === 'covers'))) gaps.push(hole)
    const known = own.filter((span) => span.kind !== 'gap')
    const until = known.reduce((last, span) => Math.max(last, span.to), 0)
    logs.set(device, { gaps: gaps.toSorted((a, b) => a.from - b.from), holes: between(known), until })
  }
  return logs
}

/** What lies between spans, from the first to the last. */
function between(spans: readonly LogSpan[]): { from: number; to: number }[] {
  const holes: { from: number; to: number }[] = []
  let reached = Infinity
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    if (from > reached) holes.push({ from: reached, to: from })
    reached = reached === Infinity ? to : Math.max(reached, to)
  }
  return holes
}

/** A block as the rules below see it, whichever table found it. */
export type Held = {
  readonly subscriber: number
  readonly start: number
  /** Infinity while open. */
  readonly end: number
  readonly device: number
}

/**
 * The rules, over all blocks of the address that hold the port (any port, when none is known) and touch the window. Never
 * a guess: one subscriber in the whole window and at the instant itself, and no hole in the log, or nobody.
 */
export function judge(
  held: readonly Held[],
  devices: Iterable<number>,
  logs: ReadonlyMap<number, DeviceLog>,
  asked: { at: number; skew: number; port: number | null },
): Attributed {
  const { at, skew, port } = asked
  for (const device of devices)
    for (const gap of logs.get(device)?.gaps ?? []) if (gap.from <= at + skew && gap.to > at - skew) return LOG_GAP
  const near: number[] = []
  const exact: number[] = []
  let lost = false
  for (const { subscriber, start, end, device } of held) {
    const log = logs.get(device)
    const known = end === Infinity ? (log?.until ?? start) + 1 : end
    if (start > at + skew || known <= at - skew) continue
    // The line that ended it may be among the lost ones.
    const isBetween = (span: { readonly from: number; readonly to: number }): boolean =>
      span.to > start && span.from < at
    if (end === Infinity && (log?.gaps.some(isBetween) || log?.holes.some(isBetween))) {
      lost = true
      continue
    }
    if (!near.includes(subscriber)) near.push(subscriber)
    if (start <= at && at < known && !exact.includes(subscriber)) exact.push(subscriber)
  }
  if (near.length > 1) {
    if (port === null) return no('not-attributable', 'no-port', near.length)
    return no('ambiguous', exact.length > 1 ? 'overlap' : 'clock', near.length)
  }
  if (lost) return LOG_GAP
  const [only] = exact
  return only === undefined ? NO_RECORD : { result: 'attributed', subscriber: only, candidates: 1, why: null }
}

/** Looks through a list: obviously right, and the measure of the fast one. */
export function plainAttribution(
  blocks: readonly PortBlock[],
  spans: readonly LogSpan[],
  own: readonly string[],
): Attributor {
  const ours = own.map(readRange).filter((range) => range !== undefined)
  const logs = deviceLogs(spans)
  const rows = withoutReplaced(blocks).flatMap((block) => {
    const range = readRange(block.address)
    return range === undefined ? [] : [{ ...block, range }]
  })
  const holds = (range: AddressRange, words: Words): boolean => isWithin(words, range)
  return {
    size: rows.length,
    attribute(address, port, at, skew) {
      const words = readAddress(address)
      if (words === undefined || !ours.some((range) => isWithin(words, range))) return NOT_OURS
      const here = rows.filter((row) => holds(row.range, words))
      const held = here
        .filter((row) => port === null || (row.from <= port && port <= row.to))
        .map((row) => ({ ...row, end: row.end ?? Infinity }))
      return judge(held, new Set(here.map((row) => row.device)), logs, { at, skew, port })
    },
  }
}

/** The same allocation told twice, first as running and later with its end: the later line replaces the earlier. */
function withoutReplaced(blocks: readonly PortBlock[]): PortBlock[] {
  const keyOf = (b: PortBlock): string => `${b.address} ${b.from} ${b.to} ${b.subscriber} ${b.start} ${b.device}`
  const ended = new Set(blocks.filter((block) => block.end !== null).map(keyOf))
  return blocks.filter((block) => block.end !== null || !ended.has(keyOf(block)))
}
