import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { placeOfError } from './config-file.ts'
import { parseConfig } from './parse-config.ts'
import { planStart } from './plan.ts'
import { specsOf } from './specs.ts'

const folder = mkdtempSync(join(tmpdir(), 'khien-config-'))
after(() => rmSync(folder, { recursive: true }))
const place = { root: '/opt/khien', cwd: '/home/an' }
const parse = (argv: string, env: Record<string, string> = {}) =>
  parseConfig(argv === '' ? [] : argv.split(' '), env, place)
const file = (text: string): string => {
  const path = join(folder, 'khien.json')
  writeFileSync(path, text)
  return `--config ${path}`
}

test('nothing said is the demo on the loopback', () => {
  const config = parse('')
  assert.equal(config.demo, true)
  assert.deepEqual(config.roles, ['platform', 'telecom', 'authority'])
  assert.equal(config.data, '/opt/khien/data')
  assert.deepEqual(new Set(Object.values(config.bind)), new Set(['127.0.0.1']))
  const ports = planStart(config, false).listeners.map(({ address }) => address.port)
  assert.deepEqual(ports, [8080, 8081, 8091, 8082, 8092, 8083, 8093, 8100, 8101, 8102, 8103])
})

test('flag before environment before file', () => {
  const json = '{ "port": 1000, "data": "/file", "mode": "detect", "trusted-proxy": ["10.0.0.0/8"] }'
  const config = parse(`--data /flag ${file(json)}`, { KHIEN_PORT: '2000', KHIEN_DATA: '/env' })
  assert.deepEqual([config.data, config.port, config.mode], ['/flag', 2000, 'detect'])
  assert.deepEqual(config.trustedProxies, ['10.0.0.0/8'])
})

test('a process beside a node is the vault alone', () => {
  const urls = { DATABASE_URL: 'postgres://db/a', KEYS_DATABASE_URL: 'postgres://db/b' }
  const argv = `--role platform --serve vault --port 9000 --token-budget 500 --data ${folder}`
  mkdirSync(join(folder, 'platform'), { recursive: true })
  writeFileSync(join(folder, 'platform', 'key.json'), '{}')
  const plan = planStart(parse(argv, urls), false)
  assert.equal(plan.gateway, undefined)
  assert.deepEqual(
    plan.nodes.map(({ beside, tokenBudget }) => [beside, tokenBudget]),
    [[true, 500]],
  )
  assert.deepEqual(
    specsOf(plan, '/opt/khien').map(({ name }) => name),
    ['platform'],
  )
  for (const [words, env] of [
    ['--serve vault', urls],
    ['--role authority --serve vault', urls],
    ['--role platform --serve vault --upstream http://127.0.0.1:3000', urls],
    ['--role platform --serve vault', { DATABASE_URL: 'postgres://db/a' }],
  ] as const)
    assert.throws(() => parse(words, env), /serve|say which with --role/)
  rmSync(join(folder, 'platform'), { recursive: true })
  assert.throws(() => planStart(parse(argv, urls), false), { code: 'demo-key' })
})

for (const wrong of [
  { argv: '--prot 80', says: 'Unknown flag --prot; did you mean --port?' },
  { argv: '--port 80a', says: '--port: expected 1–65512, got "80a"' },
  { argv: '--port 65535', says: '--port: expected 1–65512, got "65535"' },
  { argv: '--port', says: '--port needs a value.' },
  { argv: '--port 1 --port 2', says: '--port is given twice.' },
  { argv: '--role bank', says: '--role: expected platform, telecom or authority, got "bank"' },
  { argv: 'platform', says: 'Unexpected argument "platform"; settings are given as --name value.' },
  { argv: '--upstream localhost:3000', says: /^--upstream: expected a URL/ },
  { argv: '--upstream http://a:b@x', says: /^--upstream: expected a URL/ },
  { argv: '--trusted-proxy 10.0.0.0/33', says: /^--trusted-proxy: expected addresses or ranges/ },
  {
    argv: '--key-fd 3 --key-credential k',
    says: '--key-fd, --key-credential, --key-transit and --key-pkcs11 exclude each other.',
  },
  {
    argv: '--key-transit t --key-fd 3',
    says: '--key-fd, --key-credential, --key-transit and --key-pkcs11 exclude each other.',
  },
  { argv: '--key-credential ..', says: /^--key-credential: expected a systemd credential name/ },
  { argv: '--key-credential k', says: /^key-credential: systemd gave no/ },
  { argv: '--config /nowhere.json', says: 'The configuration file /nowhere.json cannot be read (ENOENT).' },
  { argv: '', env: { KHIEN_PORT: '0' }, says: 'KHIEN_PORT: expected 1–65512, got "0"' },
  {
    argv: '',
    env: { DATABASE_URL: 'postgres://u:p@h/d' },
    says: 'DATABASE_URL holds one node; say which with --role.',
  },
  { json: '{ "port": "80a" }', says: 'config: port: expected 1–65512, got "80a"' },
  { json: '{ "prot": 80 }', says: 'config: prot: unknown; did you mean port?' },
  { json: '[]', says: /must hold one JSON object\.$/ },
  { json: '{ "port": 80,\n  "mode" "block" }', says: /khien\.json is not JSON: line 2, column 10\.$/ },
])
  test(`refused: ${'json' in wrong ? wrong.json : wrong.argv || JSON.stringify(wrong.env)}`, () => {
    const argv = 'json' in wrong ? file(wrong.json!) : wrong.argv!
    assert.throws(() => parse(argv, wrong.env ?? {}), { message: wrong.says })
  })

for (const [text, at] of [
  ['{"a":x}', 'line 1, column 6'],
  ['{\n "a": trx }', 'line 2, column 9'],
  ['{"a":1', 'line 1, column 7'],
  ['{"a":', 'it ends too early'],
  ['', 'it ends too early'],
] as const)
  test(`the place of the mistake in ${JSON.stringify(text)}`, () => assert.equal(placeOfError(text), at))

test('the content of a wrong file is never shown', () => {
  try {
    parse(file('{ "controller": s3cret }'))
    assert.fail('accepted')
  } catch (error) {
    assert.doesNotMatch(String(error), /s3cret/)
  }
})
