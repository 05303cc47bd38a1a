import { GAP, IN_THE_GAP, INFECTED, LINES, NEIGHBOUR, SCANNED, WITHOUT_PORT, type Line } from './subscribers.ts'

export type TrafficEvent = Readonly<Record<string, unknown>> & { readonly time: number }
export type Evening = {
  /** When it ends, milliseconds. */
  readonly at: number
  /** The host that the infected device calls. */
  readonly host: string
  readonly minutes?: number
  /** Other devices call too, and nobody can tell whose: no port in the log, a hole in the log. */
  readonly unclear?: boolean
}

const SITES = ['bao.example.vn', 'phim.example.vn', 'truong.example.vn', 'cho.example.vn', 'thu.example.vn'] as const
/** Documentation ranges (RFC 5737): nobody's. */
const SITE_ADDRESS = '203.0.113.'
const HOST_ADDRESS = '198.51.100.23'
const SCANNER = '198.51.100.77'
const EVERY_MS = 3_000

/** Always the same evening for the same `at`. */
export function eveningEvents({ at, host, minutes = 60, unclear = true }: Evening): TrafficEvent[] {
  const next = sequence(20_261_122)
  const begin = at - minutes * 60_000
  const events: TrafficEvent[] = []
  const portOf = (line: Line): number => line.from + next(line.to - line.from + 1)
  const visit = (line: Line, time: number, site: string, serverAddress: string): void => {
    const client = { clientAddress: line.address, clientPort: portOf(line) }
    events.push(
      { time, kind: 'dns.query', ...client, query: site, type: 'A', answers: [serverAddress] },
      {
        time: time + 40,
        kind: 'net.flow',
        ...client,
        serverAddress,
        serverPort: 443,
        protocol: 'tcp',
        host: site,
        bytesIn: 900 + next(20_000),
        bytesOut: 400 + next(2_000),
      },
    )
  }
  for (let time = begin; time < at - 100; time += EVERY_MS) {
    const site = next(SITES.length)
    visit(LINES[next(LINES.length)]!, time, SITES[site]!, `${SITE_ADDRESS}${10 + site}`)
  }
  visit(NEIGHBOUR, at - 95_000, SITES[0], `${SITE_ADDRESS}10`)
  for (const back of [15, 9, 3]) visit(INFECTED, at - back * 60_000, host, HOST_ADDRESS)
  for (const [i, line] of SCANNED.entries())
    events.push({
      time: at - (12 + i) * 60_000,
      kind: 'net.flow',
      clientAddress: SCANNER,
      clientPort: 40_000 + i,
      serverAddress: line.address,
      serverPort: 8_291,
      protocol: 'tcp',
      bytesIn: 60,
      bytesOut: 40,
    })
  if (unclear) {
    const time = at - 7 * 60_000
    events.push({ time, kind: 'dns.query', clientAddress: WITHOUT_PORT.address, query: host, type: 'A' })
    visit(IN_THE_GAP, at - (GAP.from + GAP.to) / 2, host, HOST_ADDRESS)
  }
  return events.toSorted((a, b) => a.time - b.time).map((event, i) => ({ id: `evening-${at}-${i}`, ...event }))
}

/** As `POST /api/events` takes them, so many lines a batch. */
export function* batches(events: readonly TrafficEvent[], lines = 5_000): Generator<string> {
  for (let at = 0; at < events.length; at += lines)
    yield events
      .slice(at, at + lines)
      .map((event) => `${JSON.stringify(event)}\n`)
      .join('')
}

/** Numbers below `limit`, the same sequence for the same seed (Lehmer, 2^31 − 1). */
function sequence(seed: number): (limit: number) => number {
  let state = seed % 2_147_483_647
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
}
