import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseConfig } from './parse-config.ts'
import { originOf, planStart } from './plan.ts'
import { specsOf } from './specs.ts'

const data = mkdtempSync(join(tmpdir(), 'khien-plan-'))
after(() => rmSync(data, { recursive: true }))
mkdirSync(join(data, 'own', 'platform'), { recursive: true })
writeFileSync(join(data, 'own', 'platform', 'key.json'), '{}')

const plan = (argv: string, terminal = false) =>
  planStart(parseConfig(argv.split(' '), {}, { root: '/opt/khien', cwd: data }), terminal)

for (const wrong of [
  { argv: '--upstream http://127.0.0.1:3000', code: 'demo-key' },
  { argv: '--role platform --upstream http://127.0.0.1:3000 --data none', code: 'demo-key' },
  { argv: '--role telecom --internal-bind 0.0.0.0', code: 'demo-key' },
  { argv: '--role authority --public-bind 203.0.113.9', code: 'demo-key' },
  { argv: '--gateway-bind ::', code: 'demo-key' },
  { argv: '--role platform --data own', code: 'upstream-needed' },
  { argv: '--role telecom --key-fd 3', code: 'no-key' },
])
  test(`refused: ${wrong.argv}`, () => assert.throws(() => plan(wrong.argv), { code: wrong.code }))

const OWN = '--role platform --upstream http://127.0.0.1:3000 --data own'
for (const { argv, terminal, key } of [
  { argv: '--data none', terminal: true, key: { from: 'demo' } },
  { argv: OWN, terminal: true, key: { from: 'prompt' } },
  { argv: OWN, terminal: false, key: { from: 'sealed' } },
  { argv: `${OWN} --key-fd 5`, terminal: true, key: { from: 'fd', fd: 5 } },
])
  test(`the key of ${argv} ${terminal ? 'on' : 'off'} a terminal`, () =>
    assert.deepEqual(plan(argv, terminal).nodes[0]!.key, key))

test('a key descriptor goes to the node alone and once', () => {
  const specs = specsOf(plan(`${OWN} --key-fd 5 --workers 1`), '/opt/khien')
  const [node] = specs
  const gateway = specs.find(({ name }) => name === 'gateway 1')
  assert.deepEqual(node!.fds, [5])
  assert.deepEqual((node!.config as { key: unknown }).key, { from: 'fd', fd: 4 })
  assert.deepEqual((node!.configAfterRestart as { key: unknown }).key, { from: 'sealed' })
  assert.equal(gateway!.fds, undefined)
  assert.ok(!JSON.stringify(gateway!.config).includes('databaseUrl'))
})

for (const [host, origin] of [
  ['127.0.0.1', 'http://localhost:80'],
  ['::1', 'http://localhost:80'],
  ['192.0.2.7', 'http://192.0.2.7:80'],
  ['2001:db8::7', 'http://[2001:db8::7]:80'],
] as const)
  test(`the origin of ${host}`, () => assert.equal(originOf({ host, port: 80 }), origin))
