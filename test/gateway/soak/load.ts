import { createHash, randomBytes } from 'node:crypto'
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { nextShot, numbers, shotOf, type Shot } from './shots.ts'

// The clients of a soak, a process of their own: each asks, waits for the whole answer, compares it, and asks again.

/** No answer for so long is a hang. */
export const HANG_MS = 35_000
export type LoadConfig = { readonly port: number; readonly tls: number; readonly seed: number }
/** One request that did not end as it should. `client`: the port of its connection, 0 before there was one; times are epoch ms. */
export type Fault = {
  readonly what: 'wrong' | 'broken' | 'hang'
  readonly kind: string
  readonly found: string
  readonly client: number
  readonly opened: number
  readonly began: number
  readonly ended: number
}
export type Tally = { readonly right: Readonly<Record<string, number>>; readonly slowestMs: number }
export type FromLoad =
  | { readonly type: 'faults'; readonly faults: readonly Fault[] }
  | ({ readonly type: 'over' } & Tally)

type Connection = { client: number; opened: number }
type Outcome = { readonly status: number; readonly sha: string }
const right: Record<string, number> = {}
let faults: Fault[] = []
let running = true
let slowest = 0

const opened = new WeakMap<Socket, Connection>()
/** Remembers a connection from when it stands: its port is gone once it is broken. */
function known(socket: Socket): Connection {
  let one = opened.get(socket)
  if (one === undefined) {
    const made: Connection = { client: socket.localPort ?? 0, opened: Date.now() }
    if (socket.connecting)
      socket.once('connect', () => {
        made.client = socket.localPort ?? 0
        made.opened = Date.now()
      })
    opened.set(socket, (one = made))
  }
  return one
}

/** Runs one exchange to its end and books how it ended. */
async function exchange(
  kind: string,
  expected: { readonly status: number; readonly answer: string | undefined },
  run: (told: (connection: Connection) => void, end: AbortSignal) => Promise<Outcome>,
): Promise<void> {
  const began = Date.now()
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort(), HANG_MS)
  let connection: Connection | undefined
  const fault = (what: Fault['what'], found: string): void => {
    const { client = 0, opened: since = Date.now() } = connection ?? {}
    faults.push({ what, kind, found, client, opened: since, began, ended: Date.now() })
  }
  try {
    const { status, sha } = await run((told) => (connection = told), abort.signal)
    if (status === expected.status && (expected.answer === undefined || sha === expected.answer))
      right[kind] = (right[kind] ?? 0) + 1
    else fault('wrong', status === expected.status ? 'another body' : `status ${status}`)
    slowest = Math.max(slowest, Date.now() - began)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    fault(abort.signal.aborted ? 'hang' : 'broken', code)
    await wait(20)
  } finally {
    clearTimeout(timer)
  }
}

const BROKEN = Object.assign(new Error('ended early'), { code: 'ENDED_EARLY' })

function overHttp1(
  config: LoadConfig,
  shot: Shot,
  agent: Agent | false,
  told: (one: Connection) => void,
  end: AbortSignal,
) {
  return new Promise<Outcome>((resolve, reject) => {
    const headers = { ...shot.headers, host: 'shop.example.vn', ...length(shot) }
    const req: ClientRequest = httpRequest(
      { host: '127.0.0.1', port: config.port, method: shot.method, path: shot.path, headers, agent, signal: end },
      (res: IncomingMessage) => {
        const hash = createHash('sha256')
        res.on('data', (chunk: Buffer) => hash.update(chunk))
        res.on('error', reject)
        res.on('end', () =>
          res.complete ? resolve({ status: res.statusCode!, sha: hash.digest('hex') }) : reject(BROKEN),
        )
        res.on('close', () => reject(BROKEN))
      },
    )
    req.on('socket', (socket) => told(known(socket)))
    req.on('error', reject)
    req.end(shot.body)
  })
}

const length = ({ body }: Shot): Record<string, string> =>
  body === undefined ? {} : { 'content-length': String(body.length) }

function overHttp2(session: ClientHttp2Session, shot: Shot, told: (one: Connection) => void, end: AbortSignal) {
  return new Promise<Outcome>((resolve, reject) => {
    if (session.socket !== undefined && !session.destroyed) told(connectionOf.get(session)!)
    const stream = session.request(
      {
        ...shot.headers,
        ...length(shot),
        ':method': shot.method,
        ':path': shot.path,
        ':authority': 'shop.example.vn',
        ':scheme': 'https',
      },
      { signal: end },
    )
    const hash = createHash('sha256')
    let status = 0
    let ended = false
    stream.on('response', (headers) => (status = Number(headers[':status'])))
    stream.on('data', (chunk: Buffer) => hash.update(chunk))
    stream.on('end', () => (ended = true))
    stream.on('error', reject)
    // An answer given before the whole body was read ends with a reset that says "no error" (RFC 9113 §8.1).
    stream.on('close', () =>
      ended && status > 0 && (stream.rstCode === 0 || status >= 400)
        ? resolve({ status, sha: hash.digest('hex') })
        : reject(Object.assign(new Error('reset'), { code: `RESET_${stream.rstCode}` })),
    )
    stream.end(shot.body)
  })
}

