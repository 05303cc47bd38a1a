import { KhienError } from '../../kit/errors.ts'

export const bad = (what: string): KhienError =>
  new KhienError('release/openpgp', `This is no OpenPGP data we read: ${what}.`)

export type Packet = { readonly tag: number; readonly body: Buffer }

/** Bytes read in order; running out of them is an error. Numbers are big-endian (RFC 9580 §3.1). */
export class Reader {
  private readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  take(length: number): Buffer {
    if (length > this.left) throw bad('it is cut short')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  number(length: 1 | 2 | 4): number {
    return this.take(length).readUIntBE(0, length)
  }

  /** A multiprecision integer: its length in bits, then its bytes (§3.2). */
  mpi(): Buffer {
    return this.take((this.number(2) + 7) >> 3)
  }
}

const MOST_BYTES = 1_048_576
const MOST_PACKETS = 5_000

/** ASCII armor (§6), or the bytes themselves, → packets (§4). Lengths in parts belong to messages and are refused. */
export function readPackets(file: Buffer, kind: 'PUBLIC KEY BLOCK' | 'SIGNATURE'): Packet[] {
  if (file.length > MOST_BYTES) throw bad('it is longer than 1 MiB')
  const reader = new Reader(file.length > 0 && file[0]! & 0x80 ? file : unarmor(file.toString('latin1'), kind))
  const packets: Packet[] = []
  while (reader.left > 0) {
    if (packets.length >= MOST_PACKETS) throw bad('it has too many packets')
    const head = reader.number(1)
    if ((head & 0x80) === 0) throw bad('a packet does not begin as one')
    const isNew = (head & 0x40) !== 0
    const tag = isNew ? head & 0x3f : (head >> 2) & 0x0f
    packets.push({ tag, body: reader.take(isNew ? newLength(reader) : oldLength(reader, head & 3)) })
  }
  return packets
}

function newLength(reader: Reader): number {
  const first = reader.number(1)
  if (first < 192) return first
  if (first < 224) return ((first - 192) << 8) + reader.number(1) + 192
  if (first === 255) return reader.number(4)
  throw bad('a packet comes in parts')
}

function oldLength(reader: Reader, kind: number): number {
  if (kind === 3) throw bad('a packet has no length')
  return reader.number(kind === 0 ? 1 : kind === 1 ? 2 : 4)
}

function unarmor(text: string, kind: string): Buffer {
  const begin = `-----BEGIN PGP ${kind}-----`
  const from = text.indexOf(begin)
  const to = text.indexOf(`-----END PGP ${kind}-----`, from)
  if (from < 0 || to < 0) throw bad(`there is no "${begin}"`)
  const lines = text
    .slice(from + begin.length, to)
    .replace(/\r/g, '')
    .split('\n')
    .slice(1)
  // Headers such as `Version:` end at an empty line.
  const blank = lines.findIndex((line) => line.trim() === '')
  const body = blank >= 0 ? lines.slice(blank + 1) : lines
  const last = body.findLastIndex((line) => /^=[A-Za-z0-9+/]{4}\s*$/.test(line))
  const coded = (last < 0 ? body : body.slice(0, last)).join('').replace(/\s/g, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(coded) || coded.length % 4 !== 0) throw bad('its base64 is broken')
  const bytes = Buffer.from(coded, 'base64')
  if (last >= 0 && crc24(bytes) !== Buffer.from(body[last]!.slice(1), 'base64').readUIntBE(0, 3))
    throw bad('its checksum does not match')
  return bytes
}

/** §6.1.1 */
function crc24(bytes: Buffer): number {
  let crc = 0xb704ce
  for (const byte of bytes) {
    crc ^= byte << 16
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x800000 ? (crc << 1) ^ 0x1864cfb : crc << 1
  }
  return crc & 0xffffff
}
