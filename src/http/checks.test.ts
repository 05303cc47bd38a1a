import assert from 'node:assert/strict'
import test from 'node:test'
import { onceOf } from './checks.ts'

const request = (key?: string): Request =>
  new Request('http://localhost/', { headers: key === undefined ? {} : { 'idempotency-key': key } })
const of = (id: string, params: object, text: string) =>
  onceOf(request('a-key-of-mine'), { id }, { kind: 'nobody' }, params, text, (said) => said)?.fingerprint

test('an idempotency key is bound to route, path and body', () => {
  const first = of('vault.shred', { subject: 'A' }, '{}')
  assert.equal(of('vault.shred', { subject: 'A' }, '{}'), first)
  for (const other of [
    of('vault.shred', { subject: 'B' }, '{}'),
    of('vault.shred', { subject: 'A' }, '{"reason":"x"}'),
    of('vault.erase', { subject: 'A' }, '{}'),
    of('vault.shred', {}, '{}'),
  ])
    assert.notEqual(other, first)
})

test('a request without a key is none; a bad key is refused with the header named', () => {
  const asked = (key?: string) => onceOf(request(key), { id: 'x' }, { kind: 'nobody' }, {}, '', (said) => said)
  assert.equal(asked(), undefined)
  for (const key of ['short', 'has a blank in it', 'x'.repeat(129)])
    assert.throws(() => asked(key), { code: 'http/invalid', field: 'header.idempotency-key' })
})
