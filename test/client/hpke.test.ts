import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { AES_128_GCM, hpkeOpen, hpkeSeal, keyPair } from '../../src/client/hpke.ts'
import * as seal from '../../src/engine/seal/index.ts'
import { php, phpSkip } from './php.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const context = { info: hex('6b6869656e'), aad: hex('0102') }
const TEXT = Buffer.from('Nguyễn Thị Hoa, 12 Lê Lợi')

/** Three hands at one work: the node's, the client's, PHP's. */
const HANDS = [
  {
    name: 'node:crypto',
    skip: false as string | false,
    seal: async (to: Uint8Array) => seal.hpkeSeal(to, TEXT, randomBytes(32), context),
    open: async (secret: Uint8Array, text: Uint8Array) => seal.hpkeReceiver(secret).open(text, context),
  },
  {
    name: 'WebCrypto',
    skip: false as string | false,
    seal: (to: Uint8Array) => hpkeSeal(to, TEXT, context),
    open: async (secret: Uint8Array, text: Uint8Array) => hpkeOpen(await keyPair(secret), text, context),
  },
  {
    name: 'PHP',
    skip: phpSkip,
    seal: async (to: Uint8Array) =>
      hex(
        php<string>(`$out = bin2hex(KhienHpke::seal(hex2bin($in[0]), $in[1], 'khien', "\\x01\\x02"));`, [
          toHex(to),
          TEXT.toString(),
        ]),
      ),
    open: async (secret: Uint8Array, text: Uint8Array) =>
      hex(
        php<string>(`$out = bin2hex(KhienHpke::open(hex2bin($in[0]), hex2bin($in[1]), 'khien', "\\x01\\x02"));`, [
          toHex(secret),
          toHex(text),
        ]),
      ),
  },
]

for (const one of HANDS)
  for (const other of HANDS)
    test(`sealed by ${one.name}, opened by ${other.name}`, { skip: one.skip || other.skip }, async () => {
      const secret = randomBytes(32)
      const to = seal.hpkeReceiver(secret).publicKey
      assert.deepEqual((await keyPair(secret)).publicKey, to)
      const sealed = await one.seal(to)
      assert.equal(sealed.length, TEXT.length + 48)
      assert.equal(Buffer.from(await other.open(secret, sealed)).toString(), TEXT.toString())
    })

// RFC 9180 appendix A.1.1.
const A1 = {
  info: hex('4f6465206f6e2061204772656369616e2055726e'),
  aad: hex('436f756e742d30'),
  skE: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
  skR: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
  pkR: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
  text: '4265617574792069732074727574682c20747275746820626561757479',
  sealed:
    '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431' +
    'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
}
test('RFC 9180 A.1.1 in WebCrypto', async () => {
  const under = { info: A1.info, aad: A1.aad, aead: AES_128_GCM }
  const sealed = await hpkeSeal(hex(A1.pkR), hex(A1.text), under, await keyPair(hex(A1.skE)))
  assert.equal(toHex(sealed), A1.sealed)
  assert.equal(toHex(await hpkeOpen(await keyPair(hex(A1.skR)), sealed, under)), A1.text)
})
test('RFC 9180 A.1.1 in PHP', { skip: phpSkip }, () => {
  const [sealed, opened] = php<string[]>(
    `[$to, $text, $info, $aad, $e, $r] = array_map('hex2bin', $in);
     $sealed = KhienHpke::seal($to, $text, $info, $aad, $e, 1);
     $out = [bin2hex($sealed), bin2hex(KhienHpke::open($r, $sealed, $info, $aad, 1))];`,
    [A1.pkR, A1.text, toHex(A1.info), toHex(A1.aad), A1.skE, A1.skR],
  )
  assert.deepEqual([sealed, opened], [A1.sealed, A1.text])
})

const SMALL = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  `ed${'ff'.repeat(30)}7f`,
]
test('points of small order, altered and cut texts are refused in WebCrypto', async () => {
  const pair = await keyPair(new Uint8Array(32).fill(7))
  for (const point of SMALL) {
    await assert.rejects(hpkeSeal(hex(point), TEXT, context), point)
    await assert.rejects(hpkeOpen(pair, hex(point + '00'.repeat(40)), context), point)
  }
  const sealed = await hpkeSeal(pair.publicKey, TEXT, context)
  for (const at of [0, 31, 32, sealed.length - 16, sealed.length - 1])
    await assert.rejects(hpkeOpen(pair, sealed.with(at, sealed[at]! ^ 1), context), `byte ${at}`)
  for (const cut of [sealed.subarray(0, -1), sealed.subarray(0, 47), sealed.subarray(1), new Uint8Array(0)])
    await assert.rejects(hpkeOpen(pair, cut, context))
})
test('points of small order, altered and cut texts are refused in PHP', { skip: phpSkip }, () => {
  const refused = php<number[]>(
    `$secret = str_repeat("\\x07", 32);
     $to = sodium_crypto_scalarmult_base($secret);
     $sealed = KhienHpke::seal($to, $in['text'], 'i', 'a');
     $bad = [substr($sealed, 0, -1), substr($sealed, 0, 47), substr($sealed, 1), ''];
     foreach ([0, 31, 32, strlen($sealed) - 16, strlen($sealed) - 1] as $at) { $one = $sealed; $one[$at] = chr(ord($one[$at]) ^ 1); $bad[] = $one; }
     foreach ($in['small'] as $point) $bad[] = hex2bin($point) . str_repeat("\\0", 40);
     $out = [count($bad), 0, 0];
     foreach ($bad as $one) try { KhienHpke::open($secret, $one, 'i', 'a'); } catch (KhienException $e) { $out[1] += $e->errorCode === 'client/seal-refused'; }
     foreach ($in['small'] as $point) try { KhienHpke::seal(hex2bin($point), 'x', 'i', 'a'); } catch (KhienException $e) { $out[2]++; }`,
    { text: TEXT.toString(), small: SMALL },
  )
  assert.deepEqual(refused, [13, 13, 4])
})
