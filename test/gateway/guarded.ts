import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { manualClock } from '../../src/kit/clock.ts'
import { zeroBits } from '../../src/gateway/worker/challenge/puzzle.ts'
import { startRig } from './servers.ts'
import { settingsWith } from './sites.ts'

export const AGENTS = [
  'Mozilla/5.0 (Linux; Android 15; SM-A556E) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Version/19.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Linux; Android 14; CPH2589) AppleWebKit/537.36 Chrome/141.0.0.0 Mobile Safari/537.36 Zalo/25.10',
]

/** A shop with a log-in: 303 for the right password, 401 otherwise; one message a phone at /otp; a page with the form. */
async function startShop() {
  const tried = { honest: 0, hostile: 0, messages: 0 }
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    req.on('end', () => {
      if (req.url === '/cookies') return res.end(req.headers.cookie ?? '')
      if (req.method === 'GET')
        return res
          .setHeader('Content-Type', 'text/html; charset=utf-8')
          .end(
            '<!doctype html><html lang="vi"><title>Chợ Sen</title><form method="post" action="/dang-nhap"><input name="ten"><input name="mat_khau" type="password"><button>Vào</button></form>',
          )
      if (req.url === '/otp') return res.end(String(++tried.messages))
      tried[req.headers['x-of'] === 'hostile' ? 'hostile' : 'honest']++
      const form = new URLSearchParams(body)
      const right = form.get('mat_khau') === `mật khẩu của ${form.get('ten')}`
      res.writeHead(right ? 303 : 401, right ? { Location: '/cua-toi' } : {}).end(right ? '' : 'sai')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    tried,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export async function startGuarded(bits = 10, trustedProxies: string[] = [], more: object = {}, route: object = {}) {
  await using stack = new AsyncDisposableStack()
  const shop = stack.use(await startShop())
  const clock = manualClock(Date.UTC(2026, 10, 20))
  const rig = stack.use(await startRig({}, {}, { clock }))
  await rig.gateway.use(
    settingsWith(shop.origin, [
      {
        name: 'cho-sen',
        trustedProxies,
        routes: [
          { path: '/dang-nhap', challenge: { bits, ...more }, ...route },
          { path: '/otp', challenge: { bits, counts: 'all', free: 2, newcomers: 20 } },
          { path: '/kho', challenge: { bits: 20, newcomers: 2 } },
        ],
      },
    ]),
  )
  const pool = stack.adopt(new Pool(`http://127.0.0.1:${rig.port}`, { connections: 16 }), (one) => one.close())
  const owned = stack.move()
  return { shop, clock, rig, pool, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
export type Guarded = Awaited<ReturnType<typeof startGuarded>>
export type Answer = { status: number; seen: string | undefined; check: { token: string; bits: number } | undefined }

/** One try to log in from a device with these headers. */
export async function logIn(
  { pool }: Pick<Guarded, 'pool'>,
  name: string,
  password: string,
  headers: Record<string, string>,
): Promise<Answer> {
  const {
    statusCode,
    headers: got,
    body,
  } = await pool.request({
    method: 'POST',
    path: '/dang-nhap',
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams({ ten: name, mat_khau: password }).toString(),
  })
  const text = await body.text()
  const set = [got['set-cookie'] ?? []].flat().find((one) => one.startsWith('khien_seen='))
  return {
    status: statusCode,
    seen: set?.slice(0, set.indexOf(';')),
    check: statusCode === 429 ? (JSON.parse(text) as { check: Answer['check'] }).check : undefined,
  }
}

export function solve({ token, bits }: { token: string; bits: number }): string {
  for (let nonce = 0; ; nonce++) if (zeroBits(`${token}.${nonce}`) >= bits) return `${token}.${nonce}`
}
/** Runs over the list, 16 at a time. */
export async function each<T>(items: readonly T[], act: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0
  const runner = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) await act(items[i]!, i)
  }
  await Promise.all(Array.from({ length: 16 }, runner))
}
