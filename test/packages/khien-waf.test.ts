import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { packWaf } from '../../src/cli/pack.ts'

/** The packed package as a stranger gets it: installed from its .tgz into an empty folder, the examples of its page run there. */
const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'khien-waf-'))
const modules = join(folder, 'node_modules')
const crs = join(process.env['KHIEN_VECTORS'] ?? join(root, '../shared/vectors'), 'crs4')
/** Where express and fastify are, which Khiên itself does not need. */
const hosts = process.env['KHIEN_HOSTS'] ?? ''

const examples = new Map(
  [...readFileSync(join(root, 'docs/khien-waf.md'), 'utf8').matchAll(/```js\n\/\/ ([a-z]+)\.mjs\n(.*?)```/gs)].map(
    ([, name, text]) => [name!, text!],
  ),
)
/** The oldest Node of this machine that the package is promised for; the guard's own tests run under ours. */
const [version, node] = ['/usr/bin/node', '/usr/local/bin/node', process.execPath]
  .filter((path) => existsSync(path))
  .map((path) => [spawnSync(path, ['--version']).stdout.toString().trim().slice(1), path] as const)
  .filter(([each]) => Number.parseInt(each) >= 20)
  .sort(([a], [b]) => Number.parseInt(a) - Number.parseInt(b))[0]!

before(async () => {
  const path = await packWaf(root, folder, { err: () => undefined })
  writeFileSync(join(folder, 'package.json'), '{"name":"shop","private":true}')
  const words = ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', path]
  const { status, stderr } = spawnSync('npm', words, { cwd: folder })
  assert.equal(status, 0, stderr.toString())
  for (const [name, from] of [
    ['hono', join(root, 'node_modules/hono')],
    ['@hono', join(root, 'node_modules/@hono')],
    ['express', join(hosts, 'express')],
    ['fastify', join(hosts, 'fastify')],
  ] as const)
    if (existsSync(from)) symlinkSync(from, join(modules, name))
  for (const [name, text] of examples) writeFileSync(join(folder, `${name}.mjs`), text)
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('the package needs nothing, and says what it is', () => {
  const said = JSON.parse(readFileSync(join(modules, 'khien-waf/package.json'), 'utf8')) as Record<string, unknown>
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.equal(said['version'], version)
  assert.equal(said['dependencies'], undefined)
  assert.deepEqual(Object.keys(said['exports'] as object), ['.', './node', './express', './fastify', './hono'])
  for (const name of ['LICENSE', 'README.md', 'guard/index.d.ts', 'rules/waf/90-decide.conf'])
    assert.ok(existsSync(join(modules, 'khien-waf', name)), name)
})

test('its types hold for a program written against them', () => {
  const source = `import { createServer } from 'node:http'
import { openTransaction, type Verdict } from 'khien-waf'
import { guard, loadRules, type Refusal } from 'khien-waf/node'
import { guard as hono } from 'khien-waf/hono'
const plan = loadRules(undefined, { paranoia: 2 })
const seen: Refusal[] = []
const check = guard(plan, { mode: 'detect', onRefusal: (refusal) => void seen.push(refusal) })
createServer((req, res) => check(req, res, () => res.end()))
hono(plan).counts().refused.rules satisfies number
const head = { method: 'GET', target: '/', httpVersion: '1.1', headers: [], clientAddress: '', clientPort: 0 }
export const verdict: Verdict = openTransaction(plan, head).inspectHead()
// @ts-expect-error a wrong mode is caught
guard(plan, { mode: 'on' })
`
  writeFileSync(join(folder, 'program.ts'), source)
  const words = '--ignoreConfig --noEmit --strict --module nodenext --target es2022 --types node --typeRoots'.split(' ')
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const said = spawnSync(process.execPath, [tsc, ...words, join(root, 'node_modules/@types'), 'program.ts'], {
    cwd: folder,
  })
  assert.equal(said.stdout.toString(), '')
})

describe(`the page's examples under Node ${version}`, { concurrency: 3 }, () => {
  for (const name of ['node', 'express', 'fastify', 'hono', 'watch']) {
    const absent = ['express', 'fastify'].includes(name) && !existsSync(join(hosts, name))
    const skip = absent && `${name} is not here: set KHIEN_HOSTS to a node_modules folder that has it`
    test(name, { skip }, async () => {
      await using server = await serve(node, name)
      const order = { ten: 'Nguyễn Thị Hồng', mon: 'phở bò', so: 2 }
      const post = async (body: string): Promise<Response> =>
        await fetch(`${server.origin}/orders`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
      const fine = await post(JSON.stringify(order))
      assert.equal(fine.status, 200)
      const text = await fine.text()
      if (name === 'node') assert.equal(text, `${Buffer.byteLength(JSON.stringify(order))} bytes\n`)
      else if (name !== 'watch') assert.deepEqual(JSON.parse(text), { received: order })
      const bad = await post(JSON.stringify({ ...order, ten: "' UNION SELECT matkhau FROM users-- " }))
      const query = await fetch(`${server.origin}/?id=1%20UNION%20SELECT%20matkhau%20FROM%20users--`)
      const refused = name === 'watch' ? 200 : 403
      assert.deepEqual([bad.status, query.status], [refused, refused])
      if (name === 'watch') {
        const told = JSON.parse(server.said().split('\n')[0]!) as { id: string; ruleIds: number[] }
        assert.match(told.id, /^R-/)
        assert.ok(told.ruleIds.length > 0 && !server.said().includes('matkhau'))
      } else assert.match(await bad.text(), /"requestId":"R-/)
    })
  }

  const absent = !existsSync(crs) && 'CRS 4 is not here: set KHIEN_VECTORS'
  test('crs', { skip: absent }, async () => {
    const child = spawn(node, ['crs.mjs'], { cwd: folder, env: { CRS: crs }, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    for await (const chunk of child.stdout) said += String(chunk)
    assert.match(said, /^true \d+\n$/)
  })
})

type Running = AsyncDisposable & { readonly origin: string; said(): string }

async function serve(node: string, name: string): Promise<Running> {
  const port = await freePort()
  // Nothing of our environment: another Node's options would break an older one.
  const child: ChildProcess = spawn(node, [`${name}.mjs`], { cwd: folder, env: { PORT: String(port) } })
  let said = ''
  let complained = ''
  child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  const origin = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    const up = await fetch(`${origin}/`).then(
      (answer) => answer.arrayBuffer(),
      () => undefined,
    )
    if (up !== undefined) break
    assert.ok(child.exitCode === null && tries < 400, `${name}.mjs does not serve: ${complained}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return {
    origin,
    said: () => said,
    async [Symbol.asyncDispose]() {
      const over = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await over
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
