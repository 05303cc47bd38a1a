import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createNet, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'undici'
import type { FromChild } from '../src/app/protocol.ts'

// Prints CPU µs per request of a plain proxy, of the gateway with the pack, and of nginx where installed: each its own process, the same
// requests, the same application, in turn. Prints name, value, unit, goal, met | short | -.

const ROUNDS = 3
const CONCURRENT = 16
const root = join(import.meta.dirname, '..')
const say = (name: string, value: number | string, unit: string, goal = '-', verdict = '-'): void =>
  console.log(
    [name, typeof value === 'number' ? value.toFixed(value < 10 ? 2 : 0) : value, unit, goal, verdict].join('\t'),
  )

/** The rival: node:http and undici in the same style, nothing looked at. */
async function plainProxy(origin: string): Promise<void> {
  const pool = new Pool(origin, { connections: 128, pipelining: 1 })
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const headers = req.rawHeaders.flatMap((name, i, all) =>
        i % 2 === 0 && !/^(?:connection|content-length|transfer-encoding)$/i.test(name) ? [name, all[i + 1]!] : [],
      )
      pool.dispatch(
        {
          method: req.method as 'GET',
          path: req.url!,
          headers,
          body: chunks.length === 0 ? null : Buffer.concat(chunks),
        },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_, status, answer) => {
            res.writeHead(status, {
              'content-type': String(answer['content-type']),
              'content-length': String(answer['content-length']),
            })
          },
          onResponseData: (_, chunk) => {
            res.write(chunk)
          },
          onResponseEnd: () => {
            res.end()
          },
          onResponseError: () => {
            res.destroy()
          },
        },
      )
    })
  })
  server.listen(0, '127.0.0.1', () =>
    process.send!({ type: 'ready', note: { port: (server.address() as AddressInfo).port } }),
  )
  process.on('disconnect', () => process.exit(0))
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

type Shot = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: string
}

function shots(): Record<string, Shot> {
  const review = 'Sản phẩm tốt, đóng gói cẩn thận, giao nhanh; giá < 200k & mới. '
  const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36'
  const browser = {
    'user-agent': agent,
    accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
    'accept-language': 'vi-VN,vi;q=0.9',
    'accept-encoding': 'gzip, br',
    referer: 'https://shop.example.vn/ao-dai?trang=2',
    cookie: Array.from({ length: 7 }, (_, i) => `c${i}=9f8e7d6c5b4a${i}`).join('; '),
    'upgrade-insecure-requests': '1',
    'sec-fetch-mode': 'navigate',
    'cache-control': 'max-age=0',
  }
  const form = Array.from({ length: 7 }, (_, i) => `truong${i}=${encodeURIComponent(review.repeat(2))}`)
    .join('&')
    .slice(0, 2048)
    .replace(/%.?$/, '')
  const json = JSON.stringify({ muc: Array.from({ length: 18 }, (_, i) => ({ ma: i, ten: review })) })
  return {
    'small GET': { method: 'GET', path: '/', headers: { 'user-agent': agent, accept: '*/*' } },
    'browser GET': {
      method: 'GET',
      path: `/tim?${Array.from({ length: 10 }, (_, i) => `p${i}=${encodeURIComponent(`giá trị ${i}`)}`).join('&')}`,
      headers: browser,
    },
    'form 2 KB': {
      method: 'POST',
      path: '/',
      headers: { ...browser, 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    },
    'JSON 2 KB': { method: 'POST', path: '/', headers: { ...browser, 'content-type': 'application/json' }, body: json },
  }
}

// Clock ticks of user and system time of a process and its children in one go; nginx works in a child.
const tick = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
function cpu(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) * tick
  }, 0)
}

async function volley(port: number, shot: Shot, count: number): Promise<void> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONCURRENT, pipelining: 1 })
  let left = count
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const { statusCode, body } = await pool.request({ ...shot, body: shot.body ?? null })
      await body.dump()
      if (statusCode !== 200) throw new Error(`status ${statusCode} from port ${port}`)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, one))
  await pool.close()
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

type Rival = { readonly name: string; readonly port: number; readonly pids: readonly number[]; stop(): void }

async function nginx(upstream: number, folder: string): Promise<Rival | undefined> {
  const binary = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find(existsSync)
  if (binary === undefined) return undefined
  const port = await freePort()
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join('')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;master_process off;pid ${folder}/pid;error_log ${folder}/error.log;events{}http{${temp}access_log off;keepalive_requests 1000000;upstream u{server 127.0.0.1:${upstream};keepalive 64;}server{listen 127.0.0.1:${port};location /{proxy_pass http://u;proxy_http_version 1.1;proxy_set_header Connection "";}}}`,
  )
  const child = spawn(binary, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  await wait(400)
  return { name: 'nginx proxy_pass', port, pids: [child.pid!], stop: () => void child.kill('SIGTERM') }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'khien-bench-'))
  const self = join(root, 'bench/gateway.ts')
  const app = fork(self, ['application'])
  const upstream = await ready(app)
  const plain = fork(self, ['plain', `http://127.0.0.1:${upstream}`])
  const gateway = fork(join(root, 'src/app/processes/gateway.ts'), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  const listen = { host: '127.0.0.1', port: 0 }
  gateway.send({
    type: 'configure',
    config: {
      listen,
      upstream: `http://127.0.0.1:${upstream}`,
      rules: join(root, 'rules/waf'),
      workers: 1,
      nodeSocket: join(folder, 'none.sock'),
      trustedProxies: [],
      bodyLimit: 1_000_000,
      mode: 'block',
    },
  })
  const forked = async (name: string, child: ChildProcess): Promise<Rival> => ({
    name,
    port: await ready(child),
    pids: [child.pid!],
    stop: () => void child.kill('SIGTERM'),
  })
  const rivals: Rival[] = [await forked('plain undici proxy', plain), await forked('gateway with pack', gateway)]
  const engineX = await nginx(upstream, folder)
  if (engineX === undefined) say('nginx proxy_pass', 'not installed, skipped', '-')
  else rivals.push(engineX)
  try {
    for (const [shotName, shot] of Object.entries(shots())) {
      const count = shot.body === undefined ? 3_000 : 1_500
      for (const rival of rivals) await volley(rival.port, shot, 500)
      const spent = rivals.map(() => Infinity)
      for (let round = 0; round < ROUNDS; round++) {
        for (const [i, rival] of rivals.entries()) {
          const before = cpu(rival.pids)
          await volley(rival.port, shot, count)
          spent[i] = Math.min(spent[i]!, (cpu(rival.pids) - before) / count)
        }
      }
      for (const [i, rival] of rivals.entries()) say(`${rival.name}, ${shotName}`, spent[i]!, 'CPU µs/request')
      say(`gateway over plain proxy, ${shotName}`, spent[1]! / spent[0]!, 'times')
      say(`rules and limits alone, ${shotName}`, spent[1]! - spent[0]!, 'CPU µs/request')
      if (engineX !== undefined) say(`gateway over nginx, ${shotName}`, spent[1]! / spent[2]!, 'times')
    }
  } finally {
    for (const rival of rivals) rival.stop()
    app.disconnect()
    await wait(300)
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'plain') await plainProxy(process.argv[3]!)
else if (process.argv[2] === 'application') application()
else await main()
