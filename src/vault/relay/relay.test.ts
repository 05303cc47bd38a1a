import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { ownAddresses } from '../../app/own-addresses.ts'
import type { Purpose } from '../../consent/index.ts'
import { newSubject, systemEntropy } from '../../kit/ids.ts'
import type { Database } from '../../storage/sql/index.ts'
import { STORES } from '../../storage/sql/testing.ts'
import { openVault } from '../index.ts'
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
  const wants = { status: 200, wait: 0, hang: false, redirect: false, echo: false }
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (part: string) => (body += part))
    req.on('end', async () => {
      got.push({ key: String(req.headers['idempotency-key']), secret: String(req.headers['x-token']), body })
      if (wants.hang) return
      if (wants.wait > 0) await new Promise((resolve) => setTimeout(resolve, wants.wait))
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

for (const store of STORES) {
  test(
    `${store.name}: one new id, asked for twice at once: sent once, answered twice`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await using there = await carrier()
      const { person, send, ctx, register } = await setup(db, keysDb, there.url)
      await register({ timeoutMs: 5_000, keep: [] })
      const other = openVault(ctx)
      const subject = await person('DH-1')
      const item = (id: string) => ({ id, subject, record: 'DH-1', body: { tel: '{{person.phone}}' } })
      const asked = { recipient: 'giao-nhanh', purpose: 'deliver', reason: 'DH', actor: APP }
      const calls = Array.from({ length: 12 }, (_, i) => {
        const items = [item('A'), item('B')]
        // A second process of the vault, where there can be one.
        return i % 3 === 2 && db.dialect === 'postgres'
          ? other.relay.relay(asked, items)
          : send(i % 2 ? items : items.toReversed())
      })
      // And one that comes while the first are on their way.
      while (there.got.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      const all = [...(await Promise.all(calls)), await send([item('A')])].flat()
      assert.deepEqual(there.got.map(({ key }) => key).toSorted(), ['A', 'B'])
      const codes = Map.groupBy(all, ({ id }) => id)
      for (const [id, results] of codes) {
        assert.ok(
          results.every((result) => result.ok),
          JSON.stringify(results),
        )
        assert.equal(new Set(results.map((result) => result.ok && result.answer['/label/code'])).size, 1, id)
        assert.equal(results.filter((result) => result.ok && !result.again).length, 1)
      }
      await other.close()
    },
  )

  test(
    `${store.name}: a ground that goes while others are being sent takes its item along`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      await using there = await carrier()
      const { person, send, register, consent, vault, acts } = await setup(db, keysDb, there.url)
      await register({ timeoutMs: 2_000, atOnce: 1 })
      const [first, closed, gone, last] = [await person('DH-1'), await person('DH-2'), await person('DH-3'), await person('DH-4')] // prettier-ignore
      there.wants.wait = 400
      const sending = send([first, closed, gone, last].map((subject, i) => ({ id: `L-${i + 1}`, subject, record: `DH-${i + 1}` }))) // prettier-ignore
      while (there.got.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await consent.agreements.close({ subject: closed, kind: 'order', ref: 'DH-2' }, APP, undefined)
      await vault.shred(gone, 'xóa', APP, undefined)
      const results = await sending
      assert.deepEqual(
        results.map((result) => (result.ok ? 'ok' : result.code)),
        ['ok', 'vault/no-agreement', 'vault/shredded', 'ok'],
      )
      assert.deepEqual(there.got.map(({ key }) => key), ['L-1', 'L-4']) // prettier-ignore
      const refused = acts.filter((act) => act.kind === 'vault.relayed' && act.result === 'refused')
      assert.deepEqual(refused.map((act) => [act.subject, act.facts!['code']]), [[closed, 'vault/no-agreement'], [gone, 'vault/shredded']]) // prettier-ignore
    },
  )
}

test('the node itself is nobody’s recipient', async () => {
  await using db = await STORES[0]!.open()
  await using keysDb = await STORES[0]!.open()
  const isOwn = ownAddresses({
    internal: { host: '127.0.0.1', port: 8081 },
    public: { host: '0.0.0.0', port: 8091 },
    internalOrigin: 'https://console.example.vn',
    publicOrigin: 'https://example.vn',
  })
  const { vault } = await vaultOver(db, keysDb, { isOwn })
  const set = (url: string) => vault.relay.recipients.set('x', Recipient.parse({ name: 'X', url }), 'staff:dpo')
  for (const url of [
    'http://127.0.0.1:8081/api/vault/put',
    'http://localhost:8091/',
    'https://LOCALHOST:8081/x',
    'https://[::1]:8081/',
    'https://127.1:8091/',
    'https://example.vn/api',
    'https://console.example.vn:443/api',
    `https://${hostname()}:8081/`,
  ])
    await assert.rejects(set(url), { code: 'vault/own-address', field: 'body.url' }, url)
  for (const url of ['http://127.0.0.1:8080/', 'https://example.vn:8443/', 'https://api.carrier.example/labels'])
    assert.equal((await set(url)).url, url)
})

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
