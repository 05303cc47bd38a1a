/** Refusals as workers tell them, spread over the last day with a burst in its last hour; the same every time. */
const RULES = [
  {
    ruleId: 1002001,
    message: 'SQL: condition after a quote',
    severity: 'CRITICAL',
    tags: ['sql-injection'],
    place: 'ARGS:q',
    masked: "' O•••••••••'1 (17 bytes)",
    path: '/tim-kiem',
    score: 5,
  },
  {
    ruleId: 1004000,
    message: 'Path leaves its folder',
    severity: 'ERROR',
    tags: ['path-traversal'],
    place: 'ARGS:tep',
    masked: '../•••••••wd (16 bytes)',
    path: '/anh',
    score: 5,
  },
  {
    ruleId: 1003000,
    message: 'Script tag',
    severity: 'ERROR',
    tags: ['xss'],
    place: 'ARGS:loi_nhan',
    masked: '<scr••••pt> (25 bytes)',
    path: '/danh-gia',
    score: 5,
  },
  {
    ruleId: 1001015,
    message: 'Attack tool',
    severity: 'WARNING',
    tags: ['scanner'],
    place: 'REQUEST_HEADERS:User-Agent',
    masked: 'zgr••/2 (7 bytes)',
    path: '/',
    score: 3,
  },
  {
    ruleId: 1002000,
    message: 'SQL: UNION SELECT',
    severity: 'CRITICAL',
    tags: ['sql-injection'],
    place: 'JSON:sap_xep',
    masked: 'UNI•••••••ECT (22 bytes)',
    path: '/api/v2/san-pham',
    score: 10,
  },
  {
    ruleId: 1001013,
    message: 'Broken percent encoding',
    severity: 'NOTICE',
    tags: ['protocol'],
    place: 'REQUEST_URI',
    masked: '%ZZ•••• (9 bytes)',
    path: '/don-hang',
    score: 2,
  },
] as const
const FILES = {
  'sql-injection': '20-sql-injection.conf',
  'path-traversal': '40-path-traversal.conf',
  xss: '30-cross-site-scripting.conf',
  scanner: '10-protocol.conf',
  protocol: '10-protocol.conf',
} as const
const SIGNS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const BURST = 0.4

export function refusals(count: number, now: number): string[] {
  let state = 20261122
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const id = (): string => {
    const signs = Array.from({ length: 8 }, () => SIGNS[Math.floor(random() * 32)]).join('')
    return `R-${signs.slice(0, 4)}-${signs.slice(4)}`
  }
  return Array.from({ length: count }, (_, i) => {
    const late = random() < BURST
    const { path, ...match } = RULES[Math.floor((late ? random() * 0.4 : random()) * RULES.length)]!
    const at = now - Math.floor(random() * (late ? 3_000_000 : 85_000_000))
    return JSON.stringify({
      id: id(),
      at,
      worker: 4001,
      clientAddress: late ? '203.0.113.77' : `198.51.100.${1 + (i % 40)}`,
      clientPort: 30_000 + Math.floor(random() * 30_000),
      method: match.place.startsWith('JSON') ? 'POST' : 'GET',
      host: 'cho-sen.example',
      path,
      status: 403,
      score: match.score,
      threshold: 5,
      mode: match.score < 5 ? 'detect' : 'block',
      site: 'cho-sen',
      matches: [{ ...match, file: FILES[match.tags[0]], line: 10 + (match.ruleId % 40) }],
      ruleIds: [match.ruleId],
      bytes: 0,
    })
  })
}

export const workerFigures = (requests: number, refused: number): object => ({
  pid: 4001,
  requests,
  refused,
  upstreamErrors: 0,
  dropped: 0,
  queued: 0,
  p50: 180,
  p99: 900,
})

const DAY_MS = 86_400_000
/** A day of ordinary requests, a scanner that is refused again and again, and a look-up that wants a call to its host. */
export function events(now: number): string[] {
  const paths = ['/', '/tim-kiem', '/san-pham/non-la', '/gio-hang', '/don-hang', '/anh/banh-mi.jpg']
  const at = (ms: number): string => new Date(now - ms).toISOString()
  const head = (i: number, address: string) => ({
    requestId: `R-${i}`,
    clientAddress: address,
    clientPort: 30_000 + (i % 30_000),
    method: 'GET',
    host: 'cho-sen.example',
  })
  const ordinary = Array.from({ length: 900 }, (_, i) => ({
    kind: 'gateway.access',
    time: at(Math.floor((DAY_MS * (i + 0.5)) / 900)),
    ...head(i, `198.18.${i % 4}.${1 + (i % 200)}`),
    path: paths[i % paths.length],
    status: i % 29 === 0 ? 404 : 200,
    bytesIn: 0,
    bytesOut: 4_000 + i,
    ms: 3 + (i % 12),
  }))
  const refused = Array.from({ length: 60 }, (_, i) => ({
    kind: 'gateway.refused',
    time: at(100_000 - i * 1_500),
    ...head(2_000 + i, '198.18.9.77'),
    path: '/tim-kiem',
    status: 403,
    score: 5,
    threshold: 5,
    mode: 'block',
    severity: 'CRITICAL',
    ruleIds: [1002001],
    tags: ['sql-injection'],
    places: ['ARGS:q'],
  }))
  const lookUp = {
    ...refused[0]!,
    ...head(3_000, '198.18.9.78'),
    time: at(50_000),
    tags: ['jndi'],
    ruleIds: [1006000],
    callbackHost: 'cap-nhat-anh.test',
    callbackPort: 1389,
  }
  return [...ordinary, ...refused, lookUp].map((event) => JSON.stringify(event))
}
