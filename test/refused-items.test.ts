import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newSubject } from '../src/client/index.ts'
import { SCOPES } from '../src/kit/contract.ts'
import { enrol, form, runningNode, type RunningNode } from './running-node.ts'

const both = (text: string) => ({ vi: text, en: text })
const common = { title: both('t'), what: both('w'), recipients: [] }
const PURPOSES = [
  { ...common, id: 'delivery', ground: 'agreement', agreement: 'order', fields: ['person.name', 'person.phone'] },
  { ...common, id: 'news', ground: 'consent', ifWithdrawn: both('x'), fields: ['person.email'] },
]
const [anna, gone] = [newSubject(), newSubject()]

let node: RunningNode
let key = ''
const ask = async (method: string, path: string, body: unknown): Promise<Response> =>
  fetch(`${node.internal}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': crypto.randomUUID(),
    },
    body: JSON.stringify(body),
  })
const done = async (method: string, path: string, body: unknown): Promise<void> => {
  const answer = await ask(method, path, body)
  assert.equal(answer.status, 200, `${path}: ${answer.ok ? '' : await answer.text()}`)
}

before(async () => {
  node = await runningNode()
  const cookie = await enrol(node.internal, node.setupToken, 'quan-tri')
  const fields = [['name', 'thử'], ...SCOPES.map((scope) => ['scopes[]', scope])] as [string, string][]
  const made = await (await fetch(`${node.internal}/settings/keys`, form(node.internal, cookie, fields))).text()
  key = /id="secret"[^>]*>([^<]+)</.exec(made)![1]!
  await done('PUT', '/api/processing', { notice: both('Thông báo'), purposes: PURPOSES })
  for (const subject of [anna, gone]) await done('POST', '/api/agreements', { subject, kind: 'order', ref: 'DH-1' })
  await done('POST', '/api/vault/put', {
    items: [anna, gone].map((subject) => ({
      subject,
      collection: 'person',
      fields: { name: 'Hoa', phone: '0912345678' },
    })),
  })
  await done('POST', `/api/vault/people/${gone}/shred`, { reason: 'T-1' })
})
after(() => node?.[Symbol.asyncDispose]())

const person = { collection: 'person' }
/** The second item of each batch is refused; the first stays as good as it is. */
const good = { subject: anna, ...person }
const read = (fields: string[], more: object = {}) => ({ subject: anna, ...person, fields, ...more })
const reading = (purpose: string, item: object) => ({
  purpose,
  reason: 'T-1',
  items: [{ ...good, fields: ['name'] }, item],
})
const writing = (item: object) => ({ items: [{ ...good, fields: { name: 'Hoa' } }, item] })
const erasing = (item: object) => ({ reason: 'T-1', items: [{ ...good, fields: ['email'] }, item] })
const HASH = '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'

for (const [path, body, code, field] of [
  ['put', writing({ ...good, fields: { nickname: 'H' } }), 'vault/unknown-field', 'items.1.fields.nickname'],
  ['put', writing({ ...good, fields: { email: 'nobody' } }), 'vault/not-an-email', 'items.1.fields.email'],
  ['put', writing({ ...good, fields: {} }), 'vault/no-fields', 'items.1.fields'],
  ['put', writing({ ...good, fields: { name: 'Hoa' } }), 'vault/twice', 'items.1.fields.name'],
  ['put', writing({ ...good, subject: gone, fields: { name: 'Hoa' } }), 'vault/shredded', 'items.1.subject'],
  ['check', writing({ ...good, fields: { phone: '1' } }), 'vault/not-a-phone', 'items.1.fields.phone'],
  ['update', writing({ ...good, fields: { email: 'hoa@example.vn' } }), 'vault/nothing-held', 'items.1.fields.email'],
  [
    'update',
    writing({ ...good, subject: newSubject(), fields: { name: 'Hoa' } }),
    'vault/nothing-held',
    'items.1.fields',
  ],
  ['update', writing({ ...good, subject: gone, fields: { name: 'Hoa' } }), 'vault/shredded', 'items.1.subject'],
  ['get', reading('delivery', read(['nickname'])), 'vault/unknown-field', 'items.1.fields'],
  ['get', reading('delivery', { ...read(['password']), collection: 'account' }), 'vault/write-only', 'items.1.fields'],
  ['get', reading('delivery', read(['email'])), 'vault/field-outside-purpose', 'items.1.fields'],
  ['get', reading('delivery', read(['name'], { agreement: 'DH-9' })), 'vault/no-agreement', 'items.1.agreement'],
  ['get', reading('delivery', read(['name'], { subject: newSubject() })), 'vault/no-agreement', 'items.1.subject'],
  ['get', reading('news', read(['email'])), 'vault/no-consent', 'items.1.subject'],
  ['get', reading('nothing', read(['email'])), 'vault/unknown-purpose', 'purpose'],
  ['erase', erasing({ ...good, fields: ['nickname'] }), 'vault/unknown-field', 'items.1.fields'],
  ['erase', erasing({ ...good, collection: 'nothing' }), 'vault/unknown-field', 'items.1.collection'],
  [
    'passwords/import',
    {
      items: [
        { subject: anna, hash: HASH },
        { subject: gone, hash: HASH },
      ],
    },
    'vault/shredded',
    'items.1.subject',
  ],
  [
    'passwords/import',
    {
      items: [
        { subject: anna, hash: HASH },
        { subject: newSubject(), hash: 'x' },
      ],
    },
    'vault/unknown-hash',
    'items.1.hash',
  ],
] as const)
  // prettier-ignore
  test(`${path}: ${code} names body.${field}`, async () => {
    const answer = await ask('POST', `/api/vault/${path}`, body)
    assert.equal(answer.status, 200)
    const { items } = (await answer.json()) as { items: { ok: boolean; code?: string; field?: string }[] }
    assert.partialDeepStrictEqual(items[1], { ok: false, code, field: `body.${field}` })
    for (const item of items) assert.ok(item.ok || item.field?.startsWith('body.'), JSON.stringify(item))
  })

const looking = { purpose: 'delivery', reason: 'T-1', ...person, field: 'phone', value: '0912345678' }
for (const [path, body, status, code, field] of [
  ['tokens', { ...person, field: 'phone', values: ['0912345678', '12'] }, 400, 'vault/not-a-phone', 'body.values.1'],
  ['tokens', { ...person, field: 'name', values: ['Hoa'] }, 400, 'vault/no-token', 'body.field'],
  ['search', { ...looking, field: 'nickname' }, 400, 'vault/not-indexed', 'body.field'],
  ['search', { ...looking, by: 'last', value: '78' }, 400, 'vault/too-short', 'body.value'],
  ['search', { ...looking, purpose: 'nothing' }, 403, 'vault/unknown-purpose', 'body.purpose'],
  ['search', { ...looking, purpose: 'news' }, 403, 'vault/field-outside-purpose', 'body.field'],
  ['export', { purpose: 'nothing', reason: 'T-1', subject: anna }, 403, 'vault/unknown-purpose', 'body.purpose'],
  ['export', { purpose: 'delivery', reason: 'T-1', subject: 'x' }, 400, 'http/invalid', 'body.subject'],
  ['get', { ...reading('delivery', read(['Name'])) }, 400, 'http/invalid', 'body.items.1.fields.0'],
] as const)
  // prettier-ignore
  test(`${path}: ${code} as a whole names ${field}`, async () => {
    const answer = await ask('POST', `/api/vault/${path}`, body)
    assert.equal(answer.status, status)
    assert.partialDeepStrictEqual(await answer.json(), { code, field })
  })
