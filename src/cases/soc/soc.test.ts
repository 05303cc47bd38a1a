import assert from 'node:assert/strict'
import test from 'node:test'
import { signingKey } from '../../engine/seal/index.ts'
import type { Alert } from '../../detection/index.ts'
import { LawfulAlert, passGate } from './lawful.ts'
import { keyIdOf, signRequest, verifyRequest, type Signed } from './signature.ts'

const NOW = Date.UTC(2026, 10, 22)
const key = signingKey(new Uint8Array(32).fill(7))
const other = signingKey(new Uint8Array(32).fill(8))
const body = Buffer.from('{"a":1}')
const request: Signed = { method: 'POST', authority: 'soc.example.vn:443', path: '/soc/alerts', body }
const keyOf = async (id: string) => (id === keyIdOf(key.publicKey) ? key.publicKey : undefined)
const good = signRequest(request, key, NOW, 'abcdefghijklmnop')

for (const [name, change, headers, at, expected] of [
  ['as sent', {}, {}, 0, true],
  ['four minutes later', {}, {}, 240_000, true],
  ['too late', {}, {}, 301_000, 'time'],
  ['from the future', {}, {}, -61_000, 'time'],
  ['another body', { body: Buffer.from('{"a":2}') }, {}, 0, 'digest'],
  ['another path', { path: '/soc/other' }, {}, 0, 'signature'],
  ['another host', { authority: 'evil.example' }, {}, 0, 'signature'],
  ['another method', { method: 'PUT' }, {}, 0, 'signature'],
  ['unknown key', {}, signRequest(request, other, NOW, 'abcdefghijklmnop'), 0, 'key'],
  ['no signature', {}, { signature: '' }, 0, 'malformed'],
  ['another nonce', {}, { 'signature-input': good['signature-input']!.replace('abcd', 'xbcd') }, 0, 'signature'],
  [
    'more components',
    {},
    { 'signature-input': good['signature-input']!.replace('"@path"', '"@path" "x"') },
    0,
    'malformed',
  ],
  ['a signature of zeros', {}, { signature: `soc=:${'A'.repeat(86)}==:` }, 0, 'signature'],
] as const)
  test(`signed request: ${name}`, async () => {
    const sent: Record<string, string> = { ...good, ...headers }
    const verdict = await verifyRequest({ ...request, ...change }, (h) => sent[h] ?? null, NOW + at, keyOf)
    assert.equal(verdict.ok ? true : verdict.why, expected)
  })

test('the gate lets only lawful fields pass', () => {
  const alert: Alert = {
    id: `alr_${'0'.repeat(26)}`,
    rule: 'r',
    title: 'Log-in succeeded after many failures',
    level: 'high',
    group: { account: 'acc_0000000000000000' },
    first: '2026-11-22T00:00:00.000Z',
    last: '2026-11-22T00:00:01.000Z',
    count: 3,
    state: 'new',
    case: null,
    observables: [
      { kind: 'account', value: 'acc_0000000000000000', port: null, role: 'target' },
      { kind: 'service-key', value: 'service:khk_1', port: null, role: 'seen' },
      { kind: 'address', value: '198.51.100.9', port: null, role: 'seen' },
      { kind: 'address', value: '203.0.113.7', port: 51_398, role: 'attacker' },
      { kind: 'domain', value: 'cap-nhat-anh.example', port: 1389, role: 'callback' },
    ],
    events: ['e1'],
    from: null,
  }
  const { out, held } = passGate(alert)
  assert.deepEqual(
    out.observables.map((o) => o.value),
    ['203.0.113.7', 'cap-nhat-anh.example'],
  )
  assert.deepEqual(held, ['account', 'service-key', 'address'])
  assert.ok(LawfulAlert.safeParse(out).success)
  assert.doesNotMatch(JSON.stringify(out), /acc_|khk_|e1|198\.51/)
})
