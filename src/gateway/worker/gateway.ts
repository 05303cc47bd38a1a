import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Server as TcpServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { isFile, openTransaction, type Plan, type Transaction, type Verdict } from '../../engine/waf/index.ts'
import type { Clock } from '../../kit/clock.ts'
import { StartError } from '../../kit/errors.ts'
import { newCode, type Entropy } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'
import { answerFor } from './answer.ts'
import { Held, readBody } from './body.ts'
import type { GatewayConfig } from './config.ts'
import { clientOf, plainAddress, requestHeaders, trustOf, type Client, type Trust } from './forwarding.ts'
import { accessEvent, refusalEvent, type EventSink } from './events.ts'
import { callbackOf, type Callback } from './callback.ts'
import { Latency } from './latency.ts'
import { LIMITS, pairsOf, shapeStatus, type Limits, type RawHeaders } from './limits.ts'
import { safeHost, safePath } from '../../kit/request-mask.ts'
import type { Recorder, Refusal, WorkerStats } from './refusal.ts'
import { proxyListener } from './proxy-protocol.ts'
import { loadRules } from './rules.ts'
import { openUpstream, type Upstream } from './upstream.ts'

export type GatewayDeps = {
  readonly recorder: Recorder
  readonly events: EventSink
  readonly log: Log
  readonly clock: Clock
  readonly entropy: Entropy
  /** For tests: shorter times, smaller sizes. */
  readonly limits?: Partial<Limits>
}
export type GatewayHandle = AsyncDisposable & { readonly address: GatewayConfig['listen']; stats(): WorkerStats }

/**
 * One worker: takes requests, holds them to limits and rules, passes the good ones on unchanged. Several workers may share one port.
 * Disposing stops taking, lets what is under way finish (bounded), closes. Throws `StartError` for rules, upstream or port.
 */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<GatewayHandle> {
  const limits = { ...LIMITS, ...deps.limits }
  const plan = await loadRules(config.rules)
  const upstream = openUpstream(config.upstream, limits)
  const worker = new Worker(config, deps, limits, plan, upstream)
  const address = await worker.listen()
  await worker.listenToDemo()
  return { address, stats: () => worker.stats(), [Symbol.asyncDispose]: () => worker.close() }
}

type Asked = { readonly id: string; readonly client: Client; readonly headers: RawHeaders; readonly peer: string }

// Of a form with files only the fields are looked at, and they are bounded by themselves.
const isLongText = (contentType: string, body: Buffer): boolean =>
  !/^\s*multipart\/form-data\s*;/i.test(contentType) && !isFile(contentType, body)

class Worker {
  private readonly config: GatewayConfig
  private readonly deps: GatewayDeps
  private readonly limits: Limits
  private readonly plan: Plan
  private readonly upstream: Upstream
  private readonly server: Server
  private readonly trust: Trust
  private readonly latency = new Latency()
  private readonly counts = { requests: 0, refused: 0, observed: 0, turnedAway: 0, upstreamErrors: 0 }
  private readonly held: Held
  private readonly beat: NodeJS.Timeout
  private closing = false
  private demo: TcpServer | undefined

