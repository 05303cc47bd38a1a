import { createServer, isIP, type Server, type Socket } from 'node:net'

/** HAProxy's PROXY protocol, §2.2: signature, version and command, family, length, addresses. */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const HEAD = 16
const LONGEST = 536
const WAIT_MS = 2_000
const LONGEST_LINE = 107

/** `local`: the proxy speaks for itself (a health check); the connection's own addresses count. */
export type Told = { readonly address: string; readonly port: number; readonly local?: true }
export type ProxyHeader = { readonly told: Told; readonly length: number }

/**
 * One header of version 1 or 2 off the front of a connection: who the proxy says the client is, and how many bytes it took. `more` while it
 * is not whole; undefined when it is none, or is not TCP over IPv4 or IPv6 (other families are refused).
 */
export const readProxyHeader = (bytes: Buffer): ProxyHeader | 'more' | undefined =>
  bytes[0] === SIGNATURE[0] ? readVersion2(bytes) : readVersion1(bytes)

/** §2.1: `PROXY TCP4 192.0.2.1 198.51.100.1 51398 443\r\n`, at most 107 bytes. */
function readVersion1(bytes: Buffer): ProxyHeader | 'more' | undefined {
  const text = bytes.subarray(0, LONGEST_LINE).toString('latin1')
  const end = text.indexOf('\r\n')
  if (end < 0) return text.length < LONGEST_LINE && 'PROXY '.startsWith(text.slice(0, 6)) ? 'more' : undefined
  const [word, family, from = '', to = '', port = '', toPort = '', ...rest] = text.slice(0, end).split(' ')
  if (word !== 'PROXY') return undefined
  if (family === 'UNKNOWN') return { told: { address: '', port: 0, local: true }, length: end + 2 }
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0
  const isPort = (digits: string): boolean => /^(?:0|[1-9]\d{0,4})$/.test(digits) && Number(digits) <= 65_535
  if (version === 0 || rest.length > 0 || isIP(from) !== version || isIP(to) !== version) return undefined
  if (!isPort(port) || !isPort(toPort)) return undefined
  return { told: { address: from.toLowerCase(), port: Number(port) }, length: end + 2 }
}

function readVersion2(bytes: Buffer): ProxyHeader | 'more' | undefined {
  const start = bytes.subarray(0, SIGNATURE.length)
  if (!start.equals(SIGNATURE.subarray(0, start.length))) return undefined
  if (bytes.length < HEAD) return 'more'
  const size = bytes.readUInt16BE(14)
  if ((bytes[12] !== 0x21 && bytes[12] !== 0x20) || size > LONGEST) return undefined
  if (bytes.length < HEAD + size) return 'more'
  if (bytes[12] === 0x20) return { told: { address: '', port: 0, local: true }, length: HEAD + size }
  const body = bytes.subarray(HEAD, HEAD + size)
  if (bytes[13] === 0x11 && size >= 12)
    return { told: { address: [...body.subarray(0, 4)].join('.'), port: body.readUInt16BE(8) }, length: HEAD + size }
  if (bytes[13] === 0x21 && size >= 36) {
    const groups = Array.from({ length: 8 }, (_, i) => body.readUInt16BE(2 * i).toString(16))
    const { hostname } = new URL(`http://[${groups.join(':')}]`)
    return { told: { address: hostname.slice(1, -1), port: body.readUInt16BE(32) }, length: HEAD + size }
  }
  return undefined
}

/** The first byte of a TLS record that begins a handshake (RFC 8446 §5.1); no HTTP request begins with it. */
const HANDSHAKE = 0x16

/** A connection whose header is off: who the client is, and whether TLS follows. */
export type Spoken = { readonly socket: Socket; readonly told: Told; readonly tls: boolean }

/**
 * A listener that takes connections with a PROXY header from peers that `trusts` lets, and hands them to `handOver` once the client's first byte
 * is there, which the client has `firstMs` for. `admits` says which client addresses it will believe; all else is closed unanswered.
 */
export function proxyListener(
  handOver: (spoken: Spoken) => void,
  trusts: (peer: string) => boolean,
  admits: (told: Told) => boolean,
  firstMs: number = WAIT_MS,
): Server {
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    if (!trusts(socket.remoteAddress ?? '')) return void socket.destroy()
    let timer = setTimeout(() => socket.destroy(), WAIT_MS)
    let held = Buffer.alloc(0)
    let told: Told | undefined
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      if (told === undefined) {
        const read = readProxyHeader(held)
        if (read === 'more' && held.length < HEAD + LONGEST) return
        if (read === undefined || read === 'more' || !admits(read.told)) return void socket.destroy()
        told = read.told
        held = held.subarray(read.length)
        clearTimeout(timer)
        timer = setTimeout(() => socket.destroy(), firstMs)
      }
      // What follows can only be told once it comes: a browser opens connections that it may want later.
      if (held.length === 0) return
      clearTimeout(timer)
      socket.off('data', take)
      socket.pause()
      const tls = held[0] === HANDSHAKE
      socket.unshift(held)
      handOver({ socket, told, tls })
    }
    socket.on('data', take)
    socket.on('close', () => clearTimeout(timer))
  })
}

/** From here on a connection's addresses are the client's that the proxy told of. */
export function speakFor(socket: Socket, told: Told): void {
  if (told.local) return
  Object.defineProperty(socket, 'remoteAddress', { value: told.address })
  Object.defineProperty(socket, 'remotePort', { value: told.port })
}
