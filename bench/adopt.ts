import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { propose } from '../src/adopt/index.ts'
import type { FromChild } from '../src/app/protocol.ts'
import { openSource, sql, type Source } from '../src/source/index.ts'
import { SOURCES } from '../src/source/testing.ts'
import { freePort } from '../src/storage/sql/testing.ts'
import { command, declarePurpose } from '../test/adopt/moving.ts'
import { FIELDS, fillShop, openShop } from '../test/adopt/shop.ts'
import { demoConfig } from '../test/running-node.ts'

// A shop of N people with an order and a half and a payment each moves in while it writes 200 times a second: khien adopt as
// programs of their own, the vault a process of its own, the shop (an old writer, a new one and a reader) in this one. One
// column goes back on the way. `--users N` (20,000), `--source postgres|mariadb` (both), `--writes` (200), `--every K`: only
// every K-th person has orders and a payment (1).

const flag = (name: string, otherwise: string): string => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : process.argv[at + 1]!
}
const USERS = Number(flag('users', '20000'))
const WRITES = Number(flag('writes', '200'))
const READS = 20
/** Every so many of the people have ordered. */
const EVERY = Number(flag('every', '1'))
const root = join(import.meta.dirname, '..')
const say = (name: string, value: number, unit: string, goal?: number, less = false): void =>
  console.log(
    [
      name,
      value.toFixed(value < 10 ? 2 : 0),
      unit,
      goal ?? '-',
      goal === undefined ? '-' : (less ? value <= goal : value >= goal) ? 'met' : 'short',
    ].join('\t'),
  )

