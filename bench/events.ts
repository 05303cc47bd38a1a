import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { SupervisedProcess } from '../src/app/supervised-process.ts'
import { openIntake } from '../src/intake/index.ts'
import { systemClock } from '../src/kit/clock.ts'
import { systemEntropy } from '../src/kit/ids.ts'
import { silentLog } from '../src/kit/log.ts'
import type { Where } from '../src/storage/events/index.ts'
import { SegmentLog } from '../src/storage/segments/index.ts'

// npm run bench -- events [COUNT]: inserts COUNT events (1,000,000) and asks five questions of our event store, of
// node:sqlite and of DuckDB (from $KHIEN_DUCKDB, a node_modules folder), each in a process of its own, on the same events.
// Then the whole way through a real intake and a real store process. Prints name, value, unit, goal, met | short | -.

const say = (name: string, value: number | string, unit: string, goal = '-', verdict = '-'): void =>
  console.log(
    [name, typeof value === 'number' ? value.toFixed(value < 10 ? 2 : 0) : value, unit, goal, verdict].join('\t'),
  )

const root = join(import.meta.dirname, '..')
const BATCH = 500
const START = Date.UTC(2026, 10, 15)
const WEEK_MS = 7 * 86_400_000
const HOUR_MS = 3_600_000
const END = START + WEEK_MS
const HOT = '198.18.0.7'
const RARE = '198.19.200.200'
/** Once in this many events. */
const RARE_EVERY = 200_000

type BenchEvent = { id: string; time: number; kind: string; clientAddress: string; [field: string]: unknown }

/** The i-th of `count` events over a week: accesses, DNS queries and flows of 20,000 addresses, few of them frequent. */
function eventAt(i: number, count: number): BenchEvent {
  const r = scrambled(i)
  const time = START + Math.floor((i / count) * WEEK_MS)
  const n = Math.floor((r % 1_000_003) ** 2 / 50_000_000) % 20_000
  const clientAddress = i % RARE_EVERY === RARE_EVERY / 2 ? RARE : `198.18.${n >> 8}.${n & 255}`
  const common = {
    id: `b-${i.toString(36)}-${(r % 65_536).toString(36)}`,
    time,
    clientAddress,
    clientPort: 1_024 + (r % 60_000),
  }
  if (i % 10 === 8)
    return {
      ...common,
      kind: 'dns.query',
      query: `h${r % 5_000}.example${r % 40}.vn`,
      type: 'A',
      answers: [`203.0.113.${r % 250}`],
    }
  if (i % 10 === 9)
    return {
      ...common,
      kind: 'net.flow',
      serverAddress: `203.0.113.${r % 250}`,
      serverPort: 443,
      protocol: 'tcp',
      bytesIn: r % 9_000,
      bytesOut: r % 90_000,
    }
  return {
    ...common,
    kind: 'gateway.access',
    requestId: `R-${(r % 1_679_616).toString(36).padStart(4, '0')}-${(i % 1_679_616).toString(36).padStart(4, '0')}`,
    method: r % 9 === 0 ? 'POST' : 'GET',
    host: `shop${r % 12}.example.vn`,
    path: `/${PLACES[r % PLACES.length]}/${r % 3_000}/${PLACES[(r >> 8) % PLACES.length]}`,
    status: STATUS[(r >> 4) % STATUS.length]!,
    bytesIn: r % 700,
    bytesOut: r % 40_000,
    ms: (r % 9_000) / 10,
  }
}
const PLACES = 'products cart orders search images account reviews stock help brands login offers'.split(' ')
const STATUS = [200, 200, 200, 200, 200, 200, 304, 302, 404, 500]
/** A well-spread number from another (splitmix32). */
function scrambled(i: number): number {
  let z = (i + 0x9e3779b9) | 0
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return (z ^ (z >>> 15)) >>> 0
}

const QUESTIONS = [
  'last hour by address',
  'rare address over all',
  'top-20 addresses',
  'histogram per minute, a day',
  'substring of path over all',
] as const
type Answers = Record<(typeof QUESTIONS)[number], () => Promise<unknown>>
type Report = {
  insertMs: number
  insertCpuMs: number
  bytes: number
  note?: Record<string, number>
  ms: number[]
  rows: number[]
}

