import assert from 'node:assert/strict'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { test } from 'node:test'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { guard as fastifyGuard } from './fastify.ts'
import { guard as honoGuard, type HonoOptions } from './hono.ts'
import { loadRules, type GuardOptions } from './node.ts'

const plan = loadRules()
const QUERY = '/?id=1%20UNION%20SELECT%20password%20FROM%20users--'
const ATTACK = 'id=1+UNION+SELECT+password+FROM+users--'
const FORM = 'application/x-www-form-urlencoded'

type Host = AsyncDisposable & { readonly port: number; readonly bodies: Buffer[] }
const dispose = async (server: Server): Promise<void> => {
  ;(server as unknown as { closeAllConnections(): void }).closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

async function honoHost(options: HonoOptions): Promise<Host & { counts: ReturnType<typeof honoGuard>['counts'] }> {
  const bodies: Buffer[] = []
  const check = honoGuard(plan, options)
  const app = new Hono()
  app.use(check)
  app.post(
    '/late',
    async (c, next) => (await c.req.text(), next()),
    honoGuard(plan),
    (c) => c.text('passed'),
  )
  app.onError((error, c) => c.text('code' in error ? String(error.code) : error.name, 500))
  app.all('*', async (c) => {
    bodies.push(Buffer.from(await c.req.arrayBuffer()))
    return c.text(`got ${bodies.at(-1)!.length}`)
  })
  const server = await new Promise<Server>((resolve) => {
    const made = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made as Server))
  })
  return {
    port: (server.address() as AddressInfo).port,
    bodies,
    counts: () => check.counts(),
    [Symbol.asyncDispose]: () => dispose(server),
  }
}

type Hook = (request: object, reply: object, payload?: unknown) => Promise<unknown>

/**
 * What Fastify documents of a request's life (Lifecycle, Hooks), and no more: onRequest, then preParsing with the payload, whose answer is
 * read as the body, then the handler; a hook that returns the reply ends it. test/packages runs the real one where it is at hand.
 */
async function fastifyHost(options: GuardOptions): Promise<Host> {
  const bodies: Buffer[] = []
  const hooks: Record<string, Hook> = {}
  const plugin = fastifyGuard(plan, options)
  await plugin({ addHook: (name: string, hook: unknown) => (hooks[name] = hook as Hook) })
  const server = createServer((raw: IncomingMessage, res: ServerResponse) => {
    let over = false
    const reply = {
      raw: res,
      code: (status: number) => ((res.statusCode = status), reply),
      headers: (values: Record<string, string>) => (
        Object.entries(values).forEach(([name, value]) => res.setHeader(name, value)),
        reply
      ),
      send: (body: string) => (res.end(body), (over = true), reply),
      hijack: () => ((over = true), reply),
    }
    const life = async (): Promise<void> => {
      const asked = { raw, method: raw.method }
      if ((await hooks['onRequest']!(asked, reply)) === reply || over) return
      const payload = await hooks['preParsing']!(asked, reply, raw)
      if (over) return
      assert.equal(payload, raw)
      const chunks: Buffer[] = []
      for await (const chunk of raw) chunks.push(chunk as Buffer)
      bodies.push(Buffer.concat(chunks))
      res.end(`got ${bodies.at(-1)!.length}`)
    }
    life().catch((error: Error & { code?: string }) => res.writeHead(500).end(error.code ?? error.name))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, bodies, [Symbol.asyncDispose]: () => dispose(server) }
}

function ask(port: number, path: string, body?: Buffer, type = FORM): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = body === undefined ? {} : { 'content-type': type, 'transfer-encoding': 'chunked' }
    const req = request({ host: '127.0.0.1', port, path, method, headers }, (res) => {
      let text = ''
      res.on('data', (chunk: Buffer) => (text += chunk.toString()))
      res.on('end', () => resolve({ status: res.statusCode!, text }))
    })
    req.on('error', reject)
    for (let at = 0; body !== undefined && at < body.length; at += 30_000) req.write(body.subarray(at, at + 30_000))
    req.end()
  })
}

