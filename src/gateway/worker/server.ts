import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttp2, type Http2Server, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTls, type Server as TlsServer, type TLSSocket } from 'node:tls'
import { StartError } from '../../kit/errors.ts'
import { isHttp2, readAsked, rememberPeer, wireOf, type Req, type Res } from './asked.ts'
import type { Certificates } from './certificates.ts'
import type { GatewayConfig, ListenAddress } from './config.ts'
import { cut, endWith, writeBare } from './end.ts'
import { plainAddress, trustOf } from './forwarding.ts'
import { guardSession, http2Settings } from './http2-guard.ts'
import { proxyListener, speakFor, type Spoken, type Told } from './proxy-protocol.ts'
import { serve } from './serve.ts'
import type { Shared } from './shared.ts'
import { stallWatch } from './stall.ts'
import { shareTickets, type SharedTickets } from './tickets.ts'
import { isWebSocket, tunnel } from './tunnel.ts'

/** The parsers and listeners of one worker: HTTP/1.1 in the clear and under TLS, HTTP/2 under TLS, connections with a PROXY header. */
export class FrontServer {
  private readonly shared: Shared
  private readonly config: GatewayConfig
  private readonly http: Server
  private readonly http2: Http2Server
  private readonly tls: TlsServer
  private readonly sessions = new Set<ServerHttp2Session>()
  private readonly secure = new Set<TLSSocket>()
  private readonly tunnels = new Set<Duplex>()
  private readonly listeners: TcpServer[] = []
  private tickets: SharedTickets | undefined
  /** Clients of connections under TLS that proxies passed on, by the proxy's address and port. */
  private readonly spoken = new Map<string, Told>()
  private readonly underWay = new WeakMap<object, number>()
  private readonly lastAnswers = new WeakMap<Duplex, ServerResponse>()

  constructor(shared: Shared, config: GatewayConfig, certificates: Certificates) {
    this.shared = shared
    this.config = config
    this.http = this.openHttp()
    this.http2 = this.openHttp2()
    this.tls = this.openTls(certificates)
  }

  /** Opens every port that was asked for; resolves with the plain one. Throws `StartError` for one that is taken. */
  async listen(): Promise<ListenAddress> {
    const { listen, tlsListen, demoListen, proxyListen, trustedProxies } = this.config
    await open(this.http, listen, '--port')
    this.listeners.push(this.http)
    const { port } = this.http.address() as AddressInfo
    if (tlsListen !== undefined) {
      await open(this.tls, tlsListen, '--tls-port')
      this.listeners.push(this.tls)
    }
    // For the demo's invented attackers, whose addresses are real ones of nobody.
    const invented = trustOf(['198.18.0.0/15'])
    if (demoListen !== undefined)
      await this.listenToProxies(demoListen, ['127.0.0.0/8', '::1'], ({ address }) => invented(address))
    if (proxyListen !== undefined) await this.listenToProxies(proxyListen, trustedProxies, () => true)
    return { host: listen.host, port }
  }

  tlsPort(): number | undefined {
    return this.tls.listening ? (this.tls.address() as AddressInfo).port : undefined
  }

  proxyPort(): number | undefined {
    return (this.listeners.find((one) => one !== this.http && one !== this.tls)?.address() as AddressInfo | null)?.port
  }

  /** Sessions that other workers with the secret have begun go on here. */
  shareTickets(secret: Uint8Array): void {
    this.tickets = shareTickets(this.tls, secret, this.shared.deps.clock)
  }

  /** Stops taking; what is under way has `drainMs`. */
  async close(): Promise<void> {
    this.tickets?.[Symbol.dispose]()
    const closed = Promise.all(this.listeners.map((one) => new Promise((resolve) => one.close(resolve))))
    this.http.closeIdleConnections()
    for (const session of this.sessions) session.close()
    for (const socket of this.tunnels) socket.end()
    const force = setTimeout(() => {
      this.http.closeAllConnections()
      for (const session of this.sessions) session.destroy()
      for (const socket of [...this.secure, ...this.tunnels]) socket.destroy()
    }, this.shared.limits.drainMs)
    await closed
    clearTimeout(force)
  }