/** Each question once to warm up, then the median of five. */
async function ask(answers: Answers): Promise<Pick<Report, 'ms' | 'rows'>> {
  const ms: number[] = []
  const rows: number[] = []
  for (const question of QUESTIONS) {
    const answered = await answers[question]()
    rows.push((answered as unknown[]).length)
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const began = performance.now()
      await answers[question]()
      times.push(performance.now() - began)
    }
    ms.push(times.sort((a, b) => a - b)[2]!)
  }
  return { ms, rows }
}

async function khien(folder: string, count: number): Promise<Report> {
  const { ChdbEventStore } = await import('../src/storage/events/event-store.ts')
  await using segments = await SegmentLog.open({
    folder: join(folder, 'segments'),
    lastSeq: 0,
    entropy: systemEntropy,
    log: silentLog,
  })
  let appendMs = 0
  for (let i = 0; i < count;) {
    const group: Promise<unknown>[] = []
    const bodies: string[] = []
    for (let g = 0; g < 16 && i < count; g++) {
      const lines: string[] = []
      for (; lines.length < BATCH && i < count; i++) lines.push(JSON.stringify(eventAt(i, count)))
      bodies.push(lines.join('\n'))
    }
    const began = performance.now()
    for (const body of bodies) {
      const lines = body.split('\n').length
      group.push(
        segments.append({ batch: `b${i}`, source: 'bench', received: END, lines, events: lines, rejected: {} }, body),
      )
    }
    await Promise.all(group)
    appendMs += performance.now() - began
  }
  await segments.seal()
  await using store = await ChdbEventStore.open(folder)
  const cpu = process.cpuUsage()
  const began = performance.now()
  for (const { id } of segments.sealed) await store.load(id)
  const insertMs = performance.now() - began
  const spent = process.cpuUsage(cpu)
  const span = (from: number, where: Where = []) => ({ from, to: END, where })
  const by = (value: string): Where => [{ field: 'clientAddress', not: false, test: { is: 'equal', value } }]
  const page = async (from: number, where: Where) =>
    (await store.search({ ...span(from, where), limit: 100, cursor: null })).events
  await wait(2_000)
  const { bytes, active } = await store.parts()
  return {
    insertMs,
    insertCpuMs: (spent.user + spent.system) / 1_000,
    bytes,
    note: { appendMs, parts: active },
    ...(await ask({
      'last hour by address': () => page(END - HOUR_MS, by(HOT)),
      'rare address over all': () => page(START, by(RARE)),
      'top-20 addresses': async () => (await store.top({ ...span(START), field: 'clientAddress', limit: 20 })).values,
      'histogram per minute, a day': () =>
        store.histogram({ ...span(END - 24 * HOUR_MS), bucketMs: 60_000, by: 'kind' }),
      'substring of path over all': () =>
        page(START, [{ field: 'path', not: false, test: { is: 'like', pattern: '*/2999/*' } }]),
    })),
  }
}

const WIDE =
  'id time kind clientAddress clientPort serverAddress serverPort requestId method host path status bytesIn bytesOut query'.split(
    ' ',
  )
const NUMBERS = new Set(['time', 'clientPort', 'serverPort', 'status', 'bytesIn', 'bytesOut'])
const WIDE_SET = new Set(WIDE)
/** The same event as a row: what has no column goes to `attrs`, as with ours. */
function rowOf(event: BenchEvent): (string | number | null)[] {
  const rest = Object.fromEntries(Object.entries(event).filter(([name]) => !WIDE_SET.has(name)))
  return [...WIDE.map((name) => (event[name] as string | number | undefined) ?? null), JSON.stringify(rest)]
}
const SQL = {
  page: (where: string) => `SELECT * FROM event WHERE ${where} ORDER BY time DESC LIMIT 100`,
  top: 'SELECT clientAddress, count(*) AS n FROM event GROUP BY clientAddress ORDER BY n DESC LIMIT 20',
}

