import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { folderSpool } from '../../src/client/node.ts'
import { newItemId } from '../../src/client/sealing.ts'
import { memorySpool, storageSpool, type Spool, type SpoolItem } from '../../src/client/spool.ts'
import { ITEM_ID } from '../../src/vault/inbox/contract.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'khien-spool-'))
const items = (many: number, sealed = 'x'.repeat(100)): SpoolItem[] =>
  Array.from({ length: many }, (_, i) => ({ id: newItemId(Date.now()), key: 'ibk_TEST', at: i, sealed }))
const ids = (list: readonly SpoolItem[]): string[] => list.map((item) => item.id)
const done = (list: readonly SpoolItem[]) => ({ done: new Set(ids(list)), refused: new Map<string, string>() })

test('ids have the shape the vault takes, and those of one process sort by birth', () => {
  const made = Array.from({ length: 5_000 }, (_, i) => newItemId(1_763_780_000_000 + Math.floor(i / 100)))
  assert.ok(made.every((id) => ITEM_ID.test(id)))
  assert.deepEqual(made.toSorted(), made)
  assert.equal(new Set(made).size, made.length)
})

const SPOOLS: readonly [string, (limit?: { maxItems: number }) => Promise<Spool>][] = [
  ['memory', async (limit) => memorySpool(limit)],
  [
    'storage',
    async (limit) => {
      const kept = new Map<string, string>()
      const slow = () => new Promise((resolve) => setTimeout(resolve, 1))
      return storageSpool(
        {
          getItem: async (name) => (await slow(), kept.get(name)),
          setItem: async (name, text) => (await slow(), kept.set(name, text)),
          removeItem: async (name) => (await slow(), kept.delete(name)),
        },
        limit,
      )
    },
  ],
  ['folder', (limit) => folderSpool(folder(), limit)],
]
for (const [name, open] of SPOOLS) {
  test(`${name}: the oldest first, each to one taker, what is not settled waits again`, async () => {
    const spool = await open()
    const all = items(30)
    await Promise.all([spool.add(all.slice(0, 10)), spool.add(all.slice(10, 20)), spool.add(all.slice(20))])
    const first = await spool.take(12, 1e6)
    const second = await spool.take(12, 1e6)
    assert.deepEqual(ids([...first, ...second]), ids(all).slice(0, 24))
    assert.deepEqual(await spool.counts(), { pending: 30, refused: 0 })
    await spool.settle(first, { done: new Set(ids(first).slice(0, 4)), refused: new Map([[first[4]!.id, 'vault/x']]) })
    assert.deepEqual(await spool.counts(), { pending: 25, refused: 1 })
    assert.deepEqual(ids(await spool.take(3, 1e6)), ids(all).slice(5, 8))
    await spool.settle(second, done(second))
    assert.deepEqual(await spool.counts(), { pending: 13, refused: 1 })
  })
  test(`${name}: a batch is bounded in characters; one item always goes`, async () => {
    const spool = await open()
    const all = items(5, 'y'.repeat(4_000))
    await spool.add(all)
    assert.equal((await spool.take(5, 10)).length, 1)
    assert.equal((await spool.take(5, 9_000)).length, 2)
    assert.equal((await spool.take(5, 1e6)).length, 2)
  })
  test(`${name}: full is an error that keeps nothing of the call`, async () => {
    const spool = await open({ maxItems: 10 })
    await spool.add(items(8))
    await assert.rejects(spool.add(items(3)), {
      name: 'KhienRefusal',
      code: 'client/spool-full',
      message: /holds 10 items/,
    })
    assert.equal((await spool.counts()).pending, 8)
    const two = await spool.take(2, 1e6)
    await spool.settle(two, { done: new Set(), refused: new Map(ids(two).map((id) => [id, 'vault/x'])) })
    await assert.rejects(spool.add(items(3)), { code: 'client/spool-full' }, 'refused ones take room too')
    const rest = await spool.take(3, 1e6)
    await spool.settle(rest, done(rest))
    await spool.add(items(3))
  })
  test(`${name}: notes`, async () => {
    const spool = await open()
    assert.equal(await spool.note('inbox-key'), undefined)
    await spool.keepNote('inbox-key', 'một')
    await spool.keepNote('inbox-key', 'hai')
    assert.equal(await spool.note('inbox-key'), 'hai')
  })
}

test('folder: readable by its owner alone; refused items keep their code in their name', async () => {
  const path = folder()
  const spool = await folderSpool(path)
  const [one] = items(1)
  await spool.add([one!])
  assert.equal(statSync(join(path, 'waiting')).mode & 0o777, 0o700)
  assert.equal(statSync(join(path, 'waiting', `${one!.id}.json`)).mode & 0o777, 0o600)
  await spool.settle(await spool.take(1, 1e6), { done: new Set(), refused: new Map([[one!.id, 'vault/not-a-phone']]) })
  assert.deepEqual(readdirSync(join(path, 'refused')), [`${one!.id}.vault_not-a-phone.json`])
})

