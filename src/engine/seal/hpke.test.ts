import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HPKE_AES_128_GCM, HPKE_AES_256_GCM, hpkeReceiver, hpkeSeal, SealError } from './index.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const INFO = '4f6465206f6e2061204772656369616e2055726e'
const TEXT = '4265617574792069732074727574682c20747275746820626561757479'

// RFC 9180 appendix A.1.1, and the entry of AES-256-GCM in the vectors published with it (cfrg/draft-irtf-cfrg-hpke).
for (const v of [
  {
    name: 'A.1.1, AES-128-GCM',
    aead: HPKE_AES_128_GCM,
    skE: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
    skR: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
    pkR: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
    enc: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
    ct: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
  },
  {
    name: 'published vectors, AES-256-GCM',
    aead: HPKE_AES_256_GCM,
    skE: '179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11',
    skR: '497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d',
    pkR: '430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c',
    enc: '6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256',
    ct: 'e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a',
  },
])
  test(`RFC 9180 ${v.name}`, () => {
    const context = { info: hex(INFO), aad: hex('436f756e742d30'), aead: v.aead }
    const receiver = hpkeReceiver(hex(v.skR))
    assert.deepEqual(receiver.publicKey, hex(v.pkR))
    const sealed = hpkeSeal(hex(v.pkR), hex(TEXT), hex(v.skE), context)
    assert.equal(Buffer.from(sealed).toString('hex'), v.enc + v.ct)
    assert.deepEqual(receiver.open(sealed, context), hex(TEXT))
  })

const refused = (error: unknown): boolean => error instanceof SealError && error.code === 'seal/refused'
const secret = new Uint8Array(32).fill(7)
const receiver = hpkeReceiver(secret)
const place = { info: hex('01'), aad: hex('02') }
const sealed = hpkeSeal(receiver.publicKey, hex('aabbcc'), new Uint8Array(32).fill(9), place)

test('every single bit of a sealed text counts', () => {
  assert.deepEqual(receiver.open(sealed, place), hex('aabbcc'))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    // The highest bit of a coordinate is ignored by X25519 (RFC 7748 §5); the key schedule binds it all the same.
    const altered = sealed.with(bit >> 3, sealed[bit >> 3]! ^ (1 << (bit & 7)))
    assert.throws(() => receiver.open(altered, place), refused, `bit ${bit}`)
  }
})

for (const [name, open] of [
  ['cut by a byte', () => receiver.open(sealed.subarray(0, -1), place)],
  ['a tag of 12 bytes', () => receiver.open(sealed.subarray(0, -4), place)],
  ['shorter than enc and tag', () => receiver.open(sealed.subarray(0, 47), place)],
  ['nothing', () => receiver.open(new Uint8Array(0), place)],
  ['another info', () => receiver.open(sealed, { ...place, info: hex('03') })],
  ['another aad', () => receiver.open(sealed, { ...place, aad: hex('03') })],
  ['another cipher', () => receiver.open(sealed, { ...place, aead: HPKE_AES_128_GCM })],
  ['another key', () => hpkeReceiver(new Uint8Array(32).fill(8)).open(sealed, place)],
] as const)
  test(`not opened: ${name}`, () => {
    assert.throws(open, refused)
  })

// RFC 7748 §6.1 and the list of D. J. Bernstein's page on Curve25519: all points of order 1, 2, 4 and 8, and their other spellings.
for (const point of [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])
  test(`a point of small order is refused: ${point.slice(0, 8)}…${point.slice(-4)}`, () => {
    assert.throws(() => hpkeSeal(hex(point), hex('aa'), new Uint8Array(32).fill(9), place), refused)
    assert.throws(() => receiver.open(hex(point + '00'.repeat(40)), place), refused)
  })
