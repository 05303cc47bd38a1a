import { execFileSync } from 'node:child_process'
import {
  attributionTable,
  fastMatcher,
  plainMatcher,
  type Matcher,
  type PortBlock,
  type Wanted,
} from '../src/engine/intel/index.ts'

// One core: 1 M listed names against 1 M DNS names, 1 M
// listed addresses and /24 against 1 M addresses; with JSON.parse of the line; the table of port blocks. The rival is a Map in JavaScript in the same run.
// Prints name, value, unit, goal, met | short | -.

const MILLION = 1_000_000
const ROUNDS = 3
const say = (
  name: string,
  value: number | string,
  unit: string,
  goal?: number,
  better: 'more' | 'less' = 'more',
): void => {
  const verdict =
    goal === undefined || typeof value === 'string'
      ? '-'
      : (better === 'more' ? value >= goal : value <= goal)
        ? 'met'
        : 'short'
  const shown = typeof value === 'number' ? value.toFixed(value < 100 ? 2 : 0) : value
  console.log([name, shown, unit, goal ?? '-', verdict].join('\t'))
}
/** Numbers below `limit`, the same sequence every run (mulberry32). */
function sequence(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }
}
const next = sequence(20_261_122)
const SIGNS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const word = (least: number, most: number): string => {
  let text = ''
  for (let n = least + next(most - least + 1); n > 0; n--) text += SIGNS[next(36)]
  // A rope is flattened here and not in the first round that is measured.
  return Buffer.from(text, 'latin1').toString('latin1')
}
const TOPS = ['com', 'vn', 'com.vn', 'net', 'org', 'xyz', 'io', 'info', 'ru', 'cn']
const domain = (): string => `${word(5, 14)}.${TOPS[next(TOPS.length)]}`
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')
const v4 = (): string => flat(`${1 + next(223)}.${next(256)}.${next(256)}.${next(256)}`)

/** Best of the rounds, in millions a second. */
function rate(work: () => number): { perSecond: number; found: number } {
  let best = 0
  let found = 0
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    found = work()
    best = Math.max(best, MILLION / (performance.now() - began) / 1_000)
  }
  return { perSecond: best, found }
}
const gc = (): void => (globalThis as { gc?: () => void }).gc?.()
function memory<T>(make: () => T): { made: T; mb: number; ms: number } {
  gc()
  const before = process.memoryUsage()
  const began = performance.now()
  const made = make()
  const ms = performance.now() - began
  gc()
  const after = process.memoryUsage()
  return { made, ms, mb: (after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers) / 2 ** 20 }
}

if (!('gc' in globalThis)) {
  execFileSync(process.execPath, ['--expose-gc', '--max-old-space-size=4096', import.meta.filename], {
    stdio: 'inherit',
  })
} else {
  names()
  addresses()
  attribution()
  say('dnsdist suffix match', 'not installed, skipped', '')
}