  constructor(config: GatewayConfig, deps: GatewayDeps, limits: Limits, plan: Plan, upstream: Upstream) {
    this.config = config
    this.deps = deps
    this.limits = limits
    this.plan = plan
    this.upstream = upstream
    this.trust = trustOf(config.trustedProxies)
    this.held = new Held(limits.heldBytes, limits.textBytes)
    this.server = createServer(
      {
        maxHeaderSize: limits.headBytes,
        headersTimeout: limits.headMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.idleMs,
        connectionsCheckingInterval: Math.min(1_000, limits.headMs),
        insecureHTTPParser: false,
        // Host is checked by shapeStatus, which answers with a code.
        requireHostHeader: false,
        noDelay: true,
      },
      (req, res) => void this.serve(req, res),
    )
    // Node would silently drop headers past its own count, and rules would not see them; shapeStatus counts instead.
    this.server.maxHeadersCount = 0
    this.server.maxConnections = limits.connections
    this.server.maxRequestsPerSocket = limits.requestsPerConnection
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.unreadable(error, socket))
    this.server.on('upgrade', (req, socket) => this.bare(501, req, socket))
    this.server.on('connect', (req, socket) => this.bare(501, req, socket))
    this.server.on('checkExpectation', (req, res: ServerResponse) =>
      this.end(req, res, 400, newCode('R', deps.entropy)),
    )
    this.beat = setInterval(() => deps.recorder.report(this.stats()), 1_000)
    this.beat.unref()
  }

  listen(): Promise<GatewayConfig['listen']> {
    const { host, port } = this.config.listen
    return new Promise((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          error.code === 'EADDRINUSE' || error.code === 'EACCES'
            ? new StartError(
                'port-busy',
                `Port ${port} on ${host} cannot be opened (${error.code}). Choose another with --port.`,
              )
            : error,
        ),
      )
      // reusePort lets the kernel spread connections over the workers (Linux).
      this.server.listen({ host, port, reusePort: process.platform === 'linux', backlog: 1024 }, () =>
        resolve({ host, port: (this.server.address() as AddressInfo).port }),
      )
    })
  }

  /** Clients whose addresses a PROXY header tells, for the demo's invented attackers. */
  listenToDemo(): Promise<void> {
    const { demoListen } = this.config
    if (demoListen === undefined) return Promise.resolve()
    const loopback = trustOf(['127.0.0.0/8', '::1'])
    const invented = trustOf(['198.18.0.0/15'])
    this.demo = proxyListener(
      this.server,
      (peer) => loopback(plainAddress(peer)),
      ({ address }) => invented(address),
    )
    const demo = this.demo
    return new Promise((resolve, reject) => {
      demo.once('error', reject)
      demo.listen({ ...demoListen, reusePort: process.platform === 'linux' }, resolve)
    })
  }

  stats(): WorkerStats {
    const [p50 = null, p99 = null] = this.latency.quantiles(0.5, 0.99)
    return { pid: process.pid, ...this.counts, ...this.deps.recorder.counts(), p50, p99 }
  }

  async close(): Promise<void> {
    this.closing = true
    this.demo?.close()
    clearInterval(this.beat)
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.server.closeIdleConnections()
    const force = setTimeout(() => this.server.closeAllConnections(), this.limits.drainMs)
    await closed
    clearTimeout(force)
    await this.upstream[Symbol.asyncDispose]()
  }

  private async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const id = newCode('R', this.deps.entropy)
    this.counts.requests++
    // A broken socket is no event for the process.
    req.on('error', () => undefined)
    res.on('error', () => undefined)
    this.watch(req, res, id)
    try {
      await this.take(req, res, id)
    } catch (error) {
      this.deps.log.error('request-failed', { id, error: error instanceof Error ? error.name : typeof error })
      this.end(req, res, 500, id)
    }
  }

  /** One event when the request is over, however it ended. */
  private watch(req: IncomingMessage, res: ServerResponse, id: string): void {
    const { socket } = req
    const before = { in: socket.bytesRead, out: socket.bytesWritten }
    const at = this.deps.clock()
    const began = performance.now()
    const peer = plainAddress(socket.remoteAddress ?? '')
    const headers = this.trust(peer) ? pairsOf(req.rawHeaders) : []
    const client = clientOf(peer, socket.remotePort ?? 0, headers, this.trust)
    res.once('close', () => {
      const length = Number(req.headers['content-length'] ?? socket.bytesRead - before.in)
      this.deps.events.send(
        accessEvent(req, res, {
          id,
          at,
          client,
          bytesIn: Number.isSafeInteger(length) && length >= 0 ? length : 0,
          bytesOut: socket.bytesWritten - before.out,
          ms: performance.now() - began,
        }),
      )
    })
  }

  private async take(req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
    const began = process.hrtime.bigint()
    const headers = pairsOf(req.rawHeaders)
    if (this.closing) res.shouldKeepAlive = false
    const shape = shapeStatus(req.method ?? '', req.url ?? '', req.httpVersion, headers, this.limits)
    if (shape !== 0) return this.end(req, res, shape, id)
    if (Number(req.headers['content-length'] ?? 0) > this.config.bodyLimit) return this.end(req, res, 413, id)
    const peer = plainAddress(req.socket.remoteAddress ?? '')
    const client = clientOf(peer, req.socket.remotePort ?? 0, headers, this.trust)
    const asked: Asked = { id, client, headers, peer }
    const transaction = openTransaction(this.plan, {
      method: req.method!,
      target: req.url!,
      httpVersion: req.httpVersion,
      headers,
      clientAddress: client.address,
      clientPort: client.port,
    })
    const head = transaction.inspectHead()
    const spent = process.hrtime.bigint() - began
    if (head.refused && this.config.mode === 'block')
      return this.refuse(req, res, asked, head, 0, callbackOf(transaction))
    const { body: read, held } = await readBody(req, this.config.bodyLimit, this.held)
    try {
      if (read === 'gone') return
      if (read === 'too-large') return this.end(req, res, 413, id)
      if (read === 'no-room') {
        this.counts.turnedAway++
        return this.end(req, res, 503, id)
      }
      await this.judge(req, res, asked, transaction, read, spent)
    } finally {
      this.held.give(held)
    }
  }

  private async judge(
    req: IncomingMessage,
    res: ServerResponse,
    asked: Asked,
    transaction: Transaction,
    read: Buffer | undefined,
    before: bigint,
  ): Promise<void> {
    const { id, headers, peer, client } = asked
    if (
      read !== undefined &&
      read.length > this.limits.textBytes &&
      isLongText(req.headers['content-type'] ?? '', read)
    )
      return this.end(req, res, 413, id)
    const again = process.hrtime.bigint()
    const verdict = transaction.inspectBody(read ?? new Uint8Array())
    this.latency.add(Number((before + process.hrtime.bigint() - again) / 1000n))
    if (verdict.refused) {
      const callback = callbackOf(transaction)
      if (this.config.mode === 'block') return this.refuse(req, res, asked, verdict, read?.length ?? 0, callback)
      this.counts.observed++
      void this.record(req, asked, verdict, read?.length ?? 0, callback)
    }
    const status = await this.upstream.pass(req, res, {
      headers: requestHeaders(headers, peer, client.trusted, id),
      body: read,
      id,
    })
    if (status === 0) return
    this.counts.upstreamErrors++
    this.deps.log.warn('upstream', { id, status })
    this.end(req, res, status, id)
  }

  private async refuse(
    req: IncomingMessage,
    res: ServerResponse,
    asked: Asked,
    verdict: Verdict,
    bytes: number,
    callback: Callback | undefined,
  ): Promise<void> {
    this.counts.refused++
    const recorded = this.record(req, asked, verdict, bytes, callback)
    let timer: NodeJS.Timeout | undefined
    const waited = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.limits.recordMs)
    })
    await Promise.race([recorded, waited])
    clearTimeout(timer)
    this.end(req, res, verdict.status, asked.id)
  }

  private record(
    req: IncomingMessage,
    { id, client }: Asked,
    verdict: Verdict,
    bytes: number,
    callback: Callback | undefined,
  ): Promise<void> {
    const refusal: Refusal = {
      id,
      at: this.deps.clock(),
      worker: process.pid,
      clientAddress: client.address,
      clientPort: client.port,
      method: req.method ?? '',
      host: safeHost(req.headers.host ?? ''),
      path: safePath(req.url ?? ''),
      status: verdict.status,
      score: verdict.score,
      threshold: verdict.threshold,
      mode: this.config.mode,
      matches: verdict.matches,
      bytes,
      ...callback,
    }
    this.deps.events.send(refusalEvent(refusal))
    return this.deps.recorder.record(refusal).catch(() => undefined)
  }

  /** Answers and, when part of the request is still unread, closes: what follows cannot be told from a next request. */
  private end(req: IncomingMessage, res: ServerResponse, status: number, id: string): void {
    if (res.headersSent || res.destroyed) {
      res.destroy()
      return
    }
    const answer = answerFor(status, id, req.headers.accept ?? '', req.headers['accept-language'])
    const close = !req.complete || status === 400 || this.closing
    res.writeHead(status, close ? { ...answer.headers, Connection: 'close' } : answer.headers)
    res.end(req.method === 'HEAD' ? undefined : answer.body)
    if (close) res.once('finish', () => setTimeout(() => req.socket.destroy(), 200).unref())
  }

  private bare(status: number, req: IncomingMessage, socket: Duplex): void {
    this.counts.requests++
    this.write(status, socket, req.headers.accept ?? '')
  }

  private unreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    this.counts.requests++
    const status =
      { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_CHUNK_EXTENSIONS_OVERFLOW: 413 }[
        error.code ?? ''
      ] ?? 400
    this.write(status, socket, '')
  }

  private write(status: number, socket: Duplex, accept: string): void {
    const answer = answerFor(status, newCode('R', this.deps.entropy), accept)
    const lines = Object.entries({ ...answer.headers, Connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    socket.on('error', () => undefined)
    socket.end(
      `HTTP/1.1 ${status} ${status === 501 ? 'Not Implemented' : 'Refused'}\r\n${lines.join('')}\r\n${answer.body}`,
    )
    setTimeout(() => socket.destroy(), 200).unref()
  }
}
