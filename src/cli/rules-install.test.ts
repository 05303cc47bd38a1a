import assert from 'node:assert/strict'
import { createHash, createPrivateKey } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openTransaction } from '../engine/waf/index.ts'
import { readRuleSet } from '../gateway/worker/rule-files.ts'
import { compilePlanAtOnce } from '../gateway/worker/plans.ts'
import { entry, signDetached, tarOf } from '../release/testing.ts'
import { KhienError } from '../kit/errors.ts'
import { rules } from './rules.ts'
import { loadPlan } from './waf-rules.ts'

const root = join(import.meta.dirname, '../..')
const crs = join(process.env['KHIEN_VECTORS'] ?? join(root, '../shared/vectors'), 'crs4')
const skip = existsSync(crs) ? false : 'CRS 4 is not here: set KHIEN_VECTORS'
const fixtures = join(root, 'src/release/openpgp/fixtures')
const ED25519 = 'DB38E280F6543A764753407839675970E8EFCBDA'
const EXPIRED = 'E5B75CFD616E70C0327C95ED08494BEB525D9003'
const KEY = ['--key', join(fixtures, 'ed25519-key.asc'), '--trust', ED25519]
const key = createPrivateKey(readFileSync(join(fixtures, 'ed25519-private.pem')))

const work = mkdtempSync(join(tmpdir(), 'khien-rules-'))
after(() => rmSync(work, { recursive: true, force: true }))
let number = 0
const fresh = (): string => join(work, `data${number++}`)

/** The rules of the vectors as a release, under another version where one is told. */
function release(version: string, change: (name: string, text: string) => string = (_, text) => text): Buffer {
  const top = `coreruleset-${version}/`
  const names = ['crs-setup.conf.example', 'LICENSE']
  for (const folder of ['rules', 'plugins'])
    names.push(...readdirSync(join(crs, folder)).map((name) => `${folder}/${name}`))
  const files = names.map((name) => {
    const text = readFileSync(join(crs, name), 'latin1').replaceAll('OWASP_CRS/4.29.0-dev', `OWASP_CRS/${version}`)
    return entry(`${top}${name}`, Buffer.from(change(name, text), 'latin1'))
  })
  return gzipSync(
    tarOf(
      entry('pax_global_header', '52 comment=2cbd1d019cb7c85319ba4d9102a382c9de7a8e53\n', 'g'),
      entry(top, '', '5'),
      ...files,
    ),
  )
}

type Said = { code: number | string; out: string; err: string }
/** What the verb says, and its exit code or the code of its error. */
async function khien(...args: readonly string[]): Promise<Said> {
  const said = { out: '', err: '' }
  const io = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text) }
  try {
    const code = await rules.run(args, { ...io, stdin: process.stdin, env: {}, language: 'en', root })
    return { code, ...said }
  } catch (error) {
    if (!(error instanceof KhienError)) throw error
    return { code: error.code, out: said.out, err: `${said.err}${error.message}\n` }
  }
}

function place(
  archive: Buffer,
  signature: Buffer | undefined = signDetached(archive, key, ED25519, Date.now()),
): string {
  const path = join(work, `release${number++}.tar.gz`)
  writeFileSync(path, archive)
  if (signature !== undefined) writeFileSync(`${path}.asc`, signature)
  return path
}

const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

