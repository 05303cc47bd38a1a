import { toLatin1 } from '../engine/bytes/latin1.ts'
import type { RequestHead } from '../engine/waf/index.ts'

export type RawRequest = { readonly head: RequestHead; readonly body: Uint8Array }

const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/

/** The bytes of one HTTP/1.1 request → head and body, or the status a front end answers a malformed one with (RFC 9112). */
export function parseRequest(bytes: Uint8Array): RawRequest | { readonly status: number } {
  const text = toLatin1(bytes)
  const end = text.indexOf('\r\n\r\n')
  const [line = '', ...fields] = (end < 0 ? text : text.slice(0, end)).split('\r\n')
  const found = LINE.exec(line)
  if (end < 0 || found === null) return { status: 400 }
  if (found[3] !== '1') return { status: 505 }
  const headers: [string, string][] = []
  for (const field of fields) {
    const part = FIELD.exec(field)
    if (part === null) return { status: 400 }
    headers.push([part[1]!, part[2]!])
  }
  const all = (name: string): string[] =>
    headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value)
  const hosts = all('host')
  if (hosts.length > 1 || (hosts.length === 0 && found[4] !== '0')) return { status: 400 }
  const body = bodyOf(bytes.subarray(end + 4), text.slice(end + 4), all('content-length'), all('transfer-encoding'))
  if (typeof body === 'number') return { status: body }
  const head = {
    method: found[1]!,
    target: found[2]!,
    httpVersion: `${found[3]}.${found[4]}`,
    headers,
    clientAddress: '127.0.0.1',
    clientPort: 40_000,
    serverAddress: '127.0.0.1',
    serverPort: 80,
  }
  return { head, body }
}

function bodyOf(rest: Uint8Array, text: string, lengths: string[], codings: string[]): Uint8Array | number {
  if (codings.length > 0) {
    if (lengths.length > 0) return 400
    return codings.join().toLowerCase() === 'chunked' ? dechunk(rest, text) : 501
  }
  if (lengths.length === 0) return rest.subarray(0, 0)
  if (lengths.length > 1 || !/^\d{1,15}$/.test(lengths[0]!)) return 400
  return rest.subarray(0, Number(lengths[0]))
}

function dechunk(rest: Uint8Array, text: string): Uint8Array | number {
  const parts: Uint8Array[] = []
  for (let at = 0; ;) {
    const size = /([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n/y
    size.lastIndex = at
    const found = size.exec(text)
    if (found === null) return 400
    const length = Number.parseInt(found[1]!, 16)
    const from = size.lastIndex
    if (length === 0) return Buffer.concat(parts)
    if (text.slice(from + length, from + length + 2) !== '\r\n') return 400
    parts.push(rest.subarray(from, from + length))
    at = from + length + 2
  }
}
