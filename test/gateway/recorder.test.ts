import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import type { FromChild } from '../../src/app/protocol.ts'
import type { GatewayConfig } from '../../src/app/config.ts'
import { silentLog } from '../../src/kit/log.ts'
import { socketRecorder, type Refusal } from '../../src/gateway/worker/index.ts'
import { Refusal as AtNode } from '../../src/gateway/refusals.ts'
import { safePath } from '../../src/kit/request-mask.ts'
import { PACK_FOLDER } from './pack.ts'
import { startUpstream } from './servers.ts'

const refusal = (id: string): Refusal => ({
  id,
  at: 1,
  worker: 1,
  clientAddress: '192.0.2.1',
  clientPort: 1,
  method: 'GET',
  host: 'a',
  path: '/',
  status: 403,
  score: 5,
  threshold: 5,
  mode: 'block',
  matches: [],
  bytes: 0,
})

async function node(path: string, heard: string[], batches: number[], statuses: string[] = []): Promise<Server> {
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => (body += chunk.toString()))
    req.on('end', () => {
      if (req.url === '/gateway/stats') statuses.push(body)
      else {
        const lines = body.split('\n').filter((line) => line !== '')
        batches.push(lines.length)
        heard.push(...lines.map((line) => (JSON.parse(line) as Refusal).id))
      }
      res.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

test('refusals arrive in order and in groups, also after the node was away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-'))
  const path = join(folder, 'node.sock')
  const heard: string[] = []
  const batches: number[] = []
  {
    await using recorder = socketRecorder(path, silentLog)
    const ids = Array.from({ length: 450 }, (_, i) => `R-${i}`)
    const kept = Promise.all(ids.map((id) => recorder.record(refusal(id))))
    await wait(60)
    assert.equal(recorder.counts().queued, 450)
    const server = await node(path, heard, batches)
    await kept
    assert.deepEqual(heard, ids)
    assert.deepEqual(batches, [200, 200, 50])
    assert.deepEqual(recorder.counts(), { queued: 0, dropped: 0 })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    for (let i = 0; i < 10_050; i++) void recorder.record(refusal('R'))
    assert.deepEqual(recorder.counts(), { queued: 10_000, dropped: 50 })
    await wait(30)
  }
  await rm(folder, { recursive: true })
})

test('one refusal that the node will never take costs no other of its group', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-'))
  const path = join(folder, 'node.sock')
  const heard: string[] = []
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => (body += chunk.toString()))
    req.on('end', () => {
      const ids = body.split('\n').map((line) => (JSON.parse(line) as Refusal).id)
      if (ids.includes('R-bad')) return void res.writeHead(400).end()
      heard.push(...ids)
      res.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  {
    await using recorder = socketRecorder(path, silentLog)
    const ids = Array.from({ length: 200 }, (_, i) => (i === 77 ? 'R-bad' : `R-${i}`))
    await Promise.all(ids.map((id) => recorder.record(refusal(id))))
    assert.deepEqual(
      heard,
      ids.filter((id) => id !== 'R-bad'),
    )
    assert.deepEqual(recorder.counts(), { queued: 0, dropped: 1 })
  }
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

test('a refusal with more in it than is in order is kept, cut', () => {
  const match = {
    ruleId: 1,
    message: 'm'.repeat(900),
    severity: 'CRITICAL',
    place: 'p',
    masked: '•',
    score: 5,
    length: 1,
  }
  const kept = AtNode.parse({
    ...refusal('R-0000-0000'),
    method: 'A'.repeat(600),
    path: `/${'a'.repeat(5_000)}`,
    matches: Array.from({ length: 60 }, () => ({ ...match, tags: Array<string>(40).fill('t') })),
    ruleIds: Array(300).fill(1),
  })
  assert.deepEqual(
    [kept.method, kept.path.length, kept.matches.length, kept.matches[0]!.message.length, kept.matches[0]!.tags.length],
    ['OTHER', 2_000, 50, 500, 30],
  )
  assert.equal(kept.ruleIds?.length, 200)
})

for (const [target, kept] of [
  ['/gio-hang/12?q=a', '/gio-hang/12'],
  ['/u/0912345678/x', '/u/•/x'],
  ['/u/lan@example.vn', '/u/•'],
  ['/u/lan%40example.vn', '/u/•'],
  ['/a<b/c', '/•/c'],
] as const) {
  test(`kept path of ${target}`, () => assert.equal(safePath(target), kept))
}

const entry = join(import.meta.dirname, '../../src/app/processes/gateway.ts')
const start = async (config: GatewayConfig): Promise<{ child: ReturnType<typeof fork>; said: FromChild }> => {
  const child = fork(entry, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  child.send({ type: 'configure', config })
  const [said] = (await once(child, 'message')) as [FromChild]
  return { child, said }
}

test('the process: two workers on one port serve, tell, drain; a rule that is not supported stops it by name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-'))
  const heard: string[] = []
  const statuses: string[] = []
  const keeper = await node(join(folder, 'node.sock'), heard, [], statuses)
  await using upstream = await startUpstream()
  const config: GatewayConfig = {
    listen: { host: '127.0.0.1', port: 0 },
    upstream: upstream.origin,
    rules: PACK_FOLDER,
    workers: 2,
    nodeSocket: join(folder, 'node.sock'),
    intakeSocket: join(folder, 'intake.sock'),
    trustedProxies: [],
    bodyLimit: 1_000,
    mode: 'block',
  }
  const first = await start(config)
  assert.equal(first.said.type, 'ready')
  const port = first.said.type === 'ready' ? Number(first.said.note?.['port']) : 0
  const second = await start({ ...config, listen: { host: '127.0.0.1', port } })
  assert.equal(second.said.type, 'ready')
  const good = await request(`http://127.0.0.1:${port}/xin-chao`)
  assert.equal(good.statusCode, 200)
  await good.body.dump()
  const bad = await request(`http://127.0.0.1:${port}/?q=<script>`)
  const { requestId } = (await bad.body.json()) as { requestId: string }
  assert.equal(bad.statusCode, 403)
  assert.deepEqual(heard, [requestId])
  await wait(1_200)
  assert.deepEqual(
    new Set(statuses.map((line) => (JSON.parse(line) as { pid: number }).pid)),
    new Set([first.child.pid, second.child.pid]),
  )
  first.child.send({ type: 'stop' })
  second.child.kill('SIGTERM')
  assert.deepEqual(
    await Promise.all([once(first.child, 'exit'), once(second.child, 'exit')]).then((all) =>
      all.map(([code]) => code as number),
    ),
    [0, 0],
  )

  await writeFile(join(folder, 'a.conf'), 'SecRule ARGS "@noSuch" "id:1"')
  const third = await start({ ...config, rules: folder })
  assert.deepEqual(third.said, {
    type: 'failed',
    code: 'waf/unsupported',
    detail: 'a.conf:1: operator @noSuch is not supported',
  })
  keeper.closeAllConnections()
  keeper.close()
  await rm(folder, { recursive: true })
})
