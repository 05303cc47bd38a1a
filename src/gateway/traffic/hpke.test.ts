import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AES_128_GCM, openSealed, publicKeyOf, sealTo } from './hpke.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

test('RFC 9180 appendix A.1.1, first message', () => {
  const receiver = hex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8')
  const about = {
    info: hex('4f6465206f6e2061204772656369616e2055726e'),
    about: hex('436f756e742d30'),
    aead: AES_128_GCM,
  }
  const text = hex('4265617574792069732074727574682c20747275746820626561757479')
  const sealed = sealTo(
    publicKeyOf(receiver),
    text,
    hex('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736'),
    about,
  )
  assert.equal(
    Buffer.from(sealed).toString('hex'),
    '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431' +
      'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
  )
  assert.deepEqual(Uint8Array.from(openSealed(receiver, sealed, about)!), text)
})

for (const [name, change] of [
  ['one bit of the text', (sealed: Uint8Array) => sealed.with(40, sealed[40]! ^ 1)],
  ['one bit of the sender’s key', (sealed: Uint8Array) => sealed.with(3, sealed[3]! ^ 1)],
  ['too short', (sealed: Uint8Array) => sealed.subarray(0, 20)],
] as const)
  test(`not opened: ${name}`, () => {
    const secret = new Uint8Array(32).fill(7)
    const place = { info: hex('01'), about: hex('02') }
    const sealed = sealTo(publicKeyOf(secret), hex('aabbcc'), new Uint8Array(32).fill(9), place)
    assert.deepEqual(Uint8Array.from(openSealed(secret, sealed, place)!), hex('aabbcc'))
    assert.equal(openSealed(secret, change(sealed), place), undefined)
    assert.equal(openSealed(secret, sealed, { ...place, about: hex('03') }), undefined)
    assert.equal(openSealed(new Uint8Array(32).fill(8), sealed, place), undefined)
  })
