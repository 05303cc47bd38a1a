import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createHttp } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { build } from 'vite'
import { packClient } from '../../src/cli/pack.ts'
import { createKhien, newSubject } from '../../src/client/index.ts'
import { newPostgresDatabase, postgresBin } from '../../src/storage/sql/testing.ts'
import { phpSkip } from '../client/php.ts'
import { vaultProcess, type VaultProcess } from '../client/vault-process.ts'
import { openBrowser, withoutBrowser } from '../journey/browser.ts'

/** The packed package as a stranger gets it: installed from its .tgz into an empty folder, the examples of its page run there. */
const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'khien-client-'))
const modules = join(folder, 'node_modules')
const examples = new Map(
  [...readFileSync(join(root, 'docs/client.md'), 'utf8').matchAll(/```js\n\/\/ ([a-z]+)\.mjs\n(.*?)```/gs)].map(
    ([, name, text]) => [name!, text!],
  ),
)
/** The oldest Node of this machine that the package is promised for. */
const [version, node] = ['/usr/bin/node', '/usr/local/bin/node', process.execPath]
  .filter((path) => existsSync(path))
  .map((path) => [spawnSync(path, ['--version']).stdout.toString().trim().slice(1), path] as const)
  .filter(([each]) => Number.parseInt(each) >= 20)
  .sort(([a], [b]) => Number.parseInt(a) - Number.parseInt(b))[0]!