async function sqlite(folder: string, count: number): Promise<Report> {
  const db = new DatabaseSync(join(folder, 'events.db'))
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -262144;
    CREATE TABLE event (${WIDE.map((name) => `${name} ${NUMBERS.has(name) ? 'INTEGER' : 'TEXT'}`).join(', ')}, attrs TEXT);
    CREATE INDEX event_time ON event (time); CREATE INDEX event_address ON event (clientAddress, time)`)
  const insert = db.prepare(
    `INSERT INTO event VALUES (${Array(WIDE.length + 1)
      .fill('?')
      .join(', ')})`,
  )
  const spent = await insertAll(count, async (rows) => {
    db.exec('BEGIN')
    for (const row of rows) insert.run(...row)
    db.exec('COMMIT')
  })
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const all = (sql: string) => async () => db.prepare(sql).all()
  const report = {
    ...spent,
    bytes: statSync(join(folder, 'events.db')).size,
    ...(await ask({
      'last hour by address': all(SQL.page(`clientAddress = '${HOT}' AND time >= ${END - HOUR_MS}`)),
      'rare address over all': all(SQL.page(`clientAddress = '${RARE}'`)),
      'top-20 addresses': all(SQL.top),
      'histogram per minute, a day': all(
        `SELECT time / 60000 AS m, kind, count(*) FROM event WHERE time >= ${END - 24 * HOUR_MS} GROUP BY m, kind`,
      ),
      'substring of path over all': all(SQL.page(`path LIKE '%/2999/%'`)),
    })),
  }
  db.close()
  return report
}

type DuckModule = { DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<DuckConnection> }> } }
type DuckConnection = {
  run(sql: string): Promise<unknown>
  runAndReadAll(sql: string): Promise<{ getRows(): unknown[] }>
  createAppender(table: string): Promise<
    Record<'appendVarchar' | 'appendBigInt', (value: never) => void> & {
      appendNull(): void
      endRow(): void
      flushSync(): void
      closeSync(): void
    }
  >
  closeSync(): void
}

async function duckdb(folder: string, count: number): Promise<Report> {
  const { DuckDBInstance } = createRequire(join(process.env['KHIEN_DUCKDB']!, 'x.js'))('@duckdb/node-api') as DuckModule
  const connection = await (await DuckDBInstance.create(join(folder, 'events.duckdb'))).connect()
  await connection.run(
    `CREATE TABLE event (${WIDE.map((name) => `${name} ${NUMBERS.has(name) ? 'BIGINT' : 'VARCHAR'}`).join(', ')}, attrs VARCHAR)`,
  )
  const appender = await connection.createAppender('event')
  const spent = await insertAll(count, async (rows) => {
    for (const row of rows) {
      for (const value of row) {
        if (value === null) appender.appendNull()
        else if (typeof value === 'number') appender.appendBigInt(BigInt(value) as never)
        else appender.appendVarchar(value as never)
      }
      appender.endRow()
    }
    appender.flushSync()
  })
  appender.closeSync()
  await connection.run('CHECKPOINT')
  const all = (sql: string) => async () => (await connection.runAndReadAll(sql)).getRows()
  const answers = await ask({
    'last hour by address': all(SQL.page(`clientAddress = '${HOT}' AND time >= ${END - HOUR_MS}`)),
    'rare address over all': all(SQL.page(`clientAddress = '${RARE}'`)),
    'top-20 addresses': all(SQL.top),
    'histogram per minute, a day': all(
      `SELECT time // 60000 AS m, kind, count(*) FROM event WHERE time >= ${END - 24 * HOUR_MS} GROUP BY m, kind`,
    ),
    'substring of path over all': all(SQL.page(`path ILIKE '%/2999/%'`)),
  })
  connection.closeSync()
  return { ...spent, bytes: statSync(join(folder, 'events.duckdb')).size, ...answers }
}

/** Rows are made outside the measured time; 50,000 a transaction. */
async function insertAll(count: number, insert: (rows: (string | number | null)[][]) => Promise<void>) {
  let [insertMs, insertCpuMs] = [0, 0]
  for (let i = 0; i < count;) {
    const rows: (string | number | null)[][] = []
    for (; rows.length < 50_000 && i < count; i++) rows.push(rowOf(eventAt(i, count)))
    const cpu = process.cpuUsage()
    const began = performance.now()
    await insert(rows)
    insertMs += performance.now() - began
    const spent = process.cpuUsage(cpu)
    insertCpuMs += (spent.user + spent.system) / 1_000
  }
  return { insertMs, insertCpuMs }
}

const RIVALS: Record<string, (folder: string, count: number) => Promise<Report>> = { khien, sqlite, duckdb }

