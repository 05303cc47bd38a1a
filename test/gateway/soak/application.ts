import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { blockOf, EVENT_MS, heard } from './answers.ts'

// An application whose answer to everything is known beforehand, so that a wrong one is seen: see answers.ts. A process of its own.

function echo(req: IncomingMessage, res: ServerResponse): void {
  const hash = createHash('sha256')
  let length = 0
  req.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    length += chunk.length
  })
  req.on('error', () => undefined)
  req.on('end', () => {
    const text = heard(req.method!, req.url!, length, hash.digest('hex'))
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(text) }).end(text)
  })
}

async function stream(url: URL, res: ServerResponse): Promise<void> {
  const number = (name: string): number => Number(url.searchParams.get(name))
  const [size, pause] = [number('n'), number('ms')]
  const block = blockOf(number('s'))
  // Of half of them the length is told, the others end when they end.
  res.writeHead(200, {
    'content-type': 'application/octet-stream',
    ...(number('s') % 2 === 0 ? { 'content-length': size } : {}),
  })
  for (let at = 0; at < size && !res.destroyed; at += block.length) {
    if (pause > 0) await wait(pause)
    if (!res.write(block.subarray(0, size - at))) await drained(res)
  }
  res.end()
}

/** Taken, or the other side has left. */
function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      res.off('drain', over).off('close', over)
      resolve()
    }
    res.on('drain', over).on('close', over)
  })
}

async function events(url: URL, res: ServerResponse): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).flushHeaders()
  const count = Number(url.searchParams.get('n'))
  for (let n = 0; n < count && !res.destroyed; n++) {
    res.write(`id: ${n}\ndata: tin thứ ${n}\n\n`)
    await wait(EVENT_MS)
  }
  res.end()
}

/** Whatever comes goes back; the frames are the two ends' affair. */
function mirror(req: IncomingMessage, socket: Socket): void {
  const accept = createHash('sha1')
    .update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.on('error', () => socket.destroy())
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.pipe(socket)
}

const server = createServer((req, res) => {
  res.on('error', () => undefined)
  const url = new URL(req.url!, 'http://a')
  if (url.pathname === '/tai') void stream(url, res)
  else if (url.pathname === '/tin') void events(url, res)
  else echo(req, res)
})
server.on('upgrade', mirror)
server.keepAliveTimeout = 60_000
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
