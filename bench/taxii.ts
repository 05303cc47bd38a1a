import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { taxiiClient, type PullCursor } from '../src/exchange/index.ts'
import { openNode } from '../src/exchange/testing.ts'
import { systemClock } from '../src/kit/clock.ts'
import { openSqlite } from '../src/storage/sql/index.ts'

// Objects a second over real loopback HTTP between two processes, our client and our server: pushed (each answered only
// when it is on the disk), pulled whole, pulled in addition to what is known; at 10,000 and 200,000 objects. Beside it
// medallion, the OASIS server, when MEDALLION names a Python that has it. Prints name, value, unit, goal, met | short | -.

const SIZES = [10_000, 200_000]
/** medallion looks through everything for every page: more would take hours. */
const RIVAL_SIZE = 4_000
const GOALS = { push: 10_000, pull: 50_000 }
const PAGE = 1_000

const say = (name: string, value: number | string, unit: string, goal?: number): void =>
  console.log(
    [
      name,
      typeof value === 'number' ? value.toFixed(value < 10 ? 2 : 0) : value,
      unit,
      goal ?? '-',
      goal === undefined || typeof value === 'string' ? '-' : value >= goal ? 'met' : 'short',
    ].join('\t'),
  )

const indicator = (n: number) => ({
  type: 'indicator',
  spec_version: '2.1',
  id: `indicator--${randomUUID()}`,
  created_by_ref: 'identity--0a5a2b1c-7f55-4b4e-9a57-0b2f6f6f1c11',
  created: '2026-11-20T02:00:00.000Z',
  modified: '2026-11-20T02:00:00.000Z',
  confidence: 80,
  labels: ['role:c2'],
  indicator_types: ['malicious-activity'],
  name: `C2 ${n}`,
  pattern: `[domain-name:value = 'c2-${n}.xau.top']`,
  pattern_type: 'stix',
  pattern_version: '2.1',
  valid_from: '2026-11-20T02:00:00.000Z',
  valid_until: '2026-12-15T02:00:00.000Z',
  object_marking_refs: ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'],
})
const parcels = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const object = indicator(i)
    return { id: object.id, version: object.modified, body: JSON.stringify(object) }
  })

type Client = ReturnType<typeof taxiiClient>

// Clock ticks of user and system time of a process.
const tick = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tick
}

async function pushAll(client: Client, objects: ReturnType<typeof parcels>): Promise<number> {
  const started = performance.now()
  for (let from = 0; from < objects.length; from += PAGE) {
    const outcomes = await client.push(objects.slice(from, from + PAGE))
    const bad = outcomes.find((each) => each.outcome !== 'success')
    if (bad) throw new Error(`${bad.id}: ${bad.message}`)
  }
  return objects.length / ((performance.now() - started) / 1_000)
}

async function pullAll(client: Client, from: PullCursor): Promise<{ count: number; ms: number; cursor: PullCursor }> {
  const started = performance.now()
  let count = 0
  let cursor = from
  for (let more = true; more;) {
    // With the page size, which medallion 3.0 needs on every page but the first.
    const page = await client.page(cursor, PAGE)
    count += page.objects.length
    ;({ cursor, more } = page)
  }
  return { count, ms: performance.now() - started, cursor }
}

const START: PullCursor = { addedAfter: null, next: null, last: null }

async function ours(size: number, folder: string): Promise<void> {
  const child = fork(import.meta.filename, ['node', join(folder, `${size}.db`)])
  try {
    const [node] = (await once(child, 'message')) as [
      { root: string; user: string; secret: string; collection: string },
    ]
    const client = taxiiClient(node)
    const objects = parcels(size)
    await client.limit()
    const before = cpu(child.pid!)
    say(`push, ${size} objects`, await pushAll(client, objects), 'objects/s', GOALS.push)
    const pushed = cpu(child.pid!)
    say(`push, ${size} objects: the server`, (pushed - before) / size, 'CPU µs/object')
    const rounds = []
    for (let round = 0; round < 3; round++) rounds.push(await pullAll(client, START))
    for (const each of rounds) if (each.count !== size) throw new Error(`pulled ${each.count} of ${size}`)
    const best = Math.min(...rounds.map((each) => each.ms))
    say(`pull, ${size} objects`, size / (best / 1_000), 'objects/s', GOALS.pull)
    say(`pull, ${size} objects: the server`, (cpu(child.pid!) - pushed) / size / 3, 'CPU µs/object')
    const { cursor } = rounds[0]!
    await pushAll(client, parcels(100))
    const times = []
    for (let round = 0; round < 20; round++) {
      const more = await pullAll(client, cursor)
      if (round === 0 && more.count !== 100) throw new Error(`pulled ${more.count} of 100 more`)
      times.push(more.ms)
    }
    say(`pull of 100 more behind ${size}, median`, times.toSorted((a, b) => a - b)[10]!, 'ms')
    const idle = []
    const end = (await pullAll(client, cursor)).cursor
    for (let round = 0; round < 50; round++) idle.push((await pullAll(client, end)).ms)
    say(`pull of nothing new behind ${size}, median`, idle.toSorted((a, b) => a - b)[25]!, 'ms')
    const digested = once(child, 'message')
    child.send('digest')
    const [{ ms, count }] = (await digested) as [{ ms: number; count: number }]
    say(`into usable indicators, ${count} objects`, count / (ms / 1_000), 'objects/s')
  } finally {
    child.disconnect()
    await once(child, 'exit')
  }
}

