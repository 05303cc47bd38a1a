import type { Challenge, RateLimit, Route, Site } from '../../../../../src/gateway/contract.ts'

/** A field that is taken away is absent, not undefined: the server's shape is strict. */
export function withField<T extends object, K extends keyof T>(thing: T, key: K, value: T[K] | undefined): T {
  const { [key]: _, ...rest } = thing
  return (value === undefined ? rest : { ...rest, [key]: value }) as T
}

/** `http://10.0.0.2:3000 2`: an address and its weight. */
export const upstreamLine = ({ url, weight }: Site['upstreams'][number]): string =>
  weight === 1 ? url : `${url} ${weight}`
export function upstreamOf(line: string): Site['upstreams'][number] {
  const [url = '', weight] = line.split(/\s+/)
  return { url, weight: weight === undefined ? 1 : Math.trunc(Number(weight)) || 1 }
}

/** A name for a new site out of its host: small letters, digits, dashes. */
export const nameOf = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\*\./, 'moi-')
    .replace(/^\*$/, 'moi-ten')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40) || 'trang'

/** A new site as the server's defaults make it. */
export const newSite = (host: string, upstream: string, mode: Site['mode'], ruleSet: string): Site => ({
  name: nameOf(host),
  hosts: [host],
  upstreams: [{ url: upstream, weight: 1 }],
  httpsRedirect: false,
  mode,
  placement: 'front',
  failOpen: false,
  maintenance: false,
  trustedProxies: [],
  ruleSet,
  body: { limit: 10_485_760, beyond: 'reject' },
  rateLimits: [],
  outgoing: { policy: 'off', subjects: 100 },
  ruleExclusions: [],
  watched: [],
  watchSudden: true,
  routes: [],
})

export const newChallenge = (): Challenge => ({
  methods: ['POST'],
  counts: 'failures',
  failures: [401, 403, 422, 429],
  free: 5,
  newcomers: 50,
  minutes: 10,
  bits: 16,
})
export const newRoute = (path: string): Route => ({ path })
export const newRate = (taken: readonly RateLimit[]): RateLimit => {
  const names = new Set(taken.map(({ name }) => name))
  let n = taken.length + 1
  while (names.has(`gioi-han-${n}`)) n++
  return { name: `gioi-han-${n}`, per: 'client', requests: 60, seconds: 60 }
}