function names(): void {
  const wanted: Wanted[] = Array.from({ length: MILLION }, () => ({ name: flat(domain()) }))
  const asked = Array.from({ length: MILLION }, () => {
    const listed = wanted[next(MILLION)] as { name: string }
    return flat(
      next(50) === 0 ? `${word(1, 8)}.${listed.name}` : next(3) === 0 ? domain() : `${word(2, 10)}.${domain()}`,
    )
  })
  const count = (matcher: Matcher) => () => {
    let found = 0
    for (const name of asked) if (matcher.name(name).length > 0) found++
    return found
  }
  const fast = memory(() => fastMatcher(wanted))
  say('names: typed arrays, off-heap', fast.made.bytes / 2 ** 20, 'MB at 1 M', 64, 'less')
  say('names: typed arrays, all memory', fast.mb, 'MB at 1 M')
  say('names: build', fast.ms, 'ms at 1 M')
  const ours = rate(count(fast.made))
  say('names: look-up', ours.perSecond, 'M names/s', 5)
  const plain = memory(() => plainMatcher(wanted))
  say('names: Map/Set in JavaScript, all memory', plain.mb, 'MB at 1 M')
  say('names: Map/Set in JavaScript, build', plain.ms, 'ms at 1 M')
  const rival = rate(count(plain.made))
  say('names: Map/Set in JavaScript, look-up', rival.perSecond, 'M names/s')
  if (rival.found !== ours.found) throw new Error(`${ours.found} found, Map finds ${rival.found}`)
  say('names: found, the same in both', ours.found, 'of 1 M')

  const lines = asked.slice(0, 200_000).map((query, i) => {
    const event = {
      id: `e${i}`,
      time: 1_795_000_000_000 + i,
      received: 1_795_000_000_500,
      source: 'svc_resolver',
      kind: 'dns.query',
    }
    const line = JSON.stringify({
      ...event,
      clientAddress: v4(),
      clientPort: next(65_536),
      query,
      type: 'A',
      answers: [v4(), v4()],
      pad: '',
    })
    return line.replace('"pad":""', `"pad":"${'x'.repeat(Math.max(0, 350 - line.length))}"`)
  })
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    for (const line of lines) fast.made.name((JSON.parse(line) as { query: string }).query)
    best = Math.max(best, lines.length / (performance.now() - began))
  }
  say('names: with JSON.parse of a line of 350 bytes', best, 'k lines/s', 400)
}

function addresses(): void {
  const wanted: Wanted[] = Array.from({ length: MILLION }, () => {
    const address = v4()
    return { range: next(10) === 0 ? `${address.split('.').slice(0, 3).join('.')}.0/24` : address }
  })
  const asked = Array.from({ length: MILLION }, v4)
  const fast = memory(() => fastMatcher(wanted))
  say('addresses: typed arrays, off-heap', fast.made.bytes / 2 ** 20, 'MB at 1 M', 64, 'less')
  say('addresses: build', fast.ms, 'ms at 1 M')
  const ours = rate(() => {
    let found = 0
    for (const address of asked) if (fast.made.address(address, 443).length > 0) found++
    return found
  })
  say('addresses: look-up from text', ours.perSecond, 'M addresses/s', 20)
  const rival = memory(() => {
    const single = new Set<string>()
    const nets = new Set<string>()
    for (const one of wanted as readonly { range: string }[])
      if (one.range.endsWith('/24')) nets.add(one.range.slice(0, one.range.lastIndexOf('.')))
      else single.add(one.range)
    return { single, nets }
  })
  const theirs = rate(() => {
    let found = 0
    for (const address of asked)
      if (rival.made.single.has(address) || rival.made.nets.has(address.slice(0, address.lastIndexOf('.')))) found++
    return found
  })
  say('addresses: Map/Set in JavaScript, /32 and /24 only', theirs.perSecond, 'M addresses/s')
  if (theirs.found !== ours.found) throw new Error(`${ours.found} found, Set finds ${theirs.found}`)
}

function attribution(): void {
  const BEGIN = 1_795_000_000_000
  const HOUR = 3_600_000
  const made = memory(() => {
    const table = attributionTable(['100.64.0.0/10'])
    for (let i = 0; i < MILLION; i++) {
      const from = 1_024 + 512 * next(120)
      const start = BEGIN + next(240) * HOUR
      const block: PortBlock = {
        address: `100.64.${next(8)}.${next(256)}`,
        from,
        to: from + 511,
        subscriber: next(200_000),
        start,
        end: start + HOUR,
        device: next(4),
      }
      table.add(block)
    }
    return table.build([])
  })
  say('port blocks: build', made.ms, 'ms at 1 M')
  say('port blocks: memory', made.mb, 'MB at 1 M')
  const asked = Array.from({ length: MILLION }, () => ({
    address: flat(`100.64.${next(8)}.${next(256)}`),
    port: 1_024 + next(60_000),
    at: BEGIN + next(240 * HOUR),
  }))
  const { perSecond } = rate(() => {
    let found = 0
    for (const { address, port, at } of asked)
      if (made.made.attribute(address, port, at, 2_000).subscriber >= 0) found++
    return found
  })
  say('port blocks: attribute', perSecond, 'M/s', 1)
}
