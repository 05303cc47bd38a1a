import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent } from 'undici'
import { root } from '../commands/processes.ts'
import type { RunningNode } from '../running-node.ts'
import { KEEPING, seedKept } from './kept-seeds.ts'

const HOUR_MS = 3_600_000
const SITE = 'cho-sen'
/** Rules of the pack that a clumsy page meets. */
const SUDDEN = 1003001
const SUDDEN_CLIENTS = 55
const LATEST_MS = 10_000
const KINDS = ['phone', 'email', 'personal-id', 'bank-account'] as const
const SIGNS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** `many`: ten times as much of everything, to see whether the pages hold it. */
export type Much = { readonly many: boolean }
type Api = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>

const rate = (name: string, per: string, requests: number, seconds: number) => ({ name, per, requests, seconds })
const site = (name: string, host: string, more: object = {}) => ({
  name,
  hosts: [host],
  upstreams: [{ url: 'http://127.0.0.1:3000' }],
  ...more,
})

/** A check before log-in and one-time codes, and a list of breached passwords. */
const guarded = (path: string, breached: string) => ({
  path,
  challenge: { free: 5, newcomers: 50 },
  breachedPasswords: { field: 'mat_khau', file: breached },
})
const exclusion = (n: number) => ({
  id: `exc_${String(n).padStart(26, '0')}`,
  number: n + 1,
  path: `/api/v2/nhom-${n}/*`,
  rule: 1002000 + (n % 9),
  target: n % 5 === 0 ? null : `ARGS:truong_co_ten_kha_dai_so_${n}`,
})

/** What the workers' command line and an administrator would have made of a shop and its neighbours. */
function settings({ many }: Much, breached: string): object {
  const routes = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ path: `/api/v2/nhom-${i}/**`, methods: ['GET', 'POST'] }))
  return {
    version: 0,
    sites: [
      site(SITE, 'cho-sen.example', {
        hosts: ['cho-sen.example', '*.cho-sen.example'],
        upstreams: [{ url: 'http://10.0.0.2:3000', weight: 2 }, { url: 'http://10.0.0.3:3000' }],
        account: { cookie: 'phien' },
        rateLimits: [rate('dang-nhap', 'client', 10, 60)],
        outgoing: { policy: 'flag', subjects: 100 },
        routes: [
          {
            ...guarded('/dang-nhap', breached),
            methods: ['GET', 'POST'],
            rateLimits: [rate('otp', 'account', 5, 300)],
          },
          { path: '/api/don-hang/**', outgoing: { policy: 'stop', subjects: 50 } },
          ...routes(many ? 60 : 1),
        ],
        ruleExclusions: Array.from({ length: many ? 60 : 0 }, (_, i) => exclusion(i)),
      }),
      site(KEEPING.site, KEEPING.host, { mode: 'detect', keep: { share: 1, days: 7 } }),
      site('tin-tuc', 'tin.cho-sen.example', { maintenance: true }),
      ...Array.from({ length: many ? 120 : 0 }, (_, i) =>
        site(`cua-hang-tinh-${i}`, `cua-hang-co-ten-rat-dai-so-${i}.cho-sen.example`, {
          mode: i % 3 ? 'block' : 'detect',
          ...(i % 4 ? {} : { routes: [guarded('/tai-khoan/dang-nhap', breached), guarded('/otp', breached)] }),
        }),
      ),
    ],
    ruleSets: [{ name: 'default', rules: [join(root, 'rules', 'waf')] }],
  }
}

/** Hours of limits, reasons and answers, as a worker tells them. */
function figures({ many }: Much, now: number): object[] {
  const hour = Math.floor(now / HOUR_MS)
  const tally = (kind: string, ago: number, route: string, label: string, n: number, at = SITE) => ({
    kind,
    hour: hour - ago,
    site: at,
    route,
    label,
    n,
  })
  const limits = Array.from({ length: many ? 80 : 2 }, (_, i) => (i === 0 ? 'dang-nhap' : `gioi-han-${i}`))
  const checked = [SITE, ...(many ? Array.from({ length: 30 }, (_, i) => `cua-hang-tinh-${4 * i}`) : [])]
  const paths = many ? Array.from({ length: 40 }, (_, i) => `/api/v2/nhom-${i}/**`) : ['/api/don-hang/**', '']
  const tallies = Array.from({ length: 24 }, (_, ago) => [
    ...limits.map((label, i) => tally('limit', ago, i % 2 ? '/dang-nhap' : '', label, 1 + ((ago * 7 + i * 3) % 40))),
    ...['shape', 'size', 'limit', 'ban'].map((label, i) => tally('turned', ago, '', label, 1 + ((ago + i) % 9))),
    tally('turned', ago, '', 'host', 2, ''),
    ...checked.flatMap((at, i) => [
      tally('turned', ago, '/dang-nhap', 'check', 3 + ((ago * 5 + i) % 50), at),
      tally('turned', ago, '/dang-nhap', 'checkWatched', 1 + ((ago + i) % 20), at),
    ]),
    ...paths.flatMap((route, i) => [
      tally('answers', ago, route, '', 40 + ((ago * 11 + i) % 60)),
      ...KINDS.map((kind, n) =>
        tally('subjects', ago, route, kind, (many ? 9_000 : 30) + ((ago * 13 + n * 5 + i) % 70)),
      ),
      ...(ago % 6 === 0 ? [tally('flagged', ago, route, '', 1)] : []),
      ...(ago === 3 ? [tally('stopped', ago, route, '', 1)] : []),
    ]),
  ]).flat()
  const answers = Array.from({ length: many ? 400 : 6 }, (_, i) => ({
    id: `R-0000-${[...i.toString(32).padStart(4, '0')].map((sign) => SIGNS[Number.parseInt(sign, 32)]).join('')}`,
    at: new Date(now - i * 600_000 - 60_000).toISOString(),
    site: SITE,
    route: '/api/don-hang/**',
    path: '/api/don-hang/xuat',
    decision: i % 4 === 0 ? 'stop' : 'flag',
    mode: i % 8 === 0 ? 'detect' : 'block',
    subjects: { phone: 180 + i, email: 60 + i, 'bank-account': 4 },
  }))
  return Array.from({ length: Math.ceil(tallies.length / 4_000) }, (_, i) => ({
    sender: `w-${'A'.repeat(16)}`,
    seq: i + 1,
    tallies: tallies.slice(i * 4_000, (i + 1) * 4_000),
    answers: i === 0 ? answers : [],
  }))
}

