import assert from 'node:assert/strict'
import test from 'node:test'
import { addressBytes, addressText, networkRange } from './address.ts'

const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex')
const V4 = '00000000000000000000ffff'
for (const [text, wanted] of [
  ['10.0.0.1', `${V4}0a000001`],
  ['255.255.255.255', `${V4}ffffffff`],
  ['::', '0'.repeat(32)],
  ['::1', `${'0'.repeat(31)}1`],
  ['2001:db8::1', '20010db8000000000000000000000001'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['::ffff:1.2.3.4', `${V4}01020304`],
  ['10.0.0.256', undefined],
  ['10.0.0', undefined],
  ['10.0.0.1.2', undefined],
  ['010.0.0.1', undefined],
  ['1:2:3:4:5:6:7', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['1::2::3', undefined],
  ['12345::', undefined],
  ['', undefined],
] as const)
  test(`bytes of ${JSON.stringify(text)}`, () => assert.equal(hex(addressBytes(text)), wanted))

for (const [stored, wanted] of [
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['::1.2.3.4', '::102:304'],
  ['::', '::'],
] as const)
  test(`the store's ${stored} is ${wanted}`, () => assert.equal(addressText(stored), wanted))

for (const [network, from, to] of [
  ['198.18.0.0/15', '0:0:0:0:0:ffff:c612:0', '0:0:0:0:0:ffff:c613:ffff'],
  ['198.18.5.9/32', '0:0:0:0:0:ffff:c612:509', '0:0:0:0:0:ffff:c612:509'],
  ['0.0.0.0/0', '0:0:0:0:0:ffff:0:0', '0:0:0:0:0:ffff:ffff:ffff'],
  ['2001:db8::/33', '2001:db8:0:0:0:0:0:0', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff'],
] as const)
  test(`range of ${network}`, () => assert.deepEqual(networkRange(network), { from, to }))
for (const none of ['10.0.0.0/33', '::/129', '10.0.0.0', '10.0.0.0/-1', 'x/8'])
  test(`${none} is no network`, () => assert.equal(networkRange(none), undefined))