const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 255))
const cases = [
  { says: 'an ordinary GET', path: '/a?q=b%C3%A1nh', status: 200, got: 0 },
  { says: 'an attack in the query', path: QUERY, status: 403 },
  { says: 'an attack in the query, with a body', path: QUERY, body: bytes(90_000), type: 'image/png', status: 403 },
  { says: 'a form', path: '/', body: Buffer.from('a=1&b=b%C3%A1nh'), status: 200, got: 15 },
  { says: 'an attack in a form', path: '/', body: Buffer.from(ATTACK), status: 403 },
  { says: 'bytes', path: '/', body: bytes(90_000), type: 'image/png', status: 200, got: 90_000 },
  { says: 'too much', path: '/', body: bytes(150_000), type: 'image/png', status: 413 },
  {
    says: 'too much, let by',
    path: '/',
    body: bytes(700_000),
    type: 'image/png',
    status: 200,
    got: 700_000,
    beyond: 'pass',
  },
  {
    says: 'an attack that begins too much',
    path: '/',
    body: Buffer.concat([Buffer.from(`${ATTACK}&b=`), Buffer.alloc(300_000, 97)]),
    status: 403,
    beyond: 'pass',
  },
  { says: 'an attack that is watched', path: QUERY, body: Buffer.from('a=1'), status: 200, got: 3, mode: 'detect' },
] as const

for (const [host, start] of [
  ['hono', honoHost],
  ['fastify', fastifyHost],
] as const)
  for (const one of cases)
    test(`${host}: ${one.says} → ${one.status}`, async () => {
      const { path, status, body, type, got, beyond, mode } = one as (typeof cases)[number] & Record<string, never>
      await using it = await start({ bodyLimit: 100_000, ...(beyond && { beyond }), ...(mode && { mode }) })
      const said = await ask(it.port, path, body, type)
      assert.equal(said.status, status)
      if (got === undefined) return assert.deepEqual(it.bodies, [])
      assert.equal(said.text, `got ${got}`)
      assert.ok(it.bodies[0]!.equals(body ?? Buffer.alloc(0)))
    })

test('hono: a body read before the guard is an error, not a pass', async () => {
  await using it = await honoHost({})
  // The guard before all sees it; the one behind the reader says that it came too late.
  assert.deepEqual(await ask(it.port, '/late', Buffer.from('a=1')), { status: 500, text: 'guard/body-gone' })
})

test('hono elsewhere: the client must be told, and then the rules hold', async () => {
  const app = new Hono()
  app.use(honoGuard(plan, { client: () => ({ address: '203.0.113.9' }) }))
  app.post('/', async (c) => c.json(await c.req.json()))
  const post = async (body: string): Promise<Response> =>
    await app.request('/', { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  assert.deepEqual(await (await post('{"a":"phở"}')).json(), { a: 'phở' })
  assert.equal((await post(`{"a":"1' UNION SELECT password FROM users--"}`)).status, 403)
  const untold = new Hono()
    .use(honoGuard(plan))
    .onError((error, c) => c.text('code' in error ? String(error.code) : '', 500))
  assert.equal(await (await untold.request('/')).text(), 'guard/no-client')
})

test('fastify: a plugin that changed the body first is an error', async () => {
  const hooks: Record<string, Hook> = {}
  const plugin = fastifyGuard(plan)
  await plugin({ addHook: (name: string, hook: unknown) => (hooks[name] = hook as Hook) })
  assert.equal((plugin as unknown as Record<symbol, unknown>)[Symbol.for('skip-override')], true)
  const server = createServer((raw, res) => {
    const asked = { raw, method: raw.method }
    hooks['onRequest']!(asked, {})
      .then(() => hooks['preParsing']!(asked, {}, { changed: true }))
      .catch((error: { code: string }) => res.writeHead(500).end(error.code))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const said = await ask((server.address() as AddressInfo).port, '/', Buffer.from('a=1'))
  assert.deepEqual(said, { status: 500, text: 'guard/body-gone' })
  await dispose(server)
})