test(
  'a signed release is installed, listed, usable by check and gateway, and kept when the next comes',
  { skip },
  async () => {
    const data = fresh()
    const home = join(data, 'rules/crs')
    const first = await khien('install', 'crs', '--from', place(release('4.28.0')), '--data', data, ...KEY)
    assert.deepEqual([first.code, first.out], [0, `${join(home, '4.28.0')}\n`], first.err)
    assert.match(first.err, /believed because you said so/)

    const head = (target: string) => ({
      method: 'POST',
      target,
      httpVersion: '1.1',
      headers: [
        ['Host', 'shop.vn'],
        ['Content-Type', 'application/json'],
        ['User-Agent', 'x'],
        ['Accept', '*/*'],
      ] as const,
      clientAddress: '192.0.2.1',
      clientPort: 5,
    })
    const folder = join(home, '4.28.0')
    const asGateway = compilePlanAtOnce(await readRuleSet({ name: 'crs', setup: [], rules: [folder] }), {
      ruleSet: 'crs',
      paranoia: undefined,
      threshold: undefined,
      before: '',
      after: '',
    })
    for (const plan of [loadPlan(root, { rules: [folder] }), asGateway])
      for (const { body, refused } of [
        { body: '{"q":"phở bò"}', refused: false },
        { body: `{"q":"1' UNION SELECT password FROM users-- "}`, refused: true },
      ]) {
        const transaction = openTransaction(plan, head('/'))
        assert.equal(transaction.inspectHead().refused, false)
        assert.equal(transaction.inspectBody(Buffer.from(body)).refused, refused)
      }

    // A person sets it up; the next release brings that along, and its own new examples.
    const setup = join(folder, '00-crs-setup.conf')
    const changed = readFileSync(setup, 'latin1').replace(
      'crs_setup_version=4290',
      'crs_setup_version=4290,setvar:tx.own=1',
    )
    assert.notEqual(changed, readFileSync(setup, 'latin1'))
    writeFileSync(setup, changed, 'latin1')
    writeFileSync(join(folder, '10-own.conf'), 'SecRule ARGS:own "@streq yes" "id:77,phase:2,deny"\n')
    writeFileSync(join(folder, 'ssrf.data'), 'changed by hand\n')
    const left = join(home, `.new-${'0'.repeat(16)}`)
    mkdirSync(left)
    utimesSync(left, 1, 1)
    const second = await khien('install', 'crs', '--from', place(release('4.29.1')), '--data', data, '--trust', ED25519)
    assert.equal(second.code, 0, second.err)
    assert.match(
      second.err,
      /carried over from 4\.28\.0: 00-crs-setup\.conf\n.*carried over from 4\.28\.0: 10-own\.conf\n.*not carried over: ssrf\.data/,
    )
    assert.equal(readFileSync(join(home, '4.29.1/00-crs-setup.conf'), 'latin1'), changed)
    assert.notEqual(readFileSync(join(home, '4.29.1/ssrf.data'), 'latin1'), 'changed by hand\n')
    assert.equal(readFileSync(join(home, 'current'), 'utf8'), '4.29.1\n')

    const listed = await khien('list', '--data', data)
    assert.match(listed.out, /^\* crs 4\.29\.1 .* signed by DB38 .*\n  crs 4\.28\.0 .*\n$/)
    assert.match((await khien('remove', 'crs', '4.29.1', '--data', data)).err, /is the current release/)
    const taken = join(data, 'platform', 'gateway', 'gateway-settings.json')
    mkdirSync(dirname(taken), { recursive: true })
    writeFileSync(taken, JSON.stringify({ ruleSets: [{ name: 'crs', rules: [join(home, '4.28.0')] }] }))
    assert.match((await khien('remove', 'crs', '4.28.0', '--data', data)).err, /The gateway runs on CRS 4\.28\.0/)
    writeFileSync(taken, JSON.stringify({ ruleSets: [{ name: 'crs', rules: [join(home, '4.29.1')] }] }))
    assert.equal((await khien('remove', 'crs', '4.28.0', '--data', data)).code, 0)
    assert.deepEqual(readdirSync(home), ['4.29.1', 'current', 'key.asc'])
  },
)