async function startVault() {
  const data = mkdtempSync(join(tmpdir(), 'khien-bench-'))
  const config = demoConfig('platform', join(data, 'platform'), await freePort(), await freePort())
  const child = fork(join(root, 'src/app/processes/node.ts'), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  child.send({ type: 'config', config })
  for (;;) {
    const [message] = (await once(child, 'message')) as [FromChild]
    if (message.type === 'ready') break
  }
  const file = join(data, 'marketplace', 'service-key.json')
  const { key } = JSON.parse(readFileSync(file, 'utf8')) as { key: string }
  return {
    origin: config.internalOrigin,
    key,
    file,
    folder: data,
    async stop() {
      child.disconnect()
      await once(child, 'exit')
      rmSync(data, { recursive: true, force: true })
    },
  }
}

async function move(server: (typeof SOURCES)[number]): Promise<void> {
  const url = await server.open()
  const source = await openSource(url)
  const began = performance.now()
  await fillShop(source, USERS, EVERY)
  const rows = await countAll(source)
  console.log(
    `# ${server.name}: ${USERS} people, every ${EVERY}. with orders, ${rows} rows, filled in ${((performance.now() - began) / 1_000).toFixed(0)} s`,
  )
  const vault = await startVault()
  await declarePurpose(vault.origin, vault.key, FIELDS)
  const plan = await propose(source, { now: Date.now() })
  const planFile = join(vault.folder, 'plan.json')
  writeFileSync(planFile, JSON.stringify(plan))
  const at = ['--vault', vault.origin, '--key-file', vault.file]
  const name = (text: string): string => `${server.name}: ${text}`
  const run = async (words: readonly string[]): Promise<{ seconds: number; said: string; code: number | null }> => {
    const began = performance.now()
    const program = command(['adopt', ...words, ...at], url)
    const code = await program.ended
    return { seconds: (performance.now() - began) / 1_000, said: program.said(), code }
  }
  const must = async (words: readonly string[]): ReturnType<typeof run> => {
    const done = await run(words)
    if (done.code !== 0) throw new Error(`khien adopt ${words.join(' ')}: ${done.said.slice(-800)}`)
    return done
  }

  const shop = await openShop({
    url,
    people: USERS,
    origin: vault.origin,
    key: vault.key,
    writes: WRITES,
    reads: READS,
    remembers: USERS <= 50_000,
  })
  const start = performance.now()
  const copied = await must(['copy', '--plan', planFile])
  say(name('copied'), rows / copied.seconds, 'rows/s')
  const following = command(['adopt', 'follow', ...at], url)
  const lags: number[] = []
  let watching = true
  const watch = (async () => {
    while (watching) {
      lags.push(await lagOf(source))
      await sleep(1_000)
    }
  })()
  await caughtUp(source, 1_800)
  say(name('caught up after copying'), (performance.now() - start) / 1_000 - copied.seconds, 's')
  lags.length = 0
  const compared = await run(['compare'])
  say(name('compared'), rows / compared.seconds, 'rows/s')
  say(name('differences after copying'), differencesIn(compared.said), 'cells', 0, true)

  let cells = 0
  let seconds = 0
  for (const { table, columns } of plan.tables) {
    const done = await must(['switch', '--column', columns.map(({ column }) => `${table}.${column}`).join(',')])
    cells += Number(/([\d,]+) cells hold tokens/.exec(done.said)?.[1]?.replaceAll(',', '') ?? 0)
    seconds += done.seconds
    if (table === 'users') for (const column of ['phone', 'full_name'] as const) shop.sealsInto(column)
  }
  say(name('switched'), cells / seconds, 'cells/s')
  shop.writesHere('phone')
  const back = await must(['back', '--column', 'users.phone'])
  say(
    name('one column back'),
    Number(/([\d,]+) values are back/.exec(back.said)?.[1]?.replaceAll(',', '') ?? 0) / back.seconds,
    'cells/s',
  )
  await must(['switch', '--column', 'users.phone'])
  shop.sealsInto('phone')
  watching = false
  await watch
  say(name('behind, 99th percentile'), lags.toSorted((a, b) => a - b)[Math.floor(lags.length * 0.99)] ?? 0, 's')

  await shop.retiresOld()
  await caughtUp(source, 600)
  const last = await run(['compare'])
  say(name('differences at the end'), differencesIn(last.said), 'cells', 0, true)
  following.child.kill('SIGTERM')
  await following.ended
  const purged = await must(['purge'])
  say(name('purged'), purged.seconds, 's')
  await shop.closes()
  const total = (performance.now() - start) / 1_000
  const wrong = USERS <= 50_000 ? await shop.audit() : []
  const { seen } = shop
  say(name('whole move'), total, 's')
  say(name('writes of the shop'), (seen.oldWrites + seen.newWrites) / total, 'writes/s')
  say(name('its slowest request'), seen.slowest, 'ms')
  say(name('failed requests'), seen.failed, `of ${seen.oldWrites + seen.newWrites + seen.reads}`, 0, true)
  say(name('wrong answers'), seen.wrong + wrong.length, 'reads', 0, true)
  say(name('plaintext left in the live tables'), await plaintextIn(source), 'cells', 0, true)
  const rewriting = performance.now()
  for (const [, statement] of purged.said.matchAll(/^ {2}((?:vacuum|optimize) .*);$/gm))
    await source.alone((s) => s.run({ pieces: [statement!] }))
  say(name('tables rewritten, the shop closed'), (performance.now() - rewriting) / 1_000, 's')
  for (const why of [...seen.why, ...wrong].slice(0, 5)) console.log(`# ${why}`)
  await shop[Symbol.asyncDispose]()
  await source[Symbol.asyncDispose]()
  await vault.stop()
}

const differencesIn = (said: string): number =>
  Number(/([\d,]+) differ/.exec(said)?.[1]?.replaceAll(',', '') ?? Number.NaN)

async function countAll(source: Source): Promise<number> {
  const rows = await source.read((s) =>
    s.rows(
      sql`select (select count(*) from users) + (select count(*) from orders) + (select count(*) from payments) as n`,
    ),
  )
  return Number(rows[0]!['n'])
}

async function lagOf(source: Source): Promise<number> {
  const age =
    source.kind === 'postgres'
      ? sql`extract(epoch from clock_timestamp() - min(at))`
      : sql`timestampdiff(microsecond, min(at), current_timestamp(3)) / 1000000`
  const [row] = await source.read((s) =>
    s.rows(sql`select coalesce(${age}, 0) as s from khien_adopt_change where op <> 'g'`),
  )
  return Math.max(0, Number(row!['s']))
}

async function caughtUp(source: Source, seconds: number): Promise<void> {
  for (let waited = 0; waited < seconds * 5; waited++) {
    if ((await lagOf(source)) < 2) return
    await sleep(200)
  }
  throw new Error('following did not catch up')
}

/** Counted apart from what khien adopt counts: whatever looks like a phone, an address, a name or a number of a person. */
async function plaintextIn(source: Source): Promise<number> {
  const cells = ['full_name', 'phone', 'email', 'cccd'].map((c) => ['users', c]).concat([['orders', 'ship_address'], ['orders', 'note'], ['payments', 'bank_account'], ['payments', 'account_holder']])
  let count = 0
  for (const [table, column] of cells as [string, string][]) {
    const piece = { pieces: [column] }
    const [row] = await source.read((s) => s.rows(sql`select count(*) as n from ${{ pieces: [table] }} where ${piece} is not null and ${piece} not like 'kh!_%' escape '!'`))
    count += Number(row!['n'])
  }
  return count
} // prettier-ignore

const { model } = cpus()[0]!
console.log(
  `# adopt\t${new Date().toISOString().slice(0, 10)}\t${model.trim()}, ${cpus().length} cores\tNode ${process.version}`,
)
for (const server of SOURCES) {
  if (!flag('source', server.name).includes(server.name)) continue
  if (server.skip !== false) console.log(`# ${server.name}: ${server.skip}`)
  else await move(server)
}
process.exit(0)
