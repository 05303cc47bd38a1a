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
      matches: [match],
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
