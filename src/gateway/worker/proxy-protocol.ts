import { createServer, type Server, type Socket } from 'node:net'

/** HAProxy's PROXY protocol, version 2, §2.2: signature, version and command, family, length, addresses. */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const HEAD = 16
const LONGEST = 536
const WAIT_MS = 2_000

export type Told = { readonly address: string; readonly port: number }

/**
 * One header off the front of a connection: who the proxy says the client is, and how many bytes it took. `more` while it
 * is not whole; undefined when it is none, or is not TCP over IPv4 or IPv6 (LOCAL and other families are refused).
 */
export function readProxyHeader(bytes: Buffer): { told: Told; length: number } | 'more' | undefined {
  const start = bytes.subarray(0, SIGNATURE.length)
  if (!start.equals(SIGNATURE.subarray(0, start.length))) return undefined
  if (bytes.length < HEAD) return 'more'
  const size = bytes.readUInt16BE(14)
  if (bytes[12] !== 0x21 || size > LONGEST) return undefined
  if (bytes.length < HEAD + size) return 'more'
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

/**
 * A listener that takes connections with a PROXY v2 header from peers that `trusts` lets, and hands them to `server` as
 * if the client had come itself. `admits` says which client addresses it will believe; all else is closed unanswered.
 */
export function proxyListener(
  server: Server,
  trusts: (peer: string) => boolean,
  admits: (told: Told) => boolean,
): Server {
  return createServer((socket) => {
    socket.on('error', () => socket.destroy())
    if (!trusts(socket.remoteAddress ?? '')) return void socket.destroy()
    const timer = setTimeout(() => socket.destroy(), WAIT_MS)
    let held = Buffer.alloc(0)
    const take = (chunk: Buffer): void => {
      held = Buffer.concat([held, chunk])
      const read = readProxyHeader(held)
      if (read === 'more' && held.length < HEAD + LONGEST) return
      clearTimeout(timer)
      socket.off('data', take)
      if (read === undefined || read === 'more' || !admits(read.told)) return void socket.destroy()
      socket.pause()
      handOver(server, socket, read.told, held.subarray(read.length))
    }
    socket.on('data', take)
    socket.on('close', () => clearTimeout(timer))
  })
}

function handOver(server: Server, socket: Socket, told: Told, rest: Buffer): void {
  Object.defineProperty(socket, 'remoteAddress', { value: told.address })
  Object.defineProperty(socket, 'remotePort', { value: told.port })
  if (rest.length > 0) socket.unshift(rest)
  server.emit('connection', socket)
  socket.resume()
}
