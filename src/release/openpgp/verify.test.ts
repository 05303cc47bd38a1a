import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verifyDetached } from './verify.ts'

const read = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'fixtures', name))
const text = read('signed.txt')
const NOW = Date.parse('2026-11-22T12:00:00Z')
const PRINTS: Readonly<Record<string, string>> = {
  rsa: '21E8 B6CF 983B 52FF FAA9  8E09 4725 1855 7130 59C5',
  ed25519: 'DB38E280F6543A764753407839675970E8EFCBDA',
  subkey: '97659BCA5527108CC2DCD114C65A75C4AD67690A',
  revoked: '44057994E25483EEEBF66323A774AB6BA464629F',
  expired: 'E5B75CFD616E70C0327C95ED08494BEB525D9003',
}
const flipped = (bytes: Buffer, at: number): Buffer => {
  const out = Buffer.from(bytes)
  out[at < 0 ? out.length + at : at]! ^= 1
  return out
}
const unarmored = (file: Buffer): Buffer =>
  Buffer.from(/\n\n([\s\S]*?)\n=/.exec(file.toString())![1]!.replaceAll('\n', ''), 'base64')

type Case = {
  says: string
  by: string
  signature?: Buffer
  key?: Buffer
  data?: Buffer
  print?: string
  now?: number
  code?: string
}
const cases: Case[] = [
  { says: 'RSA', by: 'rsa' },
  {
    says: 'RSA, binary signature and key',
    by: 'rsa',
    signature: read('rsa-signature.sig'),
    key: unarmored(read('rsa-key.asc')),
  },
  { says: 'Ed25519', by: 'ed25519' },
  { says: 'a subkey', by: 'subkey' },
  { says: 'a key among others', by: 'rsa', key: read('ring-key.asc') },
  {
    says: 'with line ends of Windows',
    by: 'rsa',
    signature: Buffer.from(read('rsa-signature.asc').toString().replaceAll('\n', '\r\n')),
  },
  {
    says: 'another signature before the right one',
    by: 'ed25519',
    signature: Buffer.concat([read('rsa-signature.sig'), unarmored(read('ed25519-signature.asc'))]),
  },
  { says: 'a signature within its day', by: 'ed25519', signature: read('lapsed-signature.asc') },
  { says: 'changed data', by: 'rsa', data: flipped(text, 3), code: 'release/bad-signature' },
  {
    says: 'data with something behind it',
    by: 'ed25519',
    data: Buffer.concat([text, Buffer.from('x')]),
    code: 'release/bad-signature',
  },
  {
    says: 'a changed RSA value',
    by: 'rsa',
    signature: flipped(read('rsa-signature.sig'), -9),
    code: 'release/bad-signature',
  },
  {
    says: 'a changed Ed25519 value',
    by: 'ed25519',
    signature: flipped(unarmored(read('ed25519-signature.asc')), -1),
    code: 'release/bad-signature',
  },
  {
    says: 'a changed time of signing',
    by: 'rsa',
    signature: flipped(read('rsa-signature.sig'), 36),
    code: 'release/bad-signature',
  },
  {
    says: 'a changed kind',
    by: 'rsa',
    signature: flipped(read('rsa-signature.sig'), 4),
    code: 'release/bad-signature',
  },
  { says: 'a signature by another', by: 'rsa', signature: read('ed25519-signature.asc'), code: 'release/wrong-key' },
  { says: 'a key file of another', by: 'rsa', key: read('ed25519-key.asc'), code: 'release/wrong-key' },
  { says: 'another fingerprint', by: 'rsa', print: PRINTS['ed25519']!, code: 'release/wrong-key' },
  { says: 'an expired key', by: 'expired', code: 'release/key-expired' },
  { says: 'that key in its time', by: 'expired', now: Date.parse('2020-01-12T00:00:00Z') },
  { says: 'a revoked key', by: 'revoked', code: 'release/key-revoked' },
  { says: 'SHA-1', by: 'rsa', signature: read('sha1-signature.asc'), code: 'release/weak-hash' },
  { says: 'a signature over text', by: 'rsa', signature: read('text-signature.asc'), code: 'release/bad-signature' },
  {
    says: 'a signature after its day',
    by: 'ed25519',
    signature: read('lapsed-signature.asc'),
    now: NOW + 3 * 86_400_000,
    code: 'release/bad-signature',
  },
  { says: 'a signature from the future', by: 'rsa', now: NOW - 10 * 86_400_000, code: 'release/bad-signature' },
  { says: 'no OpenPGP at all', by: 'rsa', signature: text, code: 'release/openpgp' },
  { says: 'an empty file', by: 'rsa', signature: Buffer.alloc(0), code: 'release/openpgp' },
  { says: 'a key as a signature', by: 'rsa', signature: unarmored(read('rsa-key.asc')), code: 'release/bad-signature' },
  {
    says: 'a broken armor',
    by: 'rsa',
    signature: Buffer.from(read('rsa-signature.asc').toString().replace(/[A-Z]/g, 'Q')),
    code: 'release/openpgp',
  },
]
for (const { says, by, signature, key, data = text, print = PRINTS[by]!, now = NOW, code } of cases)
  test(`detached signature: ${says} → ${code ?? 'right'}`, () => {
    const check = () =>
      verifyDetached(data, signature ?? read(`${by}-signature.asc`), key ?? read(`${by}-key.asc`), print, now)
    if (code !== undefined) return assert.throws(check, { code })
    assert.equal(check().fingerprint, PRINTS[by]!.replaceAll(' ', '').toLowerCase())
  })

test('a subkey that the key does not vouch for signs nothing', () => {
  // The subkey packet is moved under another key: its binding signature speaks of the first.
  const stolen = unarmored(read('subkey-key.asc'))
  const other = unarmored(read('rsa-key.asc'))
  let at = 0
  const packets: Buffer[] = []
  while (at < stolen.length) {
    const wide = stolen[at]! & 3
    const length = wide === 0 ? stolen[at + 1]! : stolen.readUInt16BE(at + 1)
    packets.push(stolen.subarray(at, (at += length + (wide === 0 ? 2 : 3))))
  }
  const from = packets.findIndex((packet) => ((packet[0]! >> 2) & 15) === 14)
  const forged = Buffer.concat([other, ...packets.slice(from)])
  assert.throws(() => verifyDetached(text, read('subkey-signature.asc'), forged, PRINTS['rsa']!, NOW), {
    code: 'release/wrong-key',
  })
})

test('every truncation of key and signature is refused, never a crash', () => {
  const signature = read('rsa-signature.sig')
  const key = unarmored(read('ed25519-key.asc'))
  for (let length = 0; length < signature.length; length += 7)
    assert.throws(() => verifyDetached(text, signature.subarray(0, length), read('rsa-key.asc'), PRINTS['rsa']!, NOW), {
      name: 'KhienError',
    })
  for (let length = 0; length < key.length; length += 7)
    assert.throws(
      () => verifyDetached(text, read('ed25519-signature.asc'), key.subarray(0, length), PRINTS['ed25519']!, NOW),
      { name: 'KhienError' },
    )
})