/** One clumsy rule that stops many ordinary people: it turns itself to watching. */
function suddenRefusals(now: number): string {
  return Array.from({ length: SUDDEN_CLIENTS }, (_, i) =>
    JSON.stringify({
      id: `R-ZZZZ-00${SIGNS[Math.floor(i / 32)]}${SIGNS[i % 32]}`,
      at: now - 60_000 - i * 1_000,
      worker: 4001,
      clientAddress: `198.51.100.${100 + i}`,
      clientPort: 40_000 + i,
      method: 'POST',
      host: 'cho-sen.example',
      path: '/bai-viet',
      status: 403,
      score: 5,
      threshold: 5,
      mode: 'block',
      site: SITE,
      matches: [
        {
          ruleId: SUDDEN,
          message: 'Event handler in markup',
          severity: 'CRITICAL',
          tags: ['xss'],
          place: 'ARGS:noi_dung',
          masked: 'onc••••k= (31 bytes)',
          score: 5,
          file: '30-cross-site-scripting.conf',
          line: 21,
        },
      ],
      ruleIds: [SUDDEN],
      bytes: 31,
    }),
  ).join('\n')
}

/** Sites, a rule that turned itself, an exclusion, bans, figures and a dry run: everything the pages of the gateway show. Answers the run's id. */
export async function seedGateway(node: RunningNode, api: Api, much: Much): Promise<string> {
  await using agent = asyncAgent(node.socket)
  const now = Date.now()
  const breached = join(node.config.folder, 'mat-khau-da-lo.txt')
  writeFileSync(breached, `${createHash('sha1').update('matkhau').digest('hex').toUpperCase()}\n`)
  await agent.post('/duties/gateway-seed', JSON.stringify(settings(much, breached)))
  for (const batch of figures(much, now)) await agent.post('/duties/gateway-tallies', JSON.stringify(batch))
  for (let i = 0; i < (much.many ? 150 : 2); i++)
    await api('POST', '/api/gateway/bans', {
      ban: {
        ...(i % 2 ? { address: `2001:db8::${i + 1}` } : { address: '203.0.113.77', port: 40_000 + i }),
        until: new Date(now + (i + 1) * HOUR_MS).toISOString(),
      },
      reason: 'Dò mật khẩu suốt đêm, giới hạn tốc độ không đủ',
    })
  await exclude(api)
  await agent.post('/gateway/refusals', suddenRefusals(now))
  for (const end = now + LATEST_MS; Date.now() < end; await new Promise((go) => setTimeout(go, 100))) {
    const { items } = (await api('GET', '/api/gateway/sudden')) as { items: unknown[] }
    if (items.length > 0) return seedKept(node, api, much.many ? 400 : 24)
  }
  throw new Error('the clumsy rule did not turn itself to watching')
}

/** A refusal that somebody found to be legitimate. */
async function exclude(api: Api): Promise<void> {
  const { items } = (await api('GET', `/api/refusals?site=${SITE}&rule=1002001`)) as { items: { id: string }[] }
  const { id } = items.at(-1)!
  const { version } = (await api('GET', `/api/refusals/${id}/proposal`)) as { version: number }
  const body = { reason: 'Khách tìm sách về SQL, ô tìm kiếm có dấu nháy', version, days: 30 }
  await api('POST', `/api/refusals/${id}/exclude`, body)
}

function asyncAgent(socketPath: string) {
  const agent = new Agent({ connect: { socketPath } })
  return {
    async post(path: string, body: string): Promise<void> {
      const { statusCode, body: answer } = await agent.request({
        origin: 'http://localhost',
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      const said = await answer.text()
      if (statusCode >= 300) throw new Error(`${path} answered ${statusCode} ${said}`)
    },
    [Symbol.asyncDispose]: () => agent.close(),
  }
}
