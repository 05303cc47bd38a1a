import { isIpv4, isWithin, maskWords, readAddress, readIpv4, readRange, type Words } from './address.ts'
import {
  deviceLogs,
  judge,
  NO_RECORD,
  NOT_OURS,
  type Attributor,
  type Held,
  type LogSpan,
  type PortBlock,
} from './attribution.ts'

/** In a column of numbers: an allocation that was still running. */
const OPEN = Infinity
const FIRST_ROOM = 1_024
/** Rows of one step of a build: a millisecond or two. */
const A_STEP = 4_096

/**
 * Port blocks in columns: add lines as they come, build when a log is whole. A look-up takes the address (of IPv6 each
 * prefix length in use), its blocks by first port, and in each block its lines by start; both walks stop early at the
 * highest end seen so far. bench/matcher.ts.
 */
export function attributionTable(own: readonly string[]) {
  const ours = own.map(readRange).filter((range) => range !== undefined)
  const ours4 = ours
    .filter(({ words, bits }) => bits >= 96 && isIpv4(words))
    .map(({ words, bits }) => ({ first: words[3], last: words[3] + 2 ** (128 - bits) - 1 }))
  /** Place by `bits words`. */
  const places = new Map<string | number, number>()
  const lengths = new Set<number>()
  let size = 0
  let place = new Uint32Array(FIRST_ROOM)
  let from = new Uint16Array(FIRST_ROOM)
  let to = new Uint16Array(FIRST_ROOM)
  let subscriber = new Uint32Array(FIRST_ROOM)
  let device = new Uint32Array(FIRST_ROOM)
  let start = new Float64Array(FIRST_ROOM)
  let end = new Float64Array(FIRST_ROOM)

  function grow(): void {
    const room = place.length * 2
    const wider = <T extends Uint16Array | Uint32Array | Float64Array>(old: T, made: T): T => {
      made.set(old)
      return made
    }
    place = wider(place, new Uint32Array(room))
    from = wider(from, new Uint16Array(room))
    to = wider(to, new Uint16Array(room))
    subscriber = wider(subscriber, new Uint32Array(room))
    device = wider(device, new Uint32Array(room))
    start = wider(start, new Float64Array(room))
    end = wider(end, new Float64Array(room))
  }

  function add(block: PortBlock): void {
    const range = readRange(block.address)
    if (range === undefined) return
    if (size === place.length) grow()
    const key = keyOf(range.words, range.bits)
    let here = places.get(key)
    if (here === undefined) {
      here = places.size
      places.set(key, here)
      lengths.add(range.bits)
    }
    place[size] = here
    from[size] = block.from
    to[size] = block.to
    subscriber[size] = block.subscriber
    device[size] = block.device
    start[size] = block.start
    end[size] = block.end ?? OPEN
    size++
  }

  function build(spans: readonly LogSpan[]): Attributor {
    const steps = buildInSteps(spans)
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
    }
  }

  /** The same in short steps, between which the caller may do something else; lines added meanwhile are not in it. */
  function* buildInSteps(spans: readonly LogSpan[]): Generator<undefined, Attributor> {
    const count = size
    const logs = deviceLogs(spans)
    const bits = [...lengths]
    const same = (x: number, y: number): number => place[x]! - place[y]! || from[x]! - from[y]! || to[x]! - to[y]!
    const order = yield* sorted(
      count,
      (x, y) =>
        same(x, y) ||
        start[x]! - start[y]! ||
        subscriber[x]! - subscriber[y]! ||
        device[x]! - device[y]! ||
        // Both open is no number.
        (end[x] === end[y] ? 0 : end[x]! - end[y]!),
    )
    const isReplaced = (at: number): boolean => {
      // The same allocation, told again with its end: sorted beside it, before it.
      const [row, before] = [order[at]!, order[at - 1]]
      return (
        before !== undefined &&
        end[row] === OPEN &&
        same(row, before) === 0 &&
        start[row] === start[before] &&
        subscriber[row] === subscriber[before] &&
        device[row] === device[before] &&
        end[before] !== OPEN
      )
    }
    let kept = 0
    const rows = new Uint32Array(count)
    let last = -1
    for (let at = 0; at < count; at++) {
      if (at % A_STEP === A_STEP - 1) yield
      // After an open line that was replaced another copy of it may follow.
      if (isReplaced(at) || (last >= 0 && twin(order[at]!, last))) continue
      last = order[at]!
      rows[kept++] = last
    }
    function twin(x: number, y: number): boolean {
      return (
        end[x] === OPEN &&
        same(x, y) === 0 &&
        start[x] === start[y] &&
        subscriber[x] === subscriber[y] &&
        device[x] === device[y]
      )
    }
    /** First row of each block (place, first and last port), and the highest end among the block's rows so far. */
    const blockAt: number[] = []
    const placeAt = new Uint32Array(places.size + 1).fill(0xffffffff)
    const highestEnd = new Float64Array(kept)
    const highestPort: number[] = []
    const devicesOf: number[][] = []
    for (let at = 0; at < kept; at++) {
      if (at % A_STEP === A_STEP - 1) yield
      const row = rows[at]!
      const before = at === 0 ? -1 : rows[at - 1]!
      const isNew = before < 0 || same(row, before) !== 0
      const isNewPlace = before < 0 || place[row] !== place[before]
      if (isNewPlace) placeAt[place[row]!] = blockAt.length
      if (isNew) {
        highestPort.push(isNewPlace ? to[row]! : Math.max(highestPort.at(-1)!, to[row]!))
        blockAt.push(at)
      }
      highestEnd[at] = isNew ? end[row]! : Math.max(highestEnd[at - 1]!, end[row]!)
      const known = (devicesOf[place[row]!] ??= [])
      if (!known.includes(device[row]!)) known.push(device[row]!)
    }
    const blocks = Uint32Array.from(blockAt)
    const reach = Uint16Array.from(highestPort)

    /** Rows of the place that hold the port and touch the window. */
    function collect(where: number, port: number | null, since: number, until: number, held: Held[]): void {
      const first = placeAt[where]!
      let low = first
      let high = blocks.length
      // Blocks of this place that begin at or below the port.
      while (low < high) {
        const middle = (low + high) >>> 1
        const row = rows[blocks[middle]!]!
        if (place[row] === where && (port === null || from[row]! <= port)) low = middle + 1
        else high = middle
      }
      for (let block = low - 1; block >= first; block--) {
        if (port !== null && reach[block]! < port) break
        const begin = blocks[block]!
        if (port !== null && to[rows[begin]!]! < port) continue
        let [a, b] = [begin, block + 1 < blocks.length ? blocks[block + 1]! : kept]
        while (a < b) {
          const middle = (a + b) >>> 1
          if (start[rows[middle]!]! <= until) a = middle + 1
          else b = middle
        }
        for (let at = a - 1; at >= begin && highestEnd[at]! > since; at--) {
          const row = rows[at]!
          held.push({ subscriber: subscriber[row]!, start: start[row]!, end: end[row]!, device: device[row]! })
        }
      }
    }

    return {
      size: kept,
      attribute(address, port, at, skew) {
        const v4 = readIpv4(address)
        // bench/matcher.ts: nearly all are plain IPv4 under their own key, without a list made on the way.
        if (v4 >= 0 && !ours4.some(({ first, last }) => first <= v4 && v4 <= last)) return NOT_OURS
        const held: Held[] = []
        if (v4 >= 0 && bits.every((length) => length === 128 || length < 96)) {
          const where = places.get(v4 | 0)
          // Of an address that was added after this was built.
          if (where === undefined || devicesOf[where] === undefined) return NO_RECORD
          collect(where, port, at - skew, at + skew, held)
          return judge(held, devicesOf[where], logs, { at, skew, port })
        }
        const words = readAddress(address)
        if (words === undefined || !ours.some((range) => isWithin(words, range))) return NOT_OURS
        const devices = new Set<number>()
        const isV4 = isIpv4(words)
        for (const length of bits) {
          if (isV4 && length < 96) continue
          const where = places.get(keyOf(length === 128 ? words : maskWords(words, length), length))
          if (where === undefined || devicesOf[where] === undefined) continue
          for (const one of devicesOf[where]) devices.add(one)
          collect(where, port, at - skew, at + skew, held)
        }
        return judge(held, devices, logs, { at, skew, port })
      },
    }
  }

  return {
    /** Lines held, also those another replaces. */
    get size() {
      return size
    },
    add,
    build,
    buildInSteps,
  }
}

/** The numbers below `count` in order: runs sorted by themselves, then merged two by two, yielding on the way. */
function* sorted(count: number, compare: (x: number, y: number) => number): Generator<undefined, Uint32Array> {
  let order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  let next = new Uint32Array(count)
  for (let at = 0; at < count; at += A_STEP) {
    order.subarray(at, at + A_STEP).sort(compare)
    yield
  }
  let done = 0
  for (let run = A_STEP; run < count; run *= 2) {
    for (let begin = 0; begin < count; begin += 2 * run) {
      const middle = Math.min(begin + run, count)
      const end = Math.min(begin + 2 * run, count)
      for (let left = begin, right = middle, at = begin; at < end; at++) {
        const takesLeft = left < middle && (right >= end || compare(order[left]!, order[right]!) <= 0)
        next[at] = order[takesLeft ? left++ : right++]!
        if (++done % A_STEP === 0) yield
      }
    }
    ;[order, next] = [next, order]
  }
  return order
}

/** A whole IPv4 address, which nearly all are, is its own key. */
const keyOf = (words: Words, bits: number): string | number =>
  bits === 128 && isIpv4(words) ? words[3] | 0 : `${bits} ${words[0]} ${words[1]} ${words[2]} ${words[3]}`
