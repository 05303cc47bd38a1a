import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { manualClock } from '../../src/kit/clock.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { silentLog } from '../../src/kit/log.ts'
import {
  startGateway,
  type GatewayDeps,
  type GatewayHandle,
  type Limits,
  type Refusal,
} from '../../src/gateway/worker/index.ts'
import type { GatewayConfig } from '../../src/app/config.ts'
import { PACK_FOLDER } from './pack.ts'

export type Received = { method: string; url: string; headers: string[]; body: Buffer }

/** An application that keeps what it was sent, byte for byte. */
export async function startUpstream(): Promise<
  AsyncDisposable & { origin: string; received: Received[]; server: Server }
> {
  const received: Received[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      received.push({ method: req.method!, url: req.url!, headers: req.rawHeaders, body: Buffer.concat(chunks) })
      if (req.url === '/never') return
      if (req.url === '/break') return res.destroy()
      res.writeHead(
        200,
        [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['Content-Type', 'text/plain'],
          ['X-Up', 'vâng'].map(encodeURIComponent),
        ].flat() as string[],
      )
      if (req.url === '/big') for (let i = 0; i < 64; i++) res.write(Buffer.alloc(65_536, 65 + (i % 26)))
      return res.end(`xong ${req.url}`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Rig = AsyncDisposable & {
  gateway: GatewayHandle
  port: number
  received: Received[]
  refusals: Refusal[]
  events: Readonly<Record<string, unknown>>[]
  origin: string
}

export async function startRig(
  change: Partial<GatewayConfig> = {},
  limits: Partial<Limits> = {},
  deps: Partial<GatewayDeps> = {},
): Promise<Rig> {
  const upstream = await startUpstream()
  const refusals: Refusal[] = []
  const config: GatewayConfig = {
    listen: { host: '127.0.0.1', port: 0 },
    upstream: upstream.origin,
    rules: PACK_FOLDER,
    workers: 1,
    nodeSocket: '',
    intakeSocket: '',
    trustedProxies: [],
    bodyLimit: 1_000_000,
    mode: 'block',
    ...change,
  }
  const recorder = {
    record: (refusal: Refusal) => Promise.resolve(void refusals.push(refusal)),
    report: () => undefined,
    counts: () => ({ queued: 0, dropped: 0 }),
  }
  const events: Readonly<Record<string, unknown>>[] = []
  const gateway = await startGateway(config, {
    recorder,
    events: { send: (event) => events.push(event) > 0 },
    log: silentLog,
    clock: manualClock(1_000),
    entropy: systemEntropy,
    limits: { drainMs: 500, ...limits },
    ...deps,
  })
  return {
    gateway,
    port: gateway.address.port,
    received: upstream.received,
    refusals,
    events,
    origin: upstream.origin,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

/** Writes bytes on a socket, reads until the other side closes or `ms` is over. */
export function raw(port: number, parts: string | readonly string[], ms = 1_500): Promise<string> {
  return new Promise((resolve) => {
    let out = ''
    const socket = connect(port, '127.0.0.1')
    const timer = setTimeout(() => socket.destroy(), ms)
    socket.on('data', (chunk) => {
      out += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(out)
    })
    for (const part of [parts].flat()) socket.write(part, 'latin1')
  })
}