test('folder: what a dead process took waits again; a damaged file is put apart and counted', async () => {
  const path = folder()
  const all = items(4)
  await (await folderSpool(path)).add(all)
  const gone = spawn(process.execPath, ['-e', ''])
  await once(gone, 'exit')
  const taken = join(path, 'taken', `${hostname().replace(/[^\w-]/g, '_')}.${gone.pid}.abc`)
  mkdirSync(taken)
  execFileSync('mv', [join(path, 'waiting', `${all[0]!.id}.json`), taken])
  writeFileSync(join(path, 'waiting', `${all[1]!.id}.json`), '{"id":"')
  const spool = await folderSpool(path)
  assert.deepEqual(ids(await spool.take(10, 1e6)), ids([all[0]!, all[2]!, all[3]!]))
  assert.deepEqual(await spool.counts(), { pending: 3, refused: 1 })
})

test(
  'folder: several processes share it; each item goes to one of them, and none is lost when they are killed',
  { timeout: 60_000 },
  async () => {
    const path = folder()
    const spool = await folderSpool(path)
    const all = items(300)
    await spool.add(all)
    const program = `
    import { folderSpool } from ${JSON.stringify(join(import.meta.dirname, '../../src/client/node.ts'))}
    const spool = await folderSpool(${JSON.stringify(path)})
    for (;;) {
      const taken = await spool.take(7, 1e6)
      if (taken.length === 0) break
      console.log(taken.map((item) => item.id).join(' '))
      await new Promise((resolve) => setTimeout(resolve, 20))
      await spool.settle(taken, { done: new Set(taken.map((item) => item.id)), refused: new Map() })
    }`
    const heard: string[] = []
    const children = [0, 1, 2].map(() => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child.stdout.on('data', (chunk: Buffer) => heard.push(chunk.toString()))
      return child
    })
    for (let tries = 0; heard.length < 6 && tries < 500; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10))
    children[0]!.kill('SIGKILL')
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
    const rest: SpoolItem[] = []
    for (let list = await spool.take(50, 1e6); list.length > 0; list = await spool.take(50, 1e6)) {
      rest.push(...list)
      await spool.settle(list, done(list))
    }
    const lines = heard.join('').trim().split(/\s+/)
    assert.deepEqual([...new Set([...lines, ...ids(rest)])].toSorted(), ids(all))
    // Only what the killed one held when it died can come twice, and the vault takes an id once.
    assert.ok(lines.length + rest.length <= 307, `${lines.length} + ${rest.length}`)
    assert.deepEqual(await spool.counts(), { pending: 0, refused: 0 })
  },
)

test('folder: an item is on the disk before add resolves', { timeout: 30_000 }, async () => {
  const path = folder()
  const trace = join(path, 'trace')
  const program = `
    import { folderSpool } from ${JSON.stringify(join(import.meta.dirname, '../../src/client/node.ts'))}
    const spool = await folderSpool(${JSON.stringify(join(path, 'spool'))})
    await spool.add([{ id: 'inb_${'0'.repeat(26)}', key: 'k', at: 1, sealed: 'x' }])
    process.stderr.write('ADDED\\n')`
  let there = true
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
  } catch {
    there = false
  }
  if (!there) return void test.skip('strace is not installed (Debian: apt install strace)')
  execFileSync(
    'strace',
    [
      '-f',
      '-y',
      '-o',
      trace,
      '-e',
      'trace=fsync,fdatasync,rename,renameat,renameat2,write',
      process.execPath,
      '--input-type=module',
      '-e',
      program,
    ],
    { stdio: 'ignore' },
  )
  const lines = readFileSync(trace, 'utf8').split('\n')
  const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line))
  const [file, moved, dir, said] = [
    at(/fsync\(\d+<[^>]*\/new\/inb_/),
    at(/rename.*waiting\/inb_/),
    at(/fsync\(\d+<[^>]*\/waiting>/),
    at(/ADDED/),
  ]
  assert.ok(file >= 0 && file < moved && moved < dir && dir < said, `${file} ${moved} ${dir} ${said}`)
})

test('folder: a disk that takes nothing is a clear error, and nothing was kept', async () => {
  const path = folder()
  const spool = await folderSpool(path)
  execFileSync('rm', ['-r', join(path, 'new')])
  await assert.rejects(spool.add(items(2)), { name: 'KhienRefusal', code: 'client/spool', message: /ENOENT/ })
  assert.deepEqual(await spool.counts(), { pending: 0, refused: 0 })
})
