import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { GatewaySettings } from '../../src/gateway/contract.ts'
import { raw, startRig, startUpstream } from './servers.ts'
import { settingsWith } from './sites.ts'

const ATTACK = '/?q=%27%20or%20%271%27%3D%271'
const ask = async (port: number, host: string, target: string, more = '', body = ''): Promise<string> => {
  const answer = await raw(
    port,
    `${body === '' ? 'GET' : 'POST'} ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n${body}`,
    4_000,
  )
  return answer
}
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
const post = (type: string, body: string): [string, string] => [
  `Content-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`,
  body,
]

test('hosts, routes and what each of them asks for', async (t) => {
  await using rig = await startRig()
  await using other = await startUpstream()
  const wide = { limit: 1_000, beyond: 'pass' }
  await rig.gateway.use(
    settingsWith(rig.origin, [
      {
        name: 'shop',
        hosts: ['shop.vn', '*.shop.vn'],
        routes: [
          { path: '/watch/**', mode: 'detect' },
          { path: '/free/**', mode: 'off' },
          { path: '/api/*', methods: ['GET', 'PUT'], contentTypes: ['application/json'] },
          {
            path: '/order',
            schema: {
              type: 'object',
              required: ['code'],
              additionalProperties: false,
              properties: { code: { type: 'string', pattern: '^(a+)+$' }, n: { type: 'integer', maximum: 9 } },
            },
          },
          { path: '/strict/**', threshold: 3 },
          { path: '/lenient/**', threshold: 50 },
          { path: '/big', body: wide },
          {
            path: '/patched',
            virtualPatches:
              'SecRule ARGS:id "!@rx ^[0-9]+$" "id:700001,phase:1,deny,status:404,msg:\'id\'"\nSecRule ARGS:ten "@contains Hội An" "id:700003,phase:1,deny,status:410"',
          },
          {
            path: '/excluded',
            exclusions: { before: 'SecAction "id:700002,phase:1,nolog,pass,ctl:ruleRemoveById=1000000-1999999"' },
          },
        ],
      },
      { name: 'other', hosts: ['other.vn'], upstreams: [{ url: other.origin }] },
      { name: 'away', hosts: ['away.vn'], maintenance: true },
    ]),
  )
  const upload = (words: string): [string, string] =>
    post(
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="ten"\r\n\r\n${words}\r\n--b\r\nContent-Disposition: form-data; name="tep"; filename="anh.jpg"\r\nContent-Type: image/jpeg\r\n\r\n${'\x01'.repeat(4_000)}\r\n--b--\r\n`,
    )
  const big = post('application/octet-stream', '\0'.repeat(5_000))
  for (const [name, status, host, target, more, body] of [
    ['its own host', 200, 'shop.vn', '/'],
    ['host with a port', 200, 'shop.vn:8080', '/'],
    ['a name below', 200, 'a.b.shop.vn', '/'],
    ['another site', 200, 'other.vn', '/'],
    ['nobody’s host', 421, 'evil.vn', '/'],
    ['maintenance', 503, 'away.vn', '/'],
    ['an attack', 403, 'shop.vn', ATTACK],
    ['watched only', 200, 'shop.vn', `/watch${ATTACK}`],
    ['not looked at', 200, 'shop.vn', `/free/x${ATTACK}`],
    ['two readings of a path', 400, 'shop.vn', `/free/%2e%2e/admin${ATTACK.slice(1)}`],
    ['two readings, encoded slash', 400, 'shop.vn', '/free%2fx'],
    ['dots that change nothing', 200, 'shop.vn', '/free/a/../b'],
    ['a method it takes', 200, 'shop.vn', '/api/x'],
    ['a method it does not take', 405, 'shop.vn', '/api/x', ...post('application/json', '{}')],
    ['JSON that fits', 200, 'shop.vn', '/order', ...post('application/json', '{"code":"aaa","n":3}')],
    ['JSON that does not fit', 422, 'shop.vn', '/order', ...post('application/json', '{"code":"aaa","n":10}')],
    [
      'a pattern that backtracking would never end',
      422,
      'shop.vn',
      '/order',
      ...post('application/json', `{"code":"${'a'.repeat(5_000)}!"}`),
    ],
    ['no JSON', 400, 'shop.vn', '/order', ...post('application/json', '{"code"')],
    ['a longer body passes', 200, 'shop.vn', '/big', ...big],
    ['a longer upload passes', 200, 'shop.vn', '/big', ...upload('Anh san pham')],
    ['an attack at its beginning does not', 403, 'shop.vn', '/big', ...upload("' or '1'='1")],
    ['a virtual patch, good', 200, 'shop.vn', '/patched?id=7'],
    ['a patch that speaks Vietnamese', 410, 'shop.vn', `/patched?id=1&ten=${encodeURIComponent('Phố Hội An')}`],
    ['a virtual patch', 404, 'shop.vn', '/patched?id=x'],
    ['rules taken away', 200, 'shop.vn', `/excluded${ATTACK.slice(1)}`],
    ['a high threshold', 200, 'shop.vn', `/lenient/${ATTACK.slice(1)}`],
  ] as [string, number, string, string, string?, string?][])
    await t.test(name, async () => {
      const before = rig.received.length
      assert.equal(statusOf(await ask(rig.port, host, target, more, body)), status)
      if (host === 'shop.vn') assert.equal(rig.received.length - before, status === 200 ? 1 : 0)
    })
  assert.equal(other.received.length, 1)
  assert.equal(rig.received.find(({ url }) => url === '/big')!.body.length, 5_000)
  const { turned, observed, uninspected, settingsVersion } = rig.gateway.stats()
  assert.deepEqual(
    { host: turned.host, maintenance: turned.maintenance, model: turned.model, observed, uninspected, settingsVersion },
    { host: 1, maintenance: 1, model: 3, observed: 1, uninspected: 3, settingsVersion: 1 },
  )
})

test('new rules take over without a request lost; broken ones change nothing', async () => {
  await using rig = await startRig()
  const folder = await mkdtemp(join(tmpdir(), 'khien-rules-'))
  const rules = (path: string): object => ({ ruleSets: [{ name: 'default', rules: [path] }] })
  const one = join(folder, 'one.conf')
  await writeFile(one, 'SecRuleEngine On\nSecRule ARGS "@contains xoai" "id:1,phase:1,deny,status:403,msg:\'x\'"\n')
  const broken = join(folder, 'broken.conf')
  await writeFile(broken, 'SecRuleEngine On\nSecRule ARGS "@nosuch x" "id:1"\n')
  await rig.gateway.use(settingsWith(rig.origin, [{}], { version: 2, ...rules(one) }))
  assert.equal(statusOf(await ask(rig.port, 'a', '/?q=xoai')), 403)
  // Slow answers are under way all the while.
  const under = Array.from({ length: 20 }, (_, i) => ask(rig.port, 'a', `/big?${i}`))
  await assert.rejects(rig.gateway.use(settingsWith(rig.origin, [{}], { version: 3, ...rules(broken) })), {
    code: 'waf/unsupported',
    message: /broken\.conf:2/,
  })
  await assert.rejects(rig.gateway.use(settingsWith(rig.origin, [{}, {}])), { code: 'gateway/host' })
  assert.equal(statusOf(await ask(rig.port, 'a', '/?q=xoai')), 403)
  assert.equal(rig.gateway.stats().settingsVersion, 2)
  await rig.gateway.use(settingsWith(rig.origin, [{}], { version: 4 }))
  assert.equal(statusOf(await ask(rig.port, 'a', '/?q=xoai')), 200)
  assert.deepEqual(new Set((await Promise.all(under)).map(statusOf)), new Set([200]))
  await rm(folder, { recursive: true })
})

for (const [name, wrong, field] of [
  ['an upstream with a path', { upstreams: [{ url: 'http://a/b' }] }, 'sites.0.upstreams.0.url'],
  ['a host with a path', { hosts: ['a/b'] }, 'sites.0.hosts.0'],
  ['an unknown word', { colour: 'red' }, 'sites.0'],
  ['a body limit below nothing', { body: { limit: -1 } }, 'sites.0.body.limit'],
] as const)
  test(`settings are refused for ${name}`, () => {
    const result = GatewaySettings.safeParse({
      version: 1,
      ruleSets: [{ name: 'default', rules: ['/x'] }],
      sites: [{ name: 'a', hosts: ['*'], upstreams: [], ...wrong }],
    })
    assert.equal(result.error?.issues[0]?.path.join('.'), field)
  })

test('an IPv4 address is never banned by itself', () => {
  const until = '2030-01-01T00:00:00Z'
  const fine = (ban: object): boolean => GatewaySettings.shape.bans.safeParse([{ until, ...ban }]).success
  assert.deepEqual(
    [
      { address: '192.0.2.1' },
      { address: '192.0.2.1', port: 4_000 },
      { address: '2001:db8::/64' },
      { account: 'a'.repeat(22) },
      {},
    ].map(fine),
    [false, true, true, true, false],
  )
})

test('settings come from the node, are kept for a start without it, and a new version is fetched', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-settings-'))
  const nodeSocket = join(folder, 'node.sock')
  await using upstream = await startUpstream()
  let version = 5
  const node = createServer((req, res) => {
    req.resume()
    if (req.url === '/gateway/settings')
      return void res.end(JSON.stringify(settingsWith(upstream.origin, [{ hosts: [`v${version}.vn`] }], { version })))
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ settingsVersion: version }))
  })
  await new Promise<void>((resolve) => node.listen(nodeSocket, resolve))
  const { socketRecorder } = await import('../../src/gateway/worker/index.ts')
  const { silentLog } = await import('../../src/kit/log.ts')
  const recorder = socketRecorder(nodeSocket, silentLog)
  {
    await using rig = await startRig({ nodeSocket, folder }, {}, { recorder })
    assert.equal(statusOf(await ask(rig.port, 'v5.vn', '/')), 200)
    assert.equal(statusOf(await ask(rig.port, 'v6.vn', '/')), 421)
    version = 6
    for (let i = 0; i < 600 && rig.gateway.stats().settingsVersion !== 6; i++)
      await new Promise((r) => setTimeout(r, 50))
    assert.equal(statusOf(await ask(rig.port, 'v6.vn', '/')), 200)
  }
  await recorder[Symbol.asyncDispose]()
  node.closeAllConnections()
  await new Promise((resolve) => node.close(resolve))
  assert.match(await readFile(join(folder, 'gateway-settings.json'), 'utf8'), /v6\.vn/)
  {
    // What was kept names rules that are no longer there: the gateway stands, by the rules it was started with.
    const kept = join(folder, 'gateway-settings.json')
    const good = await readFile(kept, 'utf8')
    await writeFile(kept, good.replace(/"rules":\["[^"]*"\]/, '"rules":["/khong/co"]'))
    await using rig = await startRig({ nodeSocket, folder })
    assert.equal(statusOf(await ask(rig.port, 'v6.vn', '/')), 200)
    assert.equal(statusOf(await ask(rig.port, 'v6.vn', ATTACK)), 403)
    assert.deepEqual([rig.gateway.stats().settingsErrors > 0, rig.gateway.stats().settingsVersion], [true, 0])
    await writeFile(kept, good)
  }
  await using alone = await startRig({ nodeSocket, folder })
  assert.equal(statusOf(await ask(alone.port, 'v6.vn', '/')), 200)
  assert.equal(alone.gateway.stats().settingsVersion, 6)
  await rm(folder, { recursive: true })
})