let vault: VaultProcess
before(async () => {
  vault = await vaultProcess()
  const path = await packClient(root, folder, { err: () => undefined })
  writeFileSync(join(folder, 'package.json'), '{"name":"shop","private":true}')
  const words = ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', path]
  const { status, stderr } = spawnSync('npm', words, { cwd: folder })
  assert.equal(status, 0, stderr.toString())
  for (const [name, text] of examples) writeFileSync(join(folder, `${name}.mjs`), text)
})
after(async () => {
  await vault[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs an example of the page; what it printed. */
async function run(name: string, more: Record<string, string> = {}): Promise<string> {
  const { origin, publicOrigin, key } = vault
  // Nothing of our environment: another Node's options would break an older one.
  const env = { KHIEN_ORIGIN: origin, KHIEN_PUBLIC: publicOrigin, KHIEN_KEY: key, ...more }
  const child = spawn(node, [`${name}.mjs`], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complained = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  assert.equal(code, 0, `${name}.mjs: ${said}${complained}`)
  assert.equal(complained, '')
  return said
}

test('the package needs nothing, and says what it is', () => {
  const said = JSON.parse(readFileSync(join(modules, 'khien-client/package.json'), 'utf8')) as Record<string, unknown>
  const { version: ours } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.equal(said['version'], ours)
  assert.equal(said['dependencies'], undefined)
  assert.deepEqual(Object.keys(said['exports'] as object), ['.', './node', './messages'])
  for (const name of ['LICENSE', 'README.md', 'client/index.d.ts', 'client/node.js'])
    assert.ok(existsSync(join(modules, 'khien-client', name)), name)
})

test('its types hold for a program written against them, with nothing else installed', () => {
  const source = `import { createKhien, KhienRefusal, vaultColumns, type PutItem, type SoonAnswer } from 'khien-client'
import { folderSpool } from 'khien-client/node'
import { keyPair, sealMessage } from 'khien-client/messages'
const items: readonly PutItem[] = [{ subject: 'x', collection: 'person', fields: { name: 'Hoa' } }]
const khien = createKhien({ origin: '', publicOrigin: '', key: '', spool: await folderSpool('spool', { maxItems: 10 }) })
const said: SoonAnswer[] = await khien.putSoon(items)
export const first: string | undefined = said[0]?.ok && 'spooled' in said[0] ? said[0].spooled : undefined
export const masked: boolean = (await khien.getMasked({ purpose: 'p', reason: 'r', items: [] })).some((one) => one.ok && one.stale)
export const box = async () => (await khien.conversations.find('cnv_x')).boxes.map((one) => sealMessage('x', [one], { conversation: 'cnv_x', record: '1', from: 'x' }))
export const pair = keyPair()
export const columns = vaultColumns(khien, { writes: 'vault' })
try { await khien.shred('x', 'DH-1') } catch (error) { if (error instanceof KhienRefusal) error.code satisfies string }
// @ts-expect-error a field that is no text is caught
await khien.put([{ subject: 'x', collection: 'person', fields: { name: 1 } }])
`
  writeFileSync(join(folder, 'program.mts'), source)
  const words = '--ignoreConfig --noEmit --strict --module nodenext --target es2022 --lib es2024,dom --types'.split(' ')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const said = spawnSync(process.execPath, [tsc, ...words, '', 'program.mts'], { cwd: folder })
  assert.equal(said.stdout.toString(), '')
})

describe(`the page's examples under Node ${version}`, () => {
  test('order', async () => {
    const said = await run('order')
    assert.match(said, /^true kh_[a-z0-9]{16}\nNguyễn Thị Hoa\ntrue\ntrue vault\/not-indexed 400\n$/)
  })

  test('offline: sealed and kept while the vault is away, delivered by the next run', { timeout: 60_000 }, async () => {
    const [subject, spool] = [newSubject(), join(folder, 'spool')]
    assert.match(
      await run('offline', { SUBJECT: newSubject(), SPOOL: spool }),
      /^true false\nvault\/no-agreement\n0 0 0 up\n$/,
    )
    await vault.kill()
    assert.match(
      await run('offline', { SUBJECT: subject, SPOOL: spool }),
      /^true true\nclient\/unreachable\n1 0 0 down\n$/,
    )
    await vault.start()
    const khien = createKhien({ origin: vault.origin, publicOrigin: vault.publicOrigin, key: vault.key })
    await khien.openAgreement({ subject, kind: 'order', ref: 'DH-2' })
    for (let tries = 0; ; tries++) {
      const said = await run('offline', { SUBJECT: newSubject(), SPOOL: spool })
      if (/delivered true/.test(said)) break
      assert.ok(tries < 20, said)
    }
    const { items } = await khien.get({
      purpose: 'order-delivery',
      reason: 'DH-2',
      items: [{ subject, collection: 'person', fields: ['name'] }],
    })
    assert.deepEqual(items, [{ ok: true, fields: { name: 'Trần Văn Ba' } }])
    await khien.close()
  })

  test('chat: two devices, a server that reads nothing', async () => assert.equal(await run('chat'), 'Chào Lan\n'))

  test('PHP', { skip: phpSkip }, () => {
    const [, code] = /```php\n(.*?)```/s.exec(readFileSync(join(root, 'docs/client.md'), 'utf8'))!
    writeFileSync(join(folder, 'order.php'), code!)
    const { origin, publicOrigin, key } = vault
    const given = { KHIEN_ORIGIN: origin, KHIEN_PUBLIC: publicOrigin, KHIEN_KEY: key, SPOOL: join(folder, 'spool') }
    const env = { PATH: process.env['PATH'], ...given, KHIEN_CLIENT: join(root, 'clients/php/Khien.php') }
    const said = spawnSync('php', ['order.php'], { cwd: folder, env, encoding: 'utf8' })
    assert.match(
      said.stdout,
      /^\{"name":true,"phone":true\}\nNguyễn Thị Hoa\n\{"ok":true,"id":"inb_\w{26}"\}\nhttp\/invalid 400 body\.items\.0\.subject\n$/,
      said.stderr,
    )
  })

  const absent = postgresBin() === undefined && 'PostgreSQL is not installed (Debian: apt install postgresql)'
  test('kysely', { skip: absent, timeout: 60_000 }, async () => {
    for (const name of ['kysely', 'pg']) symlinkSync(join(root, 'node_modules', name), join(modules, name))
    const url = await newPostgresDatabase()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('create table customers (id serial primary key, subject text, name text, phone text)')
    await client.query(`insert into customers (subject, name, phone) values ('', 'Lê Chưa Chuyển', '0912345678')`)
    assert.equal(await run('kysely', { DATABASE_URL: url }), '2 Lê Chưa Chuyển, Nguyễn Thị Hoa\n')
    const { rows } = await client.query<{ name: string; phone: string }>('select * from customers order by id')
    assert.match(`${rows[1]!.name} ${rows[1]!.phone}`, /^kh_\S+ kh_\S+$/)
    await client.end()
  })
})

test('a browser bundle of it seals, sends and shows masks', { skip: withoutBrowser, timeout: 60_000 }, async () => {
  writeFileSync(
    join(folder, 'page.js'),
    `import { createKhien, memorySpool, newSubject } from 'khien-client'
globalThis.play = async (key) => {
  const khien = createKhien({ origin: location.origin, publicOrigin: location.origin, key, spool: memorySpool() })
  const item = { subject: newSubject(), collection: 'person', fields: { name: 'Hoa' } }
  const [one] = await khien.putSoon([item])
  await fetch('/away')
  const [two] = await khien.putSoon([item])
  const { pending } = await khien.spooled()
  await fetch('/back')
  for (let i = 0; i < 100 && (await khien.spooled()).pending > 0; i++) await new Promise((r) => setTimeout(r, 50))
  const { delivered } = await khien.spooled()
  return [one.ok && !('spooled' in one), 'spooled' in two, pending, delivered]
}`,
  )
  const built = await build({
    root: folder,
    logLevel: 'error',
    configFile: false,
    build: { write: false, minify: false, lib: { entry: join(folder, 'page.js'), formats: ['iife'], name: 'shop' } },
  })
  const code = ((Array.isArray(built) ? built[0] : built) as { output: { code: string }[] }).output[0]!.code
  assert.doesNotMatch(code, /node:|require\(/)
  let away = false
  // One origin for page and vault, as a runtime at the edge would have; the node itself allows no other origin.
  const server = createHttp(async (req, res) => {
    if (req.url === '/away' || req.url === '/back') away = req.url === '/away'
    if (!req.url!.startsWith('/api/')) return void res.setHeader('content-type', 'text/html').end('<!doctype html>')
    if (away) return void req.socket.destroy()
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const headers = { authorization: req.headers.authorization!, 'content-type': 'application/json' }
    const body = req.method === 'GET' ? {} : { body: Buffer.concat(chunks) }
    const answer = await fetch(vault.origin + req.url!, { method: req.method!, headers, ...body })
    res.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await openBrowser()
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await page.evaluate(code)
    assert.deepEqual(await page.evaluate(`play(${JSON.stringify(vault.key)})`), [true, true, 1, 1])
  } finally {
    await browser.close()
    server.closeAllConnections()
    server.close()
  }
})
