import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GATEWAY_FLAGS } from '../src/app/specs.ts'
import { FLAGS } from '../src/app/supervised-process.ts'
import { compileRules, openTransaction, type Plan, type RequestHead } from '../src/engine/waf/index.ts'
import { ordinaryRequests } from '../test/corpus/vietnamese.ts'

// CPU µs per request of the engine and of libmodsecurity with the same OWASP CRS v4, phases 1 and 2, each in its own process, in turn
// (A B A B …), the same requests. Prints name, value, unit, goal, met | short | -. `node bench/waf.ts own NAME` is one turn of ours.

const ROUNDS = Number(process.env['ROUNDS'] ?? 3)
/** Which of the requests; all of them when none is named. */
const wanted = process.argv.slice(2)
const root = join(import.meta.dirname, '..')
const crs = join(process.env['KHIEN_VECTORS'] ?? join(root, '..', 'shared', 'vectors'), 'crs4')
const BASE = `SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
`
const say = (name: string, value: number | string, unit: string, goal = '-', verdict = '-'): void =>
  console.log(
    [name, typeof value === 'number' ? value.toFixed(value < 20 ? 2 : 0) : value, unit, goal, verdict].join('\t'),
  )

type Request = { readonly head: RequestHead; readonly body: Uint8Array; readonly goal: number }

function requests(): Record<string, Request> {
  const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36'
  const small: [string, string][] = [
    ['Host', 'shop.example.vn'],
    ['User-Agent', agent],
    ['Accept', '*/*'],
  ]
  const browser: [string, string][] = [
    ['Host', 'shop.example.vn'],
    ['User-Agent', agent],
    ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'],
    ['Accept-Language', 'vi-VN,vi;q=0.9,en;q=0.5'],
    ['Accept-Encoding', 'gzip, deflate, br'],
    ['Referer', 'https://shop.example.vn/ao-dai?trang=2'],
    ['Cookie', Array.from({ length: 7 }, (_, i) => `c${i}=9f8e7d6c5b4a${i}0`).join('; ')],
    ['Upgrade-Insecure-Requests', '1'],
    ['Sec-Fetch-Mode', 'navigate'],
    ['Sec-Fetch-Site', 'same-origin'],
    ['Cache-Control', 'max-age=0'],
  ]
  const words = ordinaryRequests(400, 'bench').filter(({ headers }) =>
    headers.some(([, value]) => /urlencoded/.test(value)),
  )
  // What people fill in; pasted programs and page sources, of which the rules rightly find something, are bench/pack.ts's.
  const form = words
    .map(({ body }) => Buffer.from(body).toString('latin1'))
    .join('&')
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1))
    .filter((value) => value.length > 8 && !/```|<!--/.test(decodeURIComponent(value.replace(/\+/g, ' '))))
    .map((value, i) => `truong${i}=${value}`)
  const pairs: string[] = []
  for (let size = 0, i = 0; size < 10_240; size += form[i]!.length + 1, i++) pairs.push(form[i]!)
  const json = JSON.stringify({
    muc: Array.from({ length: 75 }, (_, i) => ({
      ma: i,
      ten: `Áo dài số ${i}`,
      gia: 250_000 + i,
      ghi_chu: 'Giao giờ hành chính, gọi trước khi đến.',
    })),
  }).slice(0, 20_000)
  const head = (method: string, target: string, headers: [string, string][]): RequestHead => ({
    method,
    target,
    headers,
    httpVersion: '1.1',
    clientAddress: '127.0.0.1',
    clientPort: 40_000,
    uniqueId: 'bench',
  })
  const post = (type: string, text: string): Request => {
    const body = Buffer.from(text)
    return {
      head: head('POST', '/gui', [...browser, ['Content-Type', type], ['Content-Length', String(body.length)]]),
      body,
      goal: 5,
    }
  }
  const query = Array.from({ length: 10 }, (_, i) => `p${i}=${encodeURIComponent(`giá trị ${i}`)}`).join('&')
  return {
    'small GET': { head: head('GET', '/', small), body: new Uint8Array(), goal: 5 },
    'browser GET': { head: head('GET', `/tim?${query}`, browser), body: new Uint8Array(), goal: 5 },
    'form 10 KB': post('application/x-www-form-urlencoded', pairs.join('&')),
    'JSON 8 KB': post('application/json', json),
  }
}

function ownPlan(mode: 'plain' | 'fast'): Plan {
  const names = readdirSync(join(crs, 'rules')).sort()
  const read = (name: string): string => readFileSync(join(crs, name), 'latin1')
  return compileRules(
    [
      { name: 'base', text: BASE },
      { name: 'crs-setup', text: read('crs-setup.conf.example') },
      ...names.filter((name) => name.endsWith('.conf')).map((name) => ({ name, text: read(`rules/${name}`) })),
    ],
    {
      mode,
      data: new Map(names.filter((name) => name.endsWith('.data')).map((name) => [name, read(`rules/${name}`)])),
    },
  )
}

/** Argument values, cookies and bodies are new in every request, as in life; an engine that remembers texts must not profit from a bench. */
function varied({ head, body, goal }: Request, turn: number): Request {
  const mark = turn.toString(36).padStart(4, '0').slice(-4)
  const fresh = (text: string): string =>
    text.replace(/(?<==)[^&;=]{3,}(?=[&;]|$)/g, (value) => value.slice(0, -2) + mark)
  const headers = head.headers.map(([name, value]) => [name, name === 'Cookie' ? fresh(value) : value] as const)
  const text = Buffer.from(body).toString('latin1')
  const other = text.startsWith('{') ? text.replace(/(?<=[^\\"]{4})"(?=[,}])/g, `${mark}"`) : fresh(text)
  return { head: { ...head, headers, target: fresh(head.target) }, body: Buffer.from(other, 'latin1'), goal }
}

