import assert from 'node:assert/strict'
import test from 'node:test'
import { accountToken } from '../account-token.ts'
import { parseLine } from './parse-line.ts'

const NOW = Date.UTC(2026, 10, 22, 3)
const KEY = new Uint8Array(32).fill(7)
const ctx = { now: NOW, sender: 'SENDER01', fallbackId: 'e_X-1', tokenKey: KEY as Uint8Array | undefined }
const access = {
  time: NOW,
  kind: 'gateway.access',
  requestId: 'R-7Q4K-2MXB',
  clientAddress: '198.18.0.7',
  clientPort: 4_000,
  method: 'GET',
  host: 'Shop.example.vn:8080',
  path: '/orders',
  status: 200,
  bytesIn: 0,
  bytesOut: 512,
  ms: 1.25,
}
const refused = {
  ...access,
  kind: 'gateway.refused',
  bytesIn: undefined,
  bytesOut: undefined,
  ms: undefined,
  score: 15,
  threshold: 5,
  mode: 'block',
  severity: 'critical',
  ruleIds: [944_120],
  tags: ['attack-jndi', 'capec/1000/152/248'],
  places: ['ARGS:q', 'REQUEST_HEADERS:user-agent', '&ARGS', 'ARGS:•[0]…'],
  callbackHost: 'C2.Example.NET.',
  callbackPort: 1_389,
}
const login = {
  time: NOW,
  kind: 'session.login',
  account: 'lan@example.vn',
  clientAddress: '::FFFF:10.0.0.1',
  result: 'refused',
}
const dns = {
  time: NOW,
  kind: 'dns.query',
  clientAddress: '2001:DB8::0:1',
  query: 'WWW.Example.VN.',
  answers: ['203.0.113.9'],
}
const read = {
  time: NOW,
  kind: 'vault.read',
  actor: 'service:svc_1',
  collection: 'person',
  fields: ['phone'],
  purpose: 'delivery',
  subjects: 3,
  result: 'allowed',
}
const flow = {
  time: NOW,
  kind: 'net.flow',
  clientAddress: '10.0.0.1',
  clientPort: 1,
  serverAddress: '10.0.0.2',
  serverPort: 443,
  protocol: 'tcp',
}

const kept = ({ query, ...event }: typeof dns) => ({
  ...event,
  clientAddress: '2001:db8::1',
  query: query.toLowerCase().replace(/\.$/, ''),
})

const KEPT: readonly (readonly [string, object, object])[] = [
  ['an access, its host in lower case, its id given', access, { ...access, id: 'e_X-1', host: 'shop.example.vn:8080' }],
  ['an id of the sender, behind the sender', { ...dns, id: 'a/1' }, { ...kept(dns), id: 'SENDER01-a/1' }],
  ['an id that just fits', { ...dns, id: 'x'.repeat(55) }, { ...kept(dns), id: `SENDER01-${'x'.repeat(55)}` }],
  [
    'the digest of a longer one',
    { ...dns, id: 'x'.repeat(64) },
    { ...kept(dns), id: 'SENDER01-FKGG15RZCKKG07MFWPJHJWZCVZGWXN1B' },
  ],
  [
    'ISO time becomes milliseconds',
    { ...access, time: '2026-11-22T03:00:00Z' },
    { ...access, id: 'e_X-1', host: 'shop.example.vn:8080' },
  ],
  [
    'a path that names a person is masked',
    { ...access, path: '/u/0912345678/lan@x.vn?q=1' },
    { ...access, id: 'e_X-1', host: 'shop.example.vn:8080', path: '/u/•/•' },
  ],
  [
    'a refusal with a callback',
    refused,
    {
      ...JSON.parse(JSON.stringify(refused)),
      id: 'e_X-1',
      host: 'shop.example.vn:8080',
      callbackHost: 'c2.example.net',
    },
  ],
  [
    'a log-in without its account',
    login,
    { ...login, id: 'e_X-1', account: accountToken(KEY, 'lan@example.vn'), clientAddress: '10.0.0.1' },
  ],
  ['a query in lower case', dns, { ...dns, id: 'e_X-1', clientAddress: '2001:db8::1', query: 'www.example.vn' }],
  ['a read', read, { ...read, id: 'e_X-1' }],
  ['a flow', flow, { ...flow, id: 'e_X-1' }],
]
for (const [name, line, wanted] of KEPT)
  test(`keeps ${name}`, () => assert.deepEqual(parseLine(JSON.stringify(line), ctx), { event: wanted }))

const DAY = 86_400_000
const REJECTED: readonly (readonly [string, unknown, string, string])[] = [
  ['no JSON', '{"kind":', 'json', ''],
  ['no object', '[1]', 'json', ''],
  ['an unknown kind', { ...access, kind: 'gateway.magic' }, 'kind', 'kind'],
  ['a kind of every object', { ...access, kind: 'toString' }, 'kind', 'kind'],
  ['no kind', { time: NOW }, 'kind', 'kind'],
  ['an unknown field', { ...access, surprise: 1 }, 'field', 'surprise'],
  ['an unknown field that is a value', { ...access, 'lan@example.vn': 1 }, 'field', '•'],
  ['a missing field', { ...access, status: undefined }, 'field', 'status'],
  ['null where a value belongs', { ...access, status: null }, 'field', 'status'],
  ['a port of text', { ...access, clientPort: '80' }, 'field', 'clientPort'],
  ['no address', { ...access, clientAddress: '10.0.0.256' }, 'field', 'clientAddress'],
  ['an address with a zone', { ...access, clientAddress: 'fe80::1%eth0' }, 'field', 'clientAddress'],
  ['an item of a list', { ...refused, ruleIds: [1, -1] }, 'field', 'ruleIds.1'],
  ['free text in a tag', { ...refused, tags: ['Nguyễn Văn A'] }, 'field', 'tags.0'],
  ['a phone number as a purpose', { ...read, purpose: 'x0912345678' }, 'field', 'purpose'],
  ['no DNS name', { ...dns, query: 'a b' }, 'field', 'query'],
  ['the future', { ...access, time: NOW + DAY + 1 }, 'time', 'time'],
  ['the distant past', { ...access, time: NOW - 400 * DAY - 1 }, 'time', 'time'],
  ['local time', { ...access, time: '2026-11-22T03:00:00' }, 'time', 'time'],
  ['an id with a blank', { ...access, id: 'a b' }, 'id', 'id'],
  ['a line too long', { ...access, path: 'x'.repeat(17_000) }, 'size', ''],
]
for (const [name, line, reason, field] of REJECTED)
  test(`rejects ${name}`, () => {
    const result = parseLine(typeof line === 'string' ? line : JSON.stringify(line), ctx)
    assert.ok('rejected' in result)
    assert.deepEqual([result.rejected.reason, result.rejected.field], [reason, field])
    assert.doesNotMatch(result.rejected.detail, /lan@|0912|Nguyễn/)
  })

test('without a key an account is rejected and a token passes', () => {
  const keyless = { ...ctx, tokenKey: undefined }
  const rejected = parseLine(JSON.stringify(login), keyless)
  assert.ok('rejected' in rejected && rejected.rejected.reason === 'account')
  assert.doesNotMatch(JSON.stringify(rejected), /lan@/)
  const account = accountToken(KEY, 'lan@example.vn')
  assert.match(account, /^acc_[0-9A-HJKMNP-TV-Z]{16}$/)
  const kept = parseLine(JSON.stringify({ ...login, account }), keyless)
  assert.ok('event' in kept && kept.event['account'] === account)
})