async function inProcess(name: string, count: number): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'kbe-'))
  const child = fork(import.meta.filename, ['--rival', name, folder, String(count)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  try {
    const [heard] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended (${code})`))),
    ])) as [Report]
    return heard
  } finally {
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Real intake and store processes: batches in flight from 8 senders, then one event at a time. */
async function wholeWay(count: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kbe-'))
  const start = async (name: 'intake' | 'store'): Promise<SupervisedProcess> => {
    const child = new SupervisedProcess(
      {
        name,
        module: join(root, 'src', 'app', 'processes', `${name}.ts`),
        config: { folder, nodeSocket: join(folder, 'run', 'node.sock'), sigma: join(root, 'rules', 'sigma') },
        restart: false,
      },
      { root, compileCache: undefined },
      true,
    )
    await child.ready()
    return child
  }
  const processes = [await start('store'), await start('intake')]
  const at = (name: string): string => join(folder, 'run', name)
  try {
    await using intake = openIntake({
      intakeSocket: at('intake.sock'),
      storeSocket: at('store.sock'),
      tokenKey: randomBytes(32),
      clock: systemClock,
      entropy: systemEntropy,
    })
    const now = Date.now()
    const bodies: Buffer[] = []
    for (let i = 0; i < count;) {
      const lines: string[] = []
      for (; lines.length < BATCH && i < count; i++) lines.push(JSON.stringify({ ...eventAt(i, count), time: now }))
      bodies.push(Buffer.from(lines.join('\n')))
    }
    const began = performance.now()
    let next = 0
    const times: number[] = []
    const sender = async (): Promise<void> => {
      for (let n = next++; n < bodies.length; n = next++) {
        const sent = performance.now()
        const { accepted } = await intake.post('bench', `b${n}`, bodies[n]!)
        times.push(performance.now() - sent)
        if (accepted === 0) throw new Error('an event of the bench was rejected')
      }
    }
    await Promise.all(Array.from({ length: 8 }, sender))
    const acknowledged = performance.now() - began
    while ((await intake.ledger()).pending > 0) await wait(20)
    const searchable = performance.now() - began
    say('khien, intake: acknowledged, checked and synced', count / (acknowledged / 1_000), 'events/s')
    say('khien, intake: acknowledged → counted in the store', count / (searchable / 1_000), 'events/s')
    times.sort((a, b) => a - b)
    say(
      'khien, intake: p99 of an acknowledgement, 8 × 500 events in flight',
      times[Math.floor(times.length * 0.99)]!,
      'ms',
    )
    const fresh: number[] = []
    for (let i = 0; i < 7; i++) {
      await intake.post(
        'bench',
        `probe${i}`,
        Buffer.from(JSON.stringify({ ...eventAt(0, 1), id: `probe-${i}`, time: Date.now() })),
      )
      const from = performance.now()
      while (
        // A sender's ids are its own: the source's mark stands before them.
        await intake.search({ q: `id:*-probe-${i}`, limit: 1 }).then(
          ({ events }) => events.length === 0,
          () => true,
        )
      )
        await wait(20)
      fresh.push(performance.now() - from)
    }
    const worst = Math.max(...fresh)
    say(
      'khien, intake: acknowledged → searchable, quiet, worst of 7',
      worst,
      'ms',
      '2000',
      worst <= 2_000 ? 'met' : 'short',
    )
  } finally {
    for (const one of processes.reverse()) await one.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 1_000_000)
  if (!Number.isInteger(count) || count < 1) throw new TypeError('expected a number of events')
  for (const name of Object.keys(RIVALS)) {
    if (name === 'duckdb' && !hasDuck()) {
      say('duckdb', 'skipped: $KHIEN_DUCKDB names no node_modules folder with @duckdb/node-api', '-')
      continue
    }
    const { insertMs, insertCpuMs, bytes, note, ms, rows } = await inProcess(name, count)
    if (note) say(`${name}, segments: append and sync`, count / (note['appendMs']! / 1_000), 'events/s')
    say(`${name}, insert`, count / (insertMs / 1_000), 'events/s')
    say(`${name}, insert`, count / (insertCpuMs / 1_000), 'events/CPU-s')
    say(`${name}, disk`, bytes / count, 'bytes/event')
    if (note) say(`${name}, parts`, note['parts']!, 'parts')
    for (const [i, question] of QUESTIONS.entries())
      say(
        `${name}, ${question} (${rows[i]} rows)`,
        ms[i]!,
        'ms',
        ...(name === 'khien' ? ['1000', ms[i]! < 1_000 ? 'met' : 'short'] : []),
      )
  }
  await wholeWay(Math.min(count, 500_000))
}

const hasDuck = (): boolean => {
  const folder = process.env['KHIEN_DUCKDB']
  return (
    folder !== undefined &&
    existsSync(folder) &&
    globSync('@duckdb/node-api/package.json', { cwd: folder }).length === 1
  )
}

if (process.argv[2] === '--rival') {
  const [name, folder, count] = process.argv.slice(3) as [string, string, string]
  process.send!(await RIVALS[name]!(folder, Number(count)))
} else await main()
