import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createNet, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'undici'
import type { FromChild } from '../src/app/protocol.ts'
import { GATEWAY_FLAGS } from '../src/app/specs.ts'
import { FLAGS } from '../src/app/supervised-process.ts'

// End to end with the OWASP Core Rule Set v4, one worker each, the same application behind: requests a second at saturation of the gateway
// and of nginx with ModSecurity (Debian's), in turn; then what the gateway adds to an unloaded request, against no gateway at all.
// Prints name, value, unit, goal, met | short | -.

const ROUNDS = Number(process.env['ROUNDS'] ?? 3)
const CONCURRENT = 16
const root = join(import.meta.dirname, '..')
const crs = join(process.env['KHIEN_VECTORS'] ?? join(root, '..', 'shared', 'vectors'), 'crs4')
const MODULE = '/usr/lib/nginx/modules/ngx_http_modsecurity_module.so'
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

type Shot = {
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  readonly path: (turn: number) => string
  readonly body?: (turn: number) => string
}

const browser = {
  host: 'shop.example.vn',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
  'accept-language': 'vi-VN,vi;q=0.9,en;q=0.5',
  'accept-encoding': 'gzip, deflate, br',
  referer: 'https://shop.example.vn/ao-dai?trang=2',
  cookie: Array.from({ length: 7 }, (_, i) => `c${i}=9f8e7d6c5b4a${i}0`).join('; '),
  'upgrade-insecure-requests': '1',
  'sec-fetch-mode': 'navigate',
}
// Values are new in every request, as in life.
const get: Shot = {
  method: 'GET',
  headers: browser,
  path: (turn) =>
    `/tim?${Array.from({ length: 10 }, (_, i) => `p${i}=${encodeURIComponent(`giá trị ${turn * 10 + i}`)}`).join('&')}`,
}
const review = 'Sản phẩm tốt, đóng gói cẩn thận, giao nhanh, sẽ ủng hộ tiếp lần '
const form: Shot = {
  method: 'POST',
  headers: { ...browser, 'content-type': 'application/x-www-form-urlencoded' },
  path: () => '/gui',
  body: (turn) =>
    Array.from({ length: 60 }, (_, i) => `truong${i}=${encodeURIComponent(`${review}${turn + i}`)}`)
      .join('&')
      .slice(0, 10_240)
      .replace(/%.?$/, ''),
}

function application(): void {
  const server = createServer((req, res) => {
    req.resume()
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': '2' }).end('ok')
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () =>
    process.send!({ type: 'ready', note: { port: (server.address() as AddressInfo).port } }),
  )
  process.on('disconnect', () => process.exit(0))
}

/** What Node's server and undici's client take for themselves: a proxy that looks at nothing. */
function bare(upstream: string): void {
  const pool = new Pool(upstream, { connections: 64, pipelining: 1 })
  const server = createServer((req, res) => {
    const { method, url, headers } = req
    pool.dispatch(
      { method: method as 'GET', path: url!, headers, body: method === 'POST' ? req : null },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_, status) => void res.writeHead(status, { 'content-length': '2' }),
        onResponseData: (_, chunk) => void res.write(chunk),
        onResponseEnd: () => void res.end(),
        onResponseError: () => void res.destroy(),
      },
    )
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () =>
    process.send!({ type: 'ready', note: { port: (server.address() as AddressInfo).port } }),
  )
  process.on('disconnect', () => process.exit(0))
}

async function ready(child: ChildProcess): Promise<number> {
  const [said] = (await once(child, 'message')) as [FromChild]
  if (said.type !== 'ready') throw new Error(said.detail)
  return Number(said.note?.['port'])
}

async function freePort(): Promise<number> {
  const server = createNet().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function send(pool: Pool, shot: Shot, turn: number): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: shot.method,
    path: shot.path(turn),
    headers: shot.headers,
    body: shot.body?.(turn) ?? null,
  })
  await body.dump()
  if (statusCode !== 200) throw new Error(`status ${statusCode}`)
}

async function rate(port: number, shot: Shot, ms: number): Promise<number> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONCURRENT, pipelining: 1 })
  const began = performance.now()
  let done = 0
  const one = async (): Promise<void> => {
    while (performance.now() - began < ms) await send(pool, shot, done++)
  }
  await Promise.all(Array.from({ length: CONCURRENT }, one))
  const seconds = (performance.now() - began) / 1000
  await pool.close()
  return done / seconds
}

/** One request at a time, a moment apart; sorted milliseconds. */
async function latencies(port: number, shot: Shot, count: number): Promise<number[]> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1, pipelining: 1 })
  const out: number[] = []
  for (let turn = 0; turn < count + 200; turn++) {
    const began = performance.now()
    await send(pool, shot, turn)
    if (turn >= 200) out.push(performance.now() - began)
    if (turn % 4 === 0) await wait(1)
  }
  await pool.close()
  return out.sort((a, b) => a - b)
}