  private async listenToProxies(
    at: ListenAddress,
    trusted: readonly string[],
    admits: Parameters<typeof proxyListener>[2],
  ): Promise<void> {
    const trust = trustOf(trusted)
    const listener = proxyListener(
      (spoken) => this.takeSpoken(spoken),
      (peer) => trust(plainAddress(peer)),
      admits,
      this.shared.limits.headMs,
    )
    listener.maxConnections = this.shared.limits.connections
    await open(listener, at, '--port')
    this.listeners.push(listener)
  }

  private takeSpoken({ socket, told, tls }: Spoken): void {
    if (!tls) {
      speakFor(socket, told)
      this.http.emit('connection', socket)
      return void socket.resume()
    }
    // The server's own socket stands on this one and has its peer; by that it is known again once the handshake is over.
    const peer = peerKey(socket)
    this.spoken.set(peer, told)
    socket.once('close', () => this.spoken.delete(peer))
    this.tls.emit('connection', socket)
  }

  private openHttp(): Server {
    const { limits } = this.shared
    const server = createServer(
      {
        maxHeaderSize: limits.headBytes,
        headersTimeout: limits.headMs,
        // Heads have their own time, and bodies are waited for by their pace (body.ts): an application that reads late is not its client's fault.
        requestTimeout: 0,
        keepAliveTimeout: limits.idleMs,
        connectionsCheckingInterval: Math.min(1_000, limits.headMs),
        insecureHTTPParser: false,
        // Host is checked by shapeStatus, which answers with a code.
        requireHostHeader: false,
        noDelay: true,
      },
      (req, res) => void this.take(req, res).catch(() => cut(req, res)),
    )
    // Node would silently drop headers past its own count, and rules would not see them; shapeStatus counts instead.
    server.maxHeadersCount = 0
    server.maxConnections = limits.connections
    server.maxRequestsPerSocket = limits.requestsPerConnection
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.unreadable(error, socket))
    server.on('upgrade', (req, socket, first) => this.leaveHttp(req, socket, () => this.upgrade(req, socket, first)))
    server.on('connect', (req, socket) => this.leaveHttp(req, socket, () => this.bare(501, req, socket)))
    server.on('checkExpectation', (req, res: ServerResponse) => {
      this.lastAnswers.set(req.socket, res)
      endWith(req, res, readAsked(req, this.shared.deps.clock(), this.shared.deps.entropy), 400)
    })
    return server
  }

  private openHttp2(): Http2Server {
    const server = createHttp2(
      http2Settings(this.shared.limits),
      (req, res) => void this.take(req, res).catch(() => cut(req, res)),
    )
    server.on('sessionError', () => undefined)
    return server
  }

  private openSession(socket: TLSSocket): void {
    const { limits, counts } = this.shared
    const begin = (session: ServerHttp2Session): void => {
      this.sessions.add(session)
      session.once('close', () => this.sessions.delete(session))
      rememberPeer(session, socket)
      guardSession(session, limits, { reset: () => counts.resets++, flood: () => counts.floods++ })
    }
    // Emitted before 'connection' returns; only here are session and socket both at hand.
    this.http2.once('session', begin)
    this.http2.emit('connection', socket)
    this.http2.off('session', begin)
  }

  private openTls(certificates: Certificates): TlsServer {
    const { limits } = this.shared
    const server = createTls({
      ALPNProtocols: ['h2', 'http/1.1'],
      minVersion: 'TLSv1.2',
      // Else Node takes one from its own command line.
      sessionIdContext: 'khien',
      handshakeTimeout: limits.headMs,
      SNICallback: (name, done) => done(null, certificates.contextFor(name)),
    })
    server.maxConnections = limits.connections
    certificates.whenUnnamed((pair) => {
      server.setSecureContext({ ...pair, minVersion: 'TLSv1.2', sessionIdContext: 'khien' })
      this.tickets?.again()
    })
    server.on('tlsClientError', (_, socket) => socket.destroy())
    server.on('secureConnection', (socket) => {
      this.secure.add(socket)
      socket.once('close', () => this.secure.delete(socket))
      socket.on('error', () => socket.destroy())
      socket.setNoDelay(true)
      const told = this.spoken.get(peerKey(socket))
      if (told !== undefined) speakFor(socket, told)
      if (socket.alpnProtocol === 'h2') this.openSession(socket)
      else this.http.emit('connection', socket)
    })
    return server
  }

  /** Counts what is under way from one connection: a stream that was reset goes on counting until its work is done. */
  private async take(req: Req, res: Res): Promise<void> {
    const connection: object = (isHttp2(req) ? req.stream.session : req.socket) ?? req
    if (!isHttp2(res)) this.lastAnswers.set(req.socket, res as ServerResponse)
    const now = (this.underWay.get(connection) ?? 0) + 1
    this.underWay.set(connection, now)
    try {
      if (now <= this.shared.limits.requestsAtOnce) {
        await serve(this.shared, req, res)
        this.seeOff(req, res)
      } else {
        this.shared.counts.requests++
        this.shared.counts.turned.limit++
        this.shared.tallies.add('turned', '', undefined, 'limit')
        endWith(req, res, readAsked(req, this.shared.deps.clock(), this.shared.deps.entropy), 503, { close: true })
      }
    } finally {
      this.underWay.set(connection, this.underWay.get(connection)! - 1)
    }
  }

  /** All that there is to say has been written: the client has its time to read it, and need send no more. */
  private seeOff(req: Req, res: Res): void {
    const { limits, counts } = this.shared
    stallWatch(req, res, limits.stallMs, () => counts.stalled++).finish()
    if (req.complete) return
    // Nobody takes what is still to come; it has its time to come, and no more.
    if (!isHttp2(res)) return void closeUnless(req, res, limits.requestMs)
    // The client may still be sending: it is told that nobody listens (RFC 9113 §8.1).
    if (res.stream.endAfterHeaders) return
    const { stream } = res
    if (stream.writableFinished) stream.close()
    else stream.once('finish', () => stream.close())
  }

  /** Hands a connection over that is to leave HTTP. Node's parser has let go of it: from here on nobody else hears its errors. */
  private leaveHttp(req: IncomingMessage, socket: Duplex, go: () => void): void {
    socket.on('error', () => socket.destroy())
    const before = this.lastAnswers.get(req.socket)
    if (before === undefined || before.closed) return go()
    // The answers to the requests ahead come first; one that is still being made can no longer be told from what we would send.
    if (!before.writableEnded) return void socket.destroy()
    before.once('close', () => socket.destroyed || go())
  }

  private upgrade(req: IncomingMessage, socket: Duplex, first: Buffer): void {
    if (!isWebSocket(req)) return this.bare(501, req, socket)
    this.tunnels.add(socket)
    socket.once('close', () => this.tunnels.delete(socket))
    tunnel(this.shared, req, socket, first).catch(() => socket.destroy())
  }

  private bare(status: number, req: IncomingMessage, socket: Duplex): void {
    this.shared.counts.requests++
    this.shared.counts.turned.shape++
    this.shared.tallies.add('turned', '', undefined, 'shape')
    writeBare(socket, status, req.headers.accept ?? '', this.shared.deps.entropy)
  }

  /** Is an answer under way that is not the one to what cannot be read? Nothing may be sent before it. */
  private isAhead(socket: Duplex): boolean {
    const last = this.lastAnswers.get(socket)
    if (last === undefined || last.closed) return false
    return last.req.complete || last.headersSent || (this.underWay.get(socket) ?? 0) > 1
  }

  private unreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable || this.isAhead(socket)) return void socket.destroy()
    const { counts, deps } = this.shared
    counts.requests++
    const status =
      { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_CHUNK_EXTENSIONS_OVERFLOW: 413 }[
        error.code ?? ''
      ] ?? 400
    const by = status === 408 ? 'slow' : status === 400 ? 'shape' : 'size'
    counts.turned[by]++
    this.shared.tallies.add('turned', '', undefined, by)
    writeBare(socket, status, '', deps.entropy)
  }
}

/** Reads what is left of a request that has its answer, to nobody's use, and closes the connection when it has not come in time. */
function closeUnless(req: Req, res: Res, ms: number): void {
  const begin = (): void => {
    if (req.complete) return
    const timer = setTimeout(() => wireOf(req)?.destroy(), ms).unref()
    req.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
    req.resume()
  }
  // Behind the answers to earlier requests it may still be waiting for its turn.
  if (res.writableFinished) begin()
  else res.once('finish', begin)
}

const peerKey = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`

function open(server: TcpServer, { host, port }: ListenAddress, flag: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? new StartError(
              'port-busy',
              `Port ${port} on ${host} cannot be opened (${error.code}). Choose another with ${flag}.`,
            )
          : error,
      ),
    )
    // reusePort lets the kernel spread connections over the workers (Linux).
    server.listen({ host, port, reusePort: process.platform === 'linux', backlog: 1024 }, () => resolve())
  })
}