function inspect(plan: Plan, { head, body }: Request): number {
  const transaction = openTransaction(plan, head)
  transaction.inspectHead()
  return transaction.inspectBody(body).status
}

/** One turn: warmed up, then as many rounds as told; CPU of the whole process, collector and compiler threads included. */
function own(name: string, rounds: number): void {
  const plan = ownPlan('fast')
  const request = requests()[name]!
  const list = Array.from({ length: 500 }, (_, turn) => varied(request, turn))
  for (let i = 0; i < rounds / 2; i++) inspect(plan, list[i % list.length]!)
  const before = process.cpuUsage()
  for (let i = 0; i < rounds; i++) inspect(plan, list[i % list.length]!)
  const { user, system } = process.cpuUsage(before)
  console.log(String((user + system) / rounds))
}

/** The frames bench/rivals/modsecurity.c reads. */
function frame({ head, body }: Request): Buffer {
  const text = (value: string | Uint8Array): Buffer => {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from(value)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const count = Buffer.alloc(4)
  count.writeUInt32LE(head.headers.length)
  return Buffer.concat([
    text(head.method),
    text(head.target),
    text(head.httpVersion),
    count,
    ...head.headers.flatMap(([name, value]) => [text(name), text(value)]),
    text(body),
  ])
}

function rival(folder: string): string | undefined {
  const made = join(folder, 'modsec')
  const built = spawnSync('gcc', ['-O2', '-o', made, join(root, 'bench/rivals/modsecurity.c'), '-lmodsecurity'])
  return built.status === 0 ? made : undefined
}

const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length

function main(): void {
  if (!existsSync(crs)) return say('waf', 'no CRS v4 among the vectors', '-')
  const folder = mkdtempSync(join(tmpdir(), 'khien-bench-waf-'))
  try {
    const binary = rival(folder)
    if (binary === undefined) say('libmodsecurity', 'not here (gcc and libmodsecurity-dev): only our own figures', '-')
    const conf = join(folder, 'crs.conf')
    writeFileSync(conf, `${BASE}Include ${crs}/crs-setup.conf.example\nInclude ${crs}/rules/*.conf\n`)
    const ratios: number[] = []
    for (const [name, request] of Object.entries(requests())) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      // Long enough for what an engine learns of its rules to be learnt: a gateway runs for weeks.
      const rounds = Math.max(1_500, Math.round(4_000_000 / (200 + request.body.length)))
      const ours: number[] = []
      const theirs: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(
          Number(
            execFileSync(process.execPath, [
              ...FLAGS,
              ...GATEWAY_FLAGS,
              import.meta.filename,
              'own',
              name,
              String(rounds),
            ]),
          ),
        )
        if (binary === undefined) continue
        const turns = String(Math.max(50, Math.round(rounds / 20)))
        theirs.push(Number(execFileSync(binary, [conf, turns], { input: frame(request) })))
      }
      say(`${name}: ours, CPU`, mean(ours), 'µs/request')
      if (theirs.length === 0) continue
      const ratio = mean(theirs) / mean(ours)
      ratios.push(ratio)
      say(`${name}: libmodsecurity, CPU`, mean(theirs), 'µs/request')
      say(`${name}: libmodsecurity / ours`, ratio, '×', String(request.goal), ratio >= request.goal ? 'met' : 'short')
    }
    if (ratios.length > 0) say('mean of the four ratios', mean(ratios), '×', '6', mean(ratios) >= 6 ? 'met' : 'short')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'own') own(process.argv[3]!, Number(process.argv[4]))
else main()