async function modsecurity(upstream: number, folder: string): Promise<{ port: number; stop(): void } | undefined> {
  if (!existsSync('/usr/sbin/nginx') || !existsSync(MODULE)) return undefined
  const port = await freePort()
  writeFileSync(
    join(folder, 'modsec.conf'),
    `${BASE}Include ${crs}/crs-setup.conf.example\nInclude ${crs}/rules/*.conf\n`,
  )
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `load_module ${MODULE};daemon off;master_process off;pid ${folder}/pid;error_log ${folder}/error.log;events{}http{${temp}access_log off;keepalive_requests 1000000;upstream u{server 127.0.0.1:${upstream};keepalive 64;}server{listen 127.0.0.1:${port};client_body_buffer_size 128k;modsecurity on;modsecurity_rules_file ${folder}/modsec.conf;location /{proxy_pass http://u;proxy_http_version 1.1;proxy_set_header Connection "";}}}`,
  )
  const child = spawn('/usr/sbin/nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  for (let tries = 0; tries < 100; tries++) {
    await wait(200)
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { 'user-agent': 'bench' } }).catch(
      () => undefined,
    )
    if (answer !== undefined) break
  }
  return { port, stop: () => void child.kill('SIGTERM') }
}

/** CRS in one folder, with what switches the engine on. */
function ruleFolder(folder: string): string {
  const rules = join(folder, 'rules')
  mkdirSync(rules)
  writeFileSync(join(rules, '000-setup.conf'), BASE)
  symlinkSync(join(crs, 'crs-setup.conf.example'), join(rules, '001-crs-setup.conf'))
  for (const name of readdirSync(join(crs, 'rules'))) symlinkSync(join(crs, 'rules', name), join(rules, name))
  return rules
}

async function main(): Promise<void> {
  if (!existsSync(crs)) return say('waf-proxy', 'no CRS v4 among the vectors', '-')
  const folder = mkdtempSync(join(tmpdir(), 'khien-bench-proxy-'))
  const app = fork(import.meta.filename, ['application'])
  const upstream = await ready(app)
  const gateway = fork(join(root, 'src/app/processes/gateway.ts'), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [...FLAGS, ...GATEWAY_FLAGS],
  })
  gateway.send({
    type: 'configure',
    config: {
      listen: { host: '127.0.0.1', port: 0 },
      upstream: `http://127.0.0.1:${upstream}`,
      rules: ruleFolder(folder),
      workers: 1,
      nodeSocket: join(folder, 'none.sock'),
      intakeSocket: join(folder, 'none.sock'),
      trustedProxies: [],
      bodyLimit: 1_000_000,
      mode: 'block',
    },
  })
  const ours = await ready(gateway)
  const empty = fork(import.meta.filename, ['bare', `http://127.0.0.1:${upstream}`])
  const beside = await ready(empty)
  const theirs = await modsecurity(upstream, folder)
  try {
    const mine: number[] = []
    const rival: number[] = []
    await rate(ours, get, 6_000)
    await rate(beside, get, 2_000)
    for (let round = 0; round < ROUNDS; round++) {
      mine.push(await rate(ours, get, 4_000))
      if (theirs !== undefined) rival.push(await rate(theirs.port, get, 4_000))
    }
    const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length
    say('browser GET: gateway with CRS v4', mean(mine), 'requests/s')
    if (theirs === undefined) say('nginx with ModSecurity', 'not installed, skipped', '-')
    else {
      const ratio = mean(mine) / mean(rival)
      say('browser GET: nginx with ModSecurity and CRS v4', mean(rival), 'requests/s')
      say('browser GET: gateway / nginx with ModSecurity', ratio, '×', '5', ratio >= 5 ? 'met' : 'short')
    }
    for (const [name, shot, goal] of [
      ['browser GET', get, 1],
      ['form 10 KB', form, 5],
    ] as const) {
      const direct = await latencies(upstream, shot, 1_500)
      const plain = await latencies(beside, shot, 1_500)
      const through = await latencies(ours, shot, 1_500)
      const at = (list: readonly number[], q: number): number => list[Math.floor(list.length * q)]!
      const added = at(through, 0.99) - at(direct, 0.5)
      for (const [of, list] of [
        ['without a gateway', direct],
        ['through a proxy that looks at nothing', plain],
        ['through the gateway', through],
      ] as const)
        for (const q of [0.5, 0.9, 0.99]) say(`${name}: ${of}, p${q * 100}`, at(list, q), 'ms')
      say(`${name}: added at p99 to the p50 without`, added, 'ms', String(goal), added <= goal ? 'met' : 'short')
      say(`${name}: added at p99 to the p99 without`, at(through, 0.99) - at(direct, 0.99), 'ms')
    }
  } finally {
    theirs?.stop()
    gateway.kill('SIGTERM')
    app.disconnect()
    empty.disconnect()
    await wait(500)
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'application') application()
else if (process.argv[2] === 'bare') bare(process.argv[3]!)
else await main()