/** The node: its own process, a database on the disk that syncs each commit. */
async function serveNode(path: string): Promise<void> {
  const node = await openNode('bench', { db: openSqlite(path), clock: systemClock as never })
  const { exchange } = node
  // Both ways in one collection that nothing digests meanwhile: its share is measured alone.
  const place = { id: randomUUID(), root: '/taxii2/root/', title: 'bench', mediaTypes: [] }
  await exchange.collections.ensure(place)
  const { user, secret } = await exchange.peers.add(
    {
      name: 'bench',
      role: 'other',
      maxTlp: 'green',
      own: false,
      networks: [],
      readable: [place.id],
      writable: [place.id],
    },
    'bench',
  )
  process.on('message', async () => {
    const started = performance.now()
    const count = 10_000
    await exchange.collections.add(
      exchange.places.in.id,
      Array.from({ length: count }, (_, i) => indicator(i)),
      {
        source: 'bench',
        check: 'shape',
      },
    )
    const from = performance.now()
    await exchange.digest()
    process.send!({ ms: performance.now() - from, count, stored: from - started })
  })
  process.on('disconnect', () => process.exit(0))
  process.send!({ root: node.root, user, secret, collection: place.id })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** medallion's memory backend (OASIS, BSD-3), the same client, the same objects. */
async function rival(python: string, folder: string): Promise<void> {
  const collection = randomUUID()
  const rights = { can_read: true, can_write: true, media_types: ['application/stix+json;version=2.1'] }
  const information = { title: 'x', versions: ['application/taxii+json;version=2.1'], max_content_length: 97_656_250 }
  writeFileSync(
    join(folder, 'data.json'),
    JSON.stringify({
      '/discovery': { title: 'x', api_roots: [] },
      root: {
        information,
        status: [],
        collections: [{ id: collection, title: 'x', ...rights, objects: [], manifest: [] }],
      },
    }),
  )
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      backend: {
        module: 'medallion.backends.memory_backend',
        module_class: 'MemoryBackend',
        filename: join(folder, 'data.json'),
      },
      users: { bench: 'bench' },
      taxii: { max_page_size: PAGE },
    }),
  )
  const port = await freePort()
  const child: ChildProcess = spawn(
    python,
    ['-m', 'medallion.scripts.run', '--host', '127.0.0.1', '--port', String(port), join(folder, 'config.json')],
    { stdio: 'ignore' },
  )
  try {
    const client = taxiiClient({
      root: `http://127.0.0.1:${port}/root/`,
      collection,
      user: 'bench',
      secret: 'bench',
      timeoutMs: 300_000,
    })
    for (let tries = 0; ; tries++) {
      try {
        await client.limit()
        break
      } catch (error) {
        if (tries === 50) throw error
        await wait(200)
      }
    }
    say(`medallion: push, ${RIVAL_SIZE} objects, not durable`, await pushAll(client, parcels(RIVAL_SIZE)), 'objects/s')
    const { count, ms } = await pullAll(client, START)
    say(`medallion: pull, ${count} objects`, count / (ms / 1_000), 'objects/s')
  } finally {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'khien-bench-'))
  try {
    for (const size of SIZES) await ours(size, folder)
    const python = process.env['MEDALLION']
    if (python !== undefined && existsSync(python)) await rival(python, folder)
    else say('medallion', 'MEDALLION names no Python with it, skipped', '-')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'node') await serveNode(process.argv[3]!)
else await main()
