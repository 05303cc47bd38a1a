import { sign, type KeyObject } from 'node:crypto'
import { createHash } from 'node:crypto'

/** One entry of a tar archive (POSIX ustar), for tests. */
export function entry(
  name: string,
  text: string | Buffer,
  type = '0',
  { prefix = '', size }: { prefix?: string; size?: number } = {},
): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.alloc(512)
  head.write(name, 0, 100)
  head.write('0000644\0', 100)
  head.write(`${(size ?? body.length).toString(8).padStart(11, '0')}\0`, 124)
  head.write('        ', 148)
  head.write(type, 156)
  head.write('ustar\x0000', 257)
  head.write(prefix, 345, 155)
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([head, body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

export const tarOf = (...entries: readonly Buffer[]): Buffer => Buffer.concat([...entries, Buffer.alloc(1_024)])

/** A detached version 4 signature by an Ed25519 key (algorithm 22) over SHA-256, as GnuPG writes it; `at` in milliseconds. */
export function signDetached(data: Buffer, key: KeyObject, fingerprint: string, at: number): Buffer {
  const time = Buffer.alloc(4)
  time.writeUInt32BE(Math.floor(at / 1_000))
  const issuer = Buffer.from(fingerprint, 'hex')
  const hashed = Buffer.concat([Buffer.from([22, 33, 4]), issuer, Buffer.from([5, 2]), time])
  const signed = Buffer.concat([Buffer.from([4, 0, 22, 8, 0, hashed.length]), hashed])
  const digest = createHash('sha256')
    .update(Buffer.concat([data, signed, Buffer.from([4, 0xff, 0, 0, 0, signed.length])]))
    .digest()
  const value = sign(null, digest, key)
  const mpi = (bytes: Buffer): Buffer => {
    const from = bytes.findIndex((byte) => byte !== 0)
    const bits = (bytes.length - from) * 8 - Math.clz32(bytes[from]!) + 24
    return Buffer.concat([Buffer.from([bits >> 8, bits & 255]), bytes.subarray(from)])
  }
  const body = Buffer.concat([
    signed,
    Buffer.from([0, 0]),
    digest.subarray(0, 2),
    mpi(value.subarray(0, 32)),
    mpi(value.subarray(32)),
  ])
  return Buffer.concat([Buffer.from([0x88, body.length]), body])
}
