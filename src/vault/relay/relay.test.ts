import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import type { Purpose } from '../../consent/index.ts'
import { newSubject, systemEntropy } from '../../kit/ids.ts'
import type { Database } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { vaultOver } from '../testing.ts'
import { Recipient, type Json } from './contract.ts'
import { filled, partAt, placesIn } from './template.ts'

const both = (text: string) => ({ vi: text, en: text })
const DELIVER: Purpose = {
  id: 'deliver',
  title: both('Giao hàng'),
  what: both('Giao hàng'),
  ground: 'agreement',
  agreement: 'order',
  fields: ['person.name', 'person.phone', 'order.address'],
  recipients: [{ id: 'giao-nhanh', name: 'Giao Nhanh', notify: undefined }],
}
const APP = 'service:app'

/** A carrier on loopback: keeps what it was sent, answers a label, or what the test wants of it. */
async function carrier() {
  const got: { key: string; secret: string; body: string }[] = []
  const wants = { status: 200, hang: false, redirect: false, echo: false }
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (part: string) => (body += part))
    req.on('end', () => {
      got.push({ key: String(req.headers['idempotency-key']), secret: String(req.headers['x-token']), body })
      if (wants.hang) return
      if (wants.redirect) return void res.writeHead(307, { location: 'http://127.0.0.1:1/' }).end()
      res.writeHead(wants.status, { 'content-type': 'application/json' })
      res.end(
        JSON.stringify({
          label: { code: `VN-${got.length}`, driver: '0987 654 321' },
          secret: 'của hãng',
          ...(wants.echo ? { echo: [JSON.parse(body)] } : {}),
        }),
      )
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    got,
    wants,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/labels`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function setup(db: Database, keysDb: Database, url: string) {
  const over = await vaultOver(db, keysDb)
  await over.consent.purposes.declare(both('Thông báo'), [DELIVER, { ...DELIVER, id: 'quiet', recipients: [] }], APP)
  const { relay } = over.vault
  const register = (said: object = {}) =>
    relay.recipients.set(
      'giao-nhanh',
      Recipient.parse({
        name: 'Giao Nhanh',
        url,
        headers: { 'X-Token': 'khoa-bi-mat' },
        timeoutMs: 300,
        pass: ['/label/code'],
        keep: [{ pointer: '/label/driver', collection: 'person', field: 'phone' }],
        ...said,
      }),
      'staff:dpo',
    )
  await register()
  const person = async (order: string, ground = true): Promise<string> => {
    const subject = newSubject(systemEntropy)
    if (ground) await over.consent.agreements.open({ subject, kind: 'order', ref: order }, APP, undefined)
    await over.vault.put(
      [
        { subject, collection: 'person', record: '-', fields: { name: 'Hoà "Béo" & Con', phone: '0912345678' } },
        { subject, collection: 'order', record: order, fields: { address: '12 Lê Lợi\nQuận 1' } },
      ],
      APP,
      undefined,
    )
    return subject
  }
  const BODY = { to: { name: '{{person.name}}', tel: 'tel:{{person.phone}}', at: ['{{order.address}}'] }, cod: 120_000 }
  const send = (
    items: { id: string; subject: string; record?: string; body?: Record<string, Json> }[],
    purpose = 'deliver',
  ) =>
    relay.relay(
      { recipient: 'giao-nhanh', purpose, reason: 'DH', actor: APP },
      items.map((item) => ({ record: '-', body: BODY, ...item })),
    )
  return { ...over, person, send, register }
}

for (const store of STORES) {
  test(`${store.name}: values go to a registered recipient, and never to the app`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await using keysDb = await store.open()
    await using there = await carrier()
    const { person, send, acts, vault, register } = await setup(db, keysDb, there.url)
    const [hoa, lan] = [await person('DH-1'), await person('DH-2', false)]
    const results = await send([
      { id: 'L-1', subject: hoa, record: 'DH-1' },
      { id: 'L-2', subject: lan, record: 'DH-2' },
      { id: 'L-3', subject: hoa, record: 'DH-9' },
      { id: 'L-4', subject: hoa, body: { x: 'không có gì' } },
      { id: 'L-1', subject: hoa, record: 'DH-1' },
    ])
    assert.deepEqual(
      results.map((result) => (result.ok ? result.answer['/label/code'] : result.code)),
      ['VN-1', 'vault/no-agreement', 'vault/nothing-held', 'vault/relay-empty', 'VN-1'],
    )
    assert.deepEqual(there.got.map(({ key, secret }) => [key, secret]), [['L-1', 'khoa-bi-mat']]) // prettier-ignore
    assert.deepEqual(JSON.parse(there.got[0]!.body), {
      to: { name: 'Hoà "Béo" & Con', tel: 'tel:0912345678', at: ['12 Lê Lợi\nQuận 1'] },
      cod: 120_000,
    })
    assert.doesNotMatch(JSON.stringify(results), /0987|của hãng|0912|Lê Lợi/)
    assert.match(String(results[0]!.ok && results[0]!.answer['/label/driver']), /^kh_/)
    assert.deepEqual(await send([{ id: 'L-1', subject: hoa, record: 'DH-1' }]), [{ ...results[0], again: true }])
    assert.partialDeepStrictEqual(await send([{ id: 'L-1', subject: lan, record: 'DH-2' }]), [
      { code: 'vault/relay-other' },
    ])
    assert.equal(there.got.length, 1)
    assert.partialDeepStrictEqual(acts.filter((act) => act.kind === 'vault.relayed'), [
      { subject: hoa, purpose: 'deliver', facts: { recipient: 'giao-nhanh', fields: 'person.name person.phone order.address' } },
    ]) // prettier-ignore
    assert.doesNotMatch(JSON.stringify([acts, await vault.relay.recipients.list()]), /khoa-bi-mat|0912/)
    await assert.rejects(send([{ id: 'L-5', subject: hoa }], 'quiet'), { code: 'vault/not-a-recipient', status: 403 })
    for (const field of ['nme', 'password'])
      await assert.rejects(
        register({ keep: [{ pointer: '/a', collection: field === 'nme' ? 'person' : 'account', field }] }),
        {
          code: 'vault/unknown-field',
          field: 'body.keep.0',
        },
      )
    await vault.relay.recipients.drop('giao-nhanh', 'staff:dpo')
    await assert.rejects(send([{ id: 'L-5', subject: hoa }]), { code: 'vault/unknown-recipient', status: 404 })
    await vault.close()
  })

  test(`${store.name}: one id for two people, values repeated, a body that grows`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await using keysDb = await store.open()
    await using there = await carrier()
    const { person, send, register, vault } = await setup(db, keysDb, there.url)
    await register({ pass: ['/label', '/echo'] })
    const [hoa, lan] = [await person('DH-1'), await person('DH-2')]
    there.wants.echo = true
    const results = await send([
      { id: 'L-1', subject: hoa, record: 'DH-1' },
      { id: 'L-1', subject: lan, record: 'DH-2' },
    ])
    assert.partialDeepStrictEqual(results, [{ ok: true }, { code: 'vault/relay-other' }])
    assert.doesNotMatch(JSON.stringify(results), /0912345678|Lê Lợi/, 'what is repeated does not come back')
    assert.match(JSON.stringify(results), /tel:\{\{person\.phone\}\}/)
    await vault.put([{ subject: hoa, collection: 'order', record: 'DH-1', fields: { address: 'đ'.repeat(300) } }], APP, undefined) // prettier-ignore
    const many = Array.from({ length: 200 }, () => '{{order.address}}'.repeat(20))
    const [grown] = await send([{ id: 'L-2', subject: hoa, record: 'DH-1', body: { many } }])
    assert.partialDeepStrictEqual(grown, { code: 'vault/relay-body' })
    assert.equal(there.got.length, 1)
    await vault.close()
  })

  test(`${store.name}: a recipient that refuses, sends elsewhere, hangs or is away`, { skip: store.skip }, async () => {
    await using db = await store.open()
    await using keysDb = await store.open()
    await using there = await carrier()
    const { person, send, register, vault } = await setup(db, keysDb, there.url)
    const hoa = await person('DH-1')
    const one = async (id: string) => (await send([{ id, subject: hoa, record: 'DH-1' }]))[0]!
    there.wants.status = 422
    assert.partialDeepStrictEqual(await one('L-1'), { code: 'vault/recipient-refused', status: 422 })
    there.wants.status = 200
    assert.partialDeepStrictEqual(await one('L-1'), { ok: true, again: false }, 'what was refused may be sent anew')
    there.wants.redirect = true
    assert.partialDeepStrictEqual(await one('L-2'), { ok: false, status: 307 }, 'nobody is sent elsewhere')
    there.wants.redirect = false
    assert.partialDeepStrictEqual(await one('L-2'), { ok: true, again: false }, 'a redirect took nothing')
    there.wants.status = 504
    assert.partialDeepStrictEqual(await one('L-5'), { code: 'vault/relay-unknown', status: 504 })
    there.wants.status = 200
    const before = there.got.length
    assert.partialDeepStrictEqual(await one('L-5'), { code: 'vault/relay-unknown' }, 'it may have been taken')
    assert.equal(there.got.length, before)
    there.wants.hang = true
    assert.partialDeepStrictEqual(await one('L-3'), { code: 'vault/relay-unknown' })
    there.wants.hang = false
    const calls = there.got.length
    assert.partialDeepStrictEqual(await one('L-3'), { code: 'vault/relay-unknown' }, 'nobody knows: not sent twice')
    assert.equal(there.got.length, calls)
    await register({ repeats: true })
    assert.partialDeepStrictEqual(await one('L-3'), { ok: true })
    await register({ url: 'http://127.0.0.1:1/' })
    assert.partialDeepStrictEqual(await one('L-4'), { code: 'vault/recipient-away' })
    await register()
    assert.partialDeepStrictEqual(await one('L-4'), { ok: true })
    await vault.close()
  })
}

test('a thousand labels in one batch, each once', async () => {
  await using db = await STORES[0]!.open()
  await using keysDb = await STORES[0]!.open()
  await using there = await carrier()
  const { person, send, vault, register } = await setup(db, keysDb, there.url)
  await register({ atOnce: 32, timeoutMs: 10_000 })
  const people = await Promise.all(Array.from({ length: 20 }, (_, i) => person(`DH-${i}`)))
  const items = Array.from({ length: 1_000 }, (_, i) => ({
    id: `L-${i}`,
    subject: people[i % 20]!,
    record: `DH-${i % 20}`,
  }))
  const results = await send(items)
  assert.equal(results.filter((result) => result.ok).length, 1_000)
  assert.equal(new Set(there.got.map((one) => one.key)).size, 1_000)
  assert.equal(there.got.length, 1_000)
  await vault.close()
})

test('places and pointers', () => {
  const deep = (levels: number): Json => (levels === 0 ? '{{person.name}}' : [deep(levels - 1)])
  assert.equal(placesIn(deep(8), '-')!.length, 1)
  for (const headers of [
    { Host: 'x' },
    { 'Content-Length': '1' },
    { 'X-A': 'a\r\nb' },
    { 'X-A': 'khoá' },
    { 'a b': 'c' },
  ])
    assert.equal(
      Recipient.safeParse({ name: 'a', url: 'https://a.example/', headers }).success,
      false,
      JSON.stringify(headers),
    )
  for (const url of [
    'http://a.example/',
    'https://u:p@a.example/',
    'file:///etc/passwd',
    'http://127.0.0.1.a.example/',
  ])
    assert.equal(Recipient.safeParse({ name: 'a', url }).success, false, url)
  assert.equal(placesIn(deep(9), '-'), undefined)
  assert.equal(
    placesIn(
      Array.from({ length: 65 }, (_, i) => `{{order.note#A${i}}}`),
      '-',
    ),
    undefined,
  )
  assert.deepEqual(placesIn('{{order.note}} {{order.note#B}} {{person.name}} {{x}} {{Person.name}}', 'A'), [
    { collection: 'order', field: 'note', record: 'A' },
    { collection: 'order', field: 'note', record: 'B' },
    { collection: 'person', field: 'name', record: '-' },
  ])
  assert.equal(
    filled('$& {{person.name}}', '-', new Map([['person.name#-', '$1 {{person.phone}}']])),
    '$& $1 {{person.phone}}',
  )
  for (const [pointer, expected] of [
    ['/a/0/b', 1],
    ['/a~1b', 2],
    ['/c~0d', 3],
    ['/a/9', undefined],
    ['/a/length', 1],
    ['/constructor', undefined],
  ] as const)
    // prettier-ignore
    assert.equal(partAt({ a: [{ b: 1 }], 'a/b': 2, 'c~d': 3 }, pointer), pointer === '/a/length' ? 1 : expected, pointer)
})
