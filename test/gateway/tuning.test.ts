import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'undici'
import { socketRecorder, startGateway } from '../../src/gateway/worker/index.ts'
import type { Site } from '../../src/gateway/contract.ts'
import type { VersionView } from '../../src/gateway/settings/contract.ts'
import type { DryRunView } from '../../src/gateway/traffic/contract.ts'
import type { Proposal } from '../../src/gateway/tuning/contract.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { silentLog } from '../../src/kit/log.ts'
import { enrol, runningNode } from '../running-node.ts'
import { PACK_FOLDER } from './pack.ts'
import { startUpstream } from './servers.ts'

/** Within 3 s on a machine with nothing else to do; the rest is for one that is shared. */
const AGREED_MS = 60_000
const BROWSER = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
  accept: '*/*',
  'accept-language': 'vi',
}
/** A forum post that quotes SQL, and an attack on the same place of the same path. */
const POST = { path: '/bai-viet/12', body: 'noi_dung=1%27%20or%201%3D1%20--%20' }
const ATTACK = { path: '/bai-viet/12', body: 'noi_dung=%3Cscript%3Edocument.location%3D1%3C%2Fscript%3E' }

/** A real node and one gateway worker that tells and asks it, before an application. */
async function startPair() {
  await using stack = new AsyncDisposableStack()
  const upstream = stack.use(await startUpstream())
  const node = stack.use(await runningNode())
  const cookie = await enrol(node.internal, node.setupToken, 'quan-tri')
  const recorder = stack.use(socketRecorder(node.socket, silentLog))
  const gateway = stack.use(
    await startGateway(
      {
        listen: { host: '127.0.0.1', port: 0 },
        upstream: upstream.origin,
        rules: PACK_FOLDER,
        workers: 1,
        nodeSocket: node.socket,
        intakeSocket: '',
        trustedProxies: [],
        bodyLimit: 1_000_000,
        mode: 'block',
        folder: join(node.config.folder, 'gateway'),
      },
      {
        recorder,
        events: { send: () => true },
        log: silentLog,
        clock: systemClock,
        entropy: systemEntropy,
        limits: { drainMs: 200 },
      },
    ),
  )
  const client = stack.adopt(new Client(`http://127.0.0.1:${gateway.address.port}`), (one) => one.close())
  let connections = 0
  client.on('connect', () => connections++)
  const api = async <T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }> => {
    const response = await fetch(`${node.internal}${path}`, {
      method,
      headers: { cookie, origin: node.internal, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as T }
  }
  /** One request over the one connection; the status, and the id it was answered with. */
  const send = async ({ path, body }: { path: string; body: string }) => {
    const { statusCode, body: answer } = await client.request({
      method: 'POST',
      path,
      headers: { ...BROWSER, host: 'forum.example.vn', 'content-type': 'application/x-www-form-urlencoded' },
      body,
    })
    return { status: statusCode, id: /R-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(await answer.text())?.[0] }
  }
  const settled = async (version: number): Promise<void> => {
    const until = Date.now() + AGREED_MS
    while ((gateway.stats().settingsVersion ?? 0) < version) {
      assert.ok(Date.now() < until, `the worker took version ${version} within ${AGREED_MS} ms`)
      await wait(20)
    }
  }
  const owned = stack.move()
  return {
    api,
    send,
    settled,
    gateway,
    folder: node.config.folder,
    connections: () => connections,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('a legitimate request: refused, proposed, allowed on the same connection, taken back', async () => {
  await using pair = await startPair()
  const { api, send, settled } = pair
  await settled(1)
  const sites = await api<{ version: number; items: { name: string }[] }>('GET', '/api/gateway/sites')
  assert.deepEqual([sites.body.version, sites.body.items.map(({ name }) => name)], [1, ['default']])

  const refused = await send(POST)
  assert.equal(refused.status, 403)
  const proposal = await api<Proposal>('GET', `/api/refusals/${refused.id}/proposal`)
  assert.equal(proposal.status, 200, JSON.stringify(proposal.body))
  assert.equal(proposal.body.passes, 'yes')
  assert.ok(proposal.body.exclusions.every(({ target, path }) => target === 'ARGS:noi_dung' && path === '/bai-viet/*'))
  assert.equal(proposal.body.effect.through, 1)

  const applied = await api<{ version: number; exclusions: { id: string }[] }>(
    'POST',
    `/api/refusals/${refused.id}/exclude`,
    {
      reason: 'Diễn đàn dạy SQL',
      version: proposal.body.version,
    },
  )
  assert.equal(applied.status, 200, JSON.stringify(applied.body))
  await settled(applied.body.version)
  assert.equal((await send(POST)).status, 200, 'it passes now')
  assert.equal((await send({ ...POST, path: '/bai-viet/7' })).status, 200, 'and on the page of another number')
  assert.equal((await send({ ...POST, path: '/tim-kiem' })).status, 403, 'not elsewhere')
  assert.equal((await send(ATTACK)).status, 403, 'another attack on the same place is still refused')

  for (const { id } of applied.body.exclusions) {
    const gone = await api<{ version: number }>('POST', `/api/gateway/exclusions/${id}/remove`, { reason: 'Thử xong' })
    assert.equal(gone.status, 200, JSON.stringify(gone.body))
    await settled(gone.body.version)
  }
  assert.equal((await send(POST)).status, 403, 'refused again')
  assert.equal(pair.connections(), 1, 'one connection all the while')
})

test('kept traffic is sealed, dry runs judge it, figures and exclusions count', async () => {
  await using pair = await startPair()
  const { api, send, settled } = pair
  await settled(1)
  const { body: before } = await api<{ site: Site }>('GET', '/api/gateway/sites/default')
  const site = {
    ...before.site,
    keep: { share: 1, days: 1 },
    outgoing: { policy: 'flag', subjects: 1 },
    rateLimits: [{ name: 'gioi-han', per: 'route', requests: 6, seconds: 3_600 }],
  }
  const made = await api<VersionView>('PUT', '/api/gateway/sites/default', { site, reason: 'Thử', version: 1 })
  assert.equal(made.status, 200, JSON.stringify(made.body))
  await settled(2)
  const word = 'motcaurieng'
  const statuses: number[] = []
  for (let i = 0; i < 8; i++)
    statuses.push((await send(i === 5 ? POST : { path: `/bai-viet/${i}`, body: `noi_dung=${word}${i}` })).status)
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 403, 429, 429])

  const until = async <T>(path: string, good: (body: T) => boolean): Promise<T> => {
    for (const end = Date.now() + 60_000; ; await wait(50)) {
      const { body } = await api<T>('GET', path)
      if (good(body)) return body
      assert.ok(Date.now() < end, `${path}: ${JSON.stringify(body)}`)
    }
  }
  const kept = await until<{ items: { requests: number }[]; dropped: number }>(
    '/api/gateway/kept',
    ({ items }) => items[0]?.requests === 6,
  )
  assert.equal(kept.dropped, 0)
  const folder = join(pair.folder, 'traffic')
  const files = readdirSync(folder)
  assert.equal(files.length, 1)
  assert.ok(!readFileSync(join(folder, files[0]!), 'latin1').includes(word), 'nothing readable on the disk')

  const candidate = {
    rules: `SecRule ARGS:noi_dung "@contains ${word}3" "id:7000001,phase:2,deny,status:403,log,msg:'Thu'"`,
  }
  const begun = await api<DryRunView>('POST', '/api/gateway/dry-runs', { site: 'default', candidate, reason: 'Thử' })
  assert.equal(begun.status, 200, JSON.stringify(begun.body))
  const done = await until<DryRunView>(`/api/gateway/dry-runs/${begun.body.id}`, ({ state }) => state === 'done')
  const { judged, unread, before: was, after: is, more, fewer, samples } = done.result!
  assert.deepEqual([judged, unread, was, is, more, fewer], [6, 0, 1, 2, 1, 0])
  assert.deepEqual([samples.more[0]!.path, samples.more[0]!.hits[0]!.place], ['/bai-viet/3', 'ARGS:noi_dung'])
  assert.ok(!JSON.stringify(done).includes(`${word}3 `), 'no value in the result')
  const wrong = await api<DryRunView>('POST', '/api/gateway/dry-runs', {
    site: 'default',
    candidate: { rules: 'SecRule ARGS "@nope" "id:7"' },
    reason: 'Thử',
  })
  const failed = await until<DryRunView>(`/api/gateway/dry-runs/${wrong.body.id}`, ({ state }) => state === 'failed')
  assert.match(failed.problem!, /nope/)

  const rates = await until<{ items: { limit: string; total: number }[] }>(
    '/api/gateway/rates',
    ({ items }) => items.length > 0,
  )
  assert.deepEqual(
    rates.items.map(({ limit, total }) => [limit, total]),
    [['gioi-han', 2]],
  )
  const out = await until<{ items: { answers: number }[] }>('/api/gateway/outgoing', ({ items }) => items.length > 0)
  assert.equal(out.items[0]!.answers, 5)
  const gone = await api<{ forgotten: number }>('POST', '/api/gateway/kept/forget', { reason: 'Xong' })
  assert.deepEqual([gone.body.forgotten, readdirSync(folder).length], [6, 0])
})

test('versions: a change is checked, worded, kept, undone; somebody else’s change is not written over', async () => {
  await using pair = await startPair()
  const { api, settled } = pair
  await settled(1)
  const { body: before } = await api<{ version: number; site: Site }>('GET', '/api/gateway/sites/default')
  const put = (site: unknown, version = 1) =>
    api<VersionView & { code?: string; detail?: string; field?: string }>('PUT', '/api/gateway/sites/default', {
      site,
      reason: 'Thử',
      version,
    })
  const wrong = await put({ ...before.site, virtualPatches: 'SecRule ARGS "@nope x" "id:1,phase:2,deny"' })
  assert.equal(wrong.status, 422)
  assert.match(wrong.body.detail ?? '', /before:1|nope/)
  const field = await put({ ...before.site, threshold: 0 })
  assert.deepEqual([field.status, field.body.field], [400, 'body.site.threshold'])
  const good = await put({ ...before.site, threshold: 7 })
  assert.equal(good.status, 200, JSON.stringify(good.body))
  assert.match(good.body.changes[0]!.en, /score threshold not set → 7/)
  await settled(2)
  assert.equal((await put({ ...before.site, threshold: 9 })).body.code, 'gateway/changed')
  const back = await api<VersionView>('POST', '/api/gateway/history/1/restore', { reason: 'Thôi', version: 2 })
  assert.deepEqual([back.status, back.body.version], [200, 3])
  await settled(3)
  const file = await api<{ signature: { value: string } }>('GET', '/api/gateway/export')
  const importing = (given: unknown) =>
    api<{ signed: string; code?: string }>('POST', '/api/gateway/import', {
      file: given,
      apply: false,
      reason: 'x',
      version: 3,
    })
  assert.equal((await importing(file.body)).body.signed, 'ours')
  assert.equal(
    (await importing({ ...file.body, ruleSets: [{ name: 'khac', rules: [PACK_FOLDER] }] })).body.code,
    'gateway/signature',
  )

  const refused = await pair.send(POST)
  assert.equal(refused.status, 403)
  const seen = await api<{
    refusal: { site: string; matches: { ruleId: number; file: string; line: number }[]; ruleIds: number[] }
  }>('GET', `/api/refusals/${refused.id}`)
  const { site, matches, ruleIds } = seen.body.refusal
  assert.equal(site, 'default')
  assert.ok(
    matches.every(({ file, line }) => file.endsWith('.conf') && line > 0),
    'where each rule stands',
  )
  const watching = await put({ ...before.site, watched: [...new Set(ruleIds)] }, 3)
  assert.equal(watching.status, 200, JSON.stringify(watching.body))
  await settled(4)
  assert.equal((await pair.send(POST)).status, 200, 'rules that watch stop nothing')
  assert.equal((await pair.send(ATTACK)).status, 403, 'others go on')
  const observed = await api<{ items: { matches: { ruleId: number }[] }[] }>('GET', '/api/refusals?mode=detect')
  assert.deepEqual(
    observed.body.items.map((one) => one.matches[0]!.ruleId),
    [ruleIds[0]],
    'and it is kept as observed',
  )
})