const connectionOf = new WeakMap<ClientHttp2Session, Connection>()
function openSession(config: LoadConfig): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${config.tls}`, {
      servername: 'shop.example.vn',
      rejectUnauthorized: false,
    })
    session.once('connect', () => {
      connectionOf.set(session, { client: session.socket.localPort ?? 0, opened: Date.now() })
      resolve(session)
    })
    session.on('error', reject)
    session.once('close', () => reject(BROKEN))
  })
}

/** A WebSocket: bytes go through and come back as they were. */
function overTunnel(config: LoadConfig, payload: Buffer, told: (one: Connection) => void, end: AbortSignal) {
  return new Promise<Outcome>((resolve, reject) => {
    const headers = {
      host: 'shop.example.vn',
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
    }
    const req = httpRequest({ host: '127.0.0.1', port: config.port, path: '/ws', headers, agent: false, signal: end })
    req.on('socket', (socket) => told(known(socket)))
    req.on('error', reject)
    req.on('response', (res) => {
      res.resume()
      resolve({ status: res.statusCode!, sha: '' })
    })
    req.on('upgrade', (res, socket, first) => {
      const hash = createHash('sha256')
      let got = 0
      const take = (chunk: Buffer): void => {
        hash.update(chunk)
        got += chunk.length
        if (got >= payload.length) {
          resolve({ status: res.statusCode!, sha: hash.digest('hex') })
          socket.destroy()
        }
      }
      end.addEventListener('abort', () => socket.destroy(), { once: true })
      socket.on('error', reject).on('close', () => reject(BROKEN))
      socket.on('data', take)
      if (first.length > 0) take(first)
      void (async () => {
        for (let at = 0; at < payload.length && !socket.destroyed; at += 16_384) {
          socket.write(payload.subarray(at, at + 16_384))
          await wait(20)
        }
      })()
    })
    req.end()
  })
}

const KEPT = 12
const FRESH = 4
const SESSIONS = 2
const STREAMS = 4
const SUBSCRIBERS = 2
const TUNNELS = 2

async function load(config: LoadConfig): Promise<void> {
  let seed = config.seed
  const many = (count: number, one: (random: () => number) => Promise<void>): Promise<void>[] =>
    Array.from({ length: count }, () => {
      const random = numbers(++seed)
      return (async () => {
        while (running) await one(random)
      })()
    })
  const agent = new Agent({ keepAlive: true, maxSockets: KEPT, timeout: 60_000 })
  const ask = (prefix: string, shot: Shot, of: Agent | false): Promise<void> =>
    exchange(`${prefix}${shot.kind}`, shot, (told, end) => overHttp1(config, shot, of, told, end))
  const sessions = Array.from({ length: SESSIONS }, async () => {
    while (running) {
      const session = await openSession(config).catch(() => undefined)
      if (session === undefined) {
        await wait(50)
        continue
      }
      session.on('error', () => undefined)
      // All four: one that still waits for its answer must not lose it because another has noticed the end.
      await Promise.allSettled(
        many(STREAMS, async (random) => {
          const shot = nextShot(random)
          if (session.closed || session.destroyed) throw BROKEN
          await exchange(`HTTP/2 ${shot.kind}`, shot, (told, end) => overHttp2(session, shot, told, end))
        }),
      )
      session.destroy()
    }
  })
  await Promise.all([
    ...many(KEPT, (random) => ask('', nextShot(random), agent)),
    ...many(FRESH, (random) => ask('fresh ', nextShot(random), false)),
    ...many(SUBSCRIBERS, (random) => ask('fresh ', shotOf('events', random), false)),
    ...many(TUNNELS, async (random) => {
      const payload = randomBytes(1_000 + Math.floor(random() * 500_000))
      const answer = createHash('sha256').update(payload).digest('hex')
      await exchange('WebSocket', { status: 101, answer }, (told, end) => overTunnel(config, payload, told, end))
    }),
    ...sessions,
  ])
  agent.destroy()
}

const tell = (message: FromLoad): Promise<void> =>
  new Promise((resolve) => process.send!(message, undefined, {}, () => resolve()))

if (process.argv[2] === 'load') {
  const config = JSON.parse(process.argv[3]!) as LoadConfig
  process.on('message', () => (running = false))
  process.on('disconnect', () => process.exit(0))
  const timer = setInterval(() => {
    if (faults.length === 0) return
    void tell({ type: 'faults', faults })
    faults = []
  }, 250)
  await load(config)
  clearInterval(timer)
  await tell({ type: 'faults', faults })
  await tell({ type: 'over', right, slowestMs: slowest })
  process.disconnect()
}