test('over an address: signature and checksum beside it, redirects, limits', { skip }, async () => {
  const archive = release('4.28.0')
  const answers: Record<string, [status: number, body: Buffer | string, location?: string]> = {
    '/crs.tar.gz': [200, archive],
    '/crs.tar.gz.asc': [200, signDetached(archive, key, ED25519, Date.now())],
    '/crs.tar.gz.sha256': [200, `${sum(archive)}  crs.tar.gz\n`],
    '/moved.tar.gz': [302, '', '/crs.tar.gz'],
    '/moved.tar.gz.asc': [302, '', '/crs.tar.gz.asc'],
    '/away.tar.gz': [302, '', 'http://example.com/crs.tar.gz'],
    '/round.tar.gz': [302, '', '/round.tar.gz'],
    '/other.tar.gz': [200, archive],
    '/other.tar.gz.sha256': [200, `${'0'.repeat(64)}  other.tar.gz\n`],
    '/broken.tar.gz': [500, ''],
    '/long.tar.gz': [200, Buffer.alloc(34_000_000)],
  }
  const server = createServer((req, res) => {
    const [status, body, location] = answers[req.url!] ?? [404, '']
    res.writeHead(status, location === undefined ? {} : { location }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    for (const { path, code, says } of [
      { path: '/crs.tar.gz', code: 0 },
      { path: '/moved.tar.gz', code: 0 },
      {
        path: '/away.tar.gz',
        code: 'release/download',
        says: /Only https addresses are fetched, not http:\/\/example\.com/,
      },
      { path: '/round.tar.gz', code: 'release/download', says: /around in circles/ },
      { path: '/other.tar.gz', code: 'rules/checksum', says: /not the one .*other\.tar\.gz\.sha256 speaks of/ },
      { path: '/broken.tar.gz', code: 'release/download', says: /answers 500/ },
      { path: '/long.tar.gz', code: 'release/too-large', says: /more than 32 MiB/ },
      { path: '/none.tar.gz', code: 'rules/unreadable', says: /There is nothing at/ },
    ]) {
      const data = fresh()
      const said = await khien('install', 'crs', '--from', `${origin}${path}`, '--data', data, ...KEY)
      assert.equal(said.code, code, said.err)
      if (says !== undefined) assert.match(said.err, says)
      assert.equal(existsSync(join(data, 'rules/crs/current')), code === 0)
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

type Refused = {
  says: string
  code: string
  archive?: () => Buffer
  /** What is signed instead of the archive; null: there is no signature. */
  signed?: ((archive: Buffer) => Buffer) | null
  args?: readonly string[]
  with: RegExp
}
const good = (): Buffer => release('4.28.0')
const refused: Refused[] = [
  {
    says: 'a changed archive',
    code: 'release/bad-signature',
    signed: (archive) => signDetached(Buffer.concat([archive, Buffer.from('x')]), key, ED25519, Date.now()),
    with: /the file or the signature was changed/,
  },
  {
    says: 'the project’s key, which did not sign',
    code: 'release/wrong-key',
    args: ['--key', join(fixtures, 'ed25519-key.asc')],
    with: /does not hold the key 3600 6F0E 0BA1 6783 2158 8211 38EE ACA1 AB8A 6E72/,
  },
  {
    says: 'another’s key',
    code: 'release/wrong-key',
    args: ['--key', join(fixtures, 'rsa-key.asc'), '--trust', '21E8B6CF983B52FFFAA98E0947251855713059C5'],
    with: /was made by DB38 E280/,
  },
  {
    says: 'an expired key',
    code: 'release/key-expired',
    args: ['--key', join(fixtures, 'expired-key.asc'), '--trust', EXPIRED],
    with: /expired on 2020-01-31/,
  },
  {
    says: 'no key',
    code: 'rules/key',
    args: [],
    with: /--key FILE; the project publishes it at https:\/\/coreruleset\.org/,
  },
  {
    says: 'no signature',
    code: 'rules/unsigned',
    signed: null,
    with: /There is no signature at .*--unsigned with --sha256/,
  },
  {
    says: 'unsigned without a checksum',
    code: 'rules/unsigned',
    signed: null,
    args: ['--unsigned'],
    with: /checksum must be given/,
  },
  {
    says: 'unsigned with another checksum',
    code: 'rules/checksum',
    signed: null,
    args: ['--unsigned', '--sha256', '0'.repeat(64)],
    with: /its SHA-256 is [0-9a-f]{64}/,
  },
  {
    says: 'signed with another checksum',
    code: 'rules/checksum',
    args: [...KEY, '--sha256', '0'.repeat(64)],
    with: /its SHA-256 is/,
  },
  {
    says: 'a path that leads out',
    code: 'release/archive-path',
    archive: () => gzipSync(tarOf(entry('crs/../../x', 'y'))),
    with: /leads out of it/,
  },
  {
    says: 'a bomb',
    code: 'release/archive-bomb',
    archive: () => gzipSync(Buffer.alloc(140_000_000)),
    with: /more than 128 MiB/,
  },
  {
    says: 'a link',
    code: 'release/archive-link',
    archive: () => gzipSync(tarOf(entry('crs/rules', '', '2'))),
    with: /a link or a device/,
  },
  {
    says: 'something else',
    code: 'rules/not-a-release',
    archive: () => gzipSync(tarOf(entry('readme', 'y'))),
    with: /no release of the Core Rule Set/,
  },
  {
    says: 'a folder of another version',
    code: 'rules/not-a-release',
    archive: () => release('4.28.0', (_, text) => text.replaceAll('OWASP_CRS/4.28.0', 'OWASP_CRS/4.1.0')),
    with: /its folder says 4\.28\.0, its rules say 4\.1\.0/,
  },
  {
    says: 'a rule we cannot run',
    code: 'rules/unsupported',
    archive: () =>
      release('4.28.0', (name, text) => (name.includes('930') ? text.replace('"@pmFromFile', '"@inspectFile') : text)),
    with: /REQUEST-930-APPLICATION-ATTACK-LFI\.conf:\d+: operator @inspectFile is not supported.*Nothing was changed/,
  },
]
for (const { says, code, archive = good, signed, args = KEY, with: expected } of refused)
  test(`refused, and nothing changes: ${says}`, { skip }, async () => {
    const data = fresh()
    const bytes = archive()
    const path = place(bytes, signed === null ? undefined : signed?.(bytes))
    if (signed === null) rmSync(`${path}.asc`, { force: true })
    const said = await khien('install', 'crs', '--from', path, '--data', data, ...args)
    assert.equal(said.code, code)
    assert.match(said.err, expected)
    assert.equal(existsSync(join(data, 'rules')), false)
  })

test('unsigned, with the checksum of a person who looked', { skip }, async () => {
  const data = fresh()
  const archive = good()
  const path = place(archive)
  rmSync(`${path}.asc`)
  const said = await khien('install', 'crs', '--from', path, '--data', data, '--unsigned', '--sha256', sum(archive))
  assert.equal(said.code, 0, said.err)
  assert.match(said.err, /WARNING: taken without a signature/)
  assert.match((await khien('list', '--data', data)).out, /^\* crs 4\.28\.0 +\S+ +unsigned/)
  const again = await khien('install', 'crs', '--from', path, '--data', data, '--unsigned', '--sha256', sum(archive))
  assert.match(again.err, /was installed already/)
})
