import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isToken, placeToken, recordOf, vaultColumns } from '../../src/client/columns.ts'
import { createKhien, newSubject } from '../../src/client/index.ts'
import { runningNode } from '../running-node.ts'
import { declarePurpose } from './moving.ts'

test('cells open and seal through a real vault; what is no token stays as it is', async () => {
  await using node = await runningNode()
  const { key } = node.serviceKey()
  await declarePurpose(node.internal, key, ['person.name', 'person.phone', 'order.address'])
  const khien = createKhien({ origin: node.internal, publicOrigin: node.public, key })
  const [vault, here] = [vaultColumns(khien, { writes: 'vault' }), vaultColumns(khien, { writes: 'here' })]
  const subject = newSubject()
  const phone = { subject, collection: 'person', field: 'phone' }
  const address = { subject, collection: 'order', record: 'DH-1', field: 'address' }

  assert.deepEqual(await here.seals([{ ...phone, value: '0912345678' }]), ['0912345678'])
  const [a, b] = await vault.seals([
    { ...phone, value: '0912 345 678' },
    { ...address, value: '5 Hàng Bài' },
  ])
  assert.ok(isToken(a) && isToken(b))
  assert.equal(await vault.tokenOf('person', 'phone', '+84912345678'), a, 'equal numbers have equal tokens')
  assert.deepEqual(await here.either('person', 'phone', '0912345678'), ['0912345678', a])
  assert.equal(b, await placeToken(address))

  const use = { purpose: 'moving-in', reason: 'T-1' }
  const cells = [
    { ...phone, cell: a! },
    { ...address, cell: b! },
    { ...phone, cell: '0977000000' },
    { ...phone, cell: null },
    { ...phone, subject: null, cell: 'An' },
    { ...phone, subject: null, cell: a! },
    { ...phone, field: 'email', cell: a! },
  ]
  assert.deepEqual(await vault.opens(cells.slice(0, 6), use), [
    { value: '0912 345 678' },
    { value: '5 Hàng Bài' },
    { value: '0977000000' },
    { value: null },
    { value: 'An' },
    { value: null, refused: 'client/no-subject' },
  ])
  const [refused] = await vault.opens(cells.slice(6), use)
  assert.equal(refused!.value, null)
  assert.match(refused!.refused!, /^vault\/field-outside/)
  const many = Array.from({ length: 450 }, (_, n) => ({ ...address, record: `N-${n}`, value: `số ${n}` }))
  const tokens = await vault.seals(many)
  const opened = await vault.opens(many.map((each, n) => ({ ...each, cell: tokens[n]! })), use) // prettier-ignore
  assert.deepEqual(opened.map(({ value }) => value), many.map(({ value }) => value)) // prettier-ignore
  await assert.rejects(vault.seals([{ ...phone, value: 'không' }]), { code: 'vault/not-a-phone' })
})

test('records: names the vault takes, one for each key', () => {
  assert.equal(recordOf('DH-12'), 'DH-12')
  assert.equal(recordOf('orders.12345678'), 'orders.12345678')
  assert.equal(recordOf('123456789'), 'x-hijklmnop')
  const keys = [
    '1234567890',
    'h234567890',
    'x-1',
    '1-2-3-4-5-6-7-8-9',
    '550e8400-e29b-41d4-a716-446655440000',
    'đơn 1',
    'a b',
    'a_b',
    'a:b',
  ]
  const names = keys.map((key) => recordOf(key)!)
  assert.equal(new Set(names).size, keys.length)
  for (const name of names) {
    assert.match(name, /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/)
    assert.doesNotMatch(name.replace(/[._:-]/g, ''), /\d{9}/)
  }
  assert.equal(recordOf('9'.repeat(80)), undefined)
})
