import { gunzipSync } from 'node:zlib'
import { KhienError } from '../kit/errors.ts'

export type TarBounds = {
  /** Bytes of the whole archive unpacked. */
  readonly bytes: number
  readonly entries: number
}
const BOUNDS: TarBounds = { bytes: 134_217_728, entries: 20_000 }
const BLOCK = 512

const broken = (what: string): KhienError =>
  new KhienError('release/archive', `The archive is not a .tar.gz we read: ${what}.`)

/**
 * A .tar.gz (POSIX ustar and pax, GNU long names) → its plain files by path, in order. Throws `KhienError`: `release/archive-bomb`,
 * `release/archive-path` (out of the folder, or the same twice), `release/archive-link` (links, devices), `release/archive`.
 */
export function readTarGz(packed: Buffer, bounds: TarBounds = BOUNDS): Map<string, Buffer> {
  let tar: Buffer
  try {
    tar = gunzipSync(packed, { maxOutputLength: bounds.bytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw broken('its gzip is damaged')
    throw new KhienError('release/archive-bomb', `The archive holds more than ${bounds.bytes >> 20} MiB when unpacked.`)
  }
  return readTar(tar, bounds.entries)
}

function readTar(tar: Buffer, most: number): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  let long: string | undefined
  let pax = new Map<string, string>()
  let entries = 0
  for (let at = 0; ;) {
    const head = tar.subarray(at, at + BLOCK)
    if (head.length < BLOCK) throw broken('it is cut short')
    if (head.every((byte) => byte === 0)) return files
    if (++entries > most) throw new KhienError('release/archive-bomb', `The archive holds more than ${most} entries.`)
    if (!hasRightSum(head)) throw broken('the checksum of an entry is wrong')
    const type = String.fromCharCode(head[156]!)
    const size = pax.has('size') ? decimal(pax.get('size')!) : numberAt(head, 124, 12)
    const body = tar.subarray(at + BLOCK, at + BLOCK + size)
    if (body.length < size) throw broken('it is cut short')
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    if (type === 'L') long = textOf(body)
    else if (type === 'x') pax = readPax(body)
    else if (type !== 'g') {
      const path = safe(pax.get('path') ?? long ?? nameOf(head))
      if (type === '0' || type === '\0' || type === '7') {
        if (files.has(path)) throw new KhienError('release/archive-path', `The archive holds ${path} twice.`)
        files.set(path, body)
      } else if (type !== '5')
        throw new KhienError(
          'release/archive-link',
          `${path} in the archive is a link or a device; only plain files are taken.`,
        )
      long = undefined
      pax = new Map()
    }
  }
}

/** A path that stays in its folder, wherever that is unpacked. */
function safe(path: string): string {
  const clean = path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '')
  const parts = clean.split('/')
  // oxlint-disable-next-line no-control-regex
  const escapes =
    /[\0-\x1f\\\x7f]/.test(clean) || parts.some((part) => part === '..' || part === '.' || part.length > 255)
  const isEmpty = clean !== '' && parts.includes('')
  if (escapes || isEmpty || clean.length > 1_024 || /^[A-Za-z]:/.test(clean))
    throw new KhienError(
      'release/archive-path',
      `The archive holds a path that leads out of it: ${JSON.stringify(path.slice(0, 100))}.`,
    )
  return clean
}

/** Sum of the header's bytes with its own field as spaces. */
function hasRightSum(head: Buffer): boolean {
  let sum = 8 * 32
  for (const [i, byte] of head.entries()) if (i < 148 || i >= 156) sum += byte
  return sum === numberAt(head, 148, 8)
}

const textOf = (bytes: Buffer): string => bytes.toString('utf8').split('\0', 1)[0]!

function nameOf(head: Buffer): string {
  const name = textOf(head.subarray(0, 100))
  const prefix = head.toString('latin1', 257, 263) === 'ustar\0' ? textOf(head.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Octal text; of a number that needs more, big-endian with the first bit set (GNU). */
function numberAt(head: Buffer, at: number, length: number): number {
  if (head[at]! & 0x80) {
    const rest = head.subarray(at + 1, at + length - 6)
    if ((head[at]! & 0x7f) !== 0 || rest.some((byte) => byte !== 0)) throw broken('an entry is too long')
    return head.readUIntBE(at + length - 6, 6)
  }
  const text = head
    .toString('latin1', at, at + length)
    .replace(/[\0 ]+$/, '')
    .trim()
  if (!/^[0-7]{0,12}$/.test(text)) throw broken('a number in it is none')
  return text === '' ? 0 : Number.parseInt(text, 8)
}

const decimal = (text: string): number => {
  if (!/^\d{1,12}$/.test(text)) throw broken('a number in it is none')
  return Number(text)
}

/** `27 path=coreruleset-4/…\n`: the length of the whole record in bytes, then a pair. */
function readPax(body: Buffer): Map<string, string> {
  const out = new Map<string, string>()
  for (let at = 0; at < body.length;) {
    const [, digits] = /^(\d{1,7}) /.exec(body.toString('latin1', at, at + 8)) ?? []
    const end = at + Number(digits ?? 0)
    if (digits === undefined || end <= at + digits.length + 1 || end > body.length)
      throw broken('an extended header is damaged')
    const [name = '', ...value] = body.toString('utf8', at + digits.length + 1, end - 1).split('=')
    out.set(name, value.join('='))
    at = end
  }
  return out
}
