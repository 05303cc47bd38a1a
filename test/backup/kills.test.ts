import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { readRing } from '../../src/backup/index.ts'
import { freePort } from '../../src/storage/sql/testing.ts'
import { demoConfig } from '../running-node.ts'
import { anApp, drilledOf, duty, folder, keyOf, madeBy, restored, twoPlaces } from './places.ts'

const root = join(import.meta.dirname, '..', '..')

/** A node in a process that is killed. */
async function nodeIn(at: string): Promise<{ child: ChildProcess; socket: string; internal: string; key: string }> {
  const config = demoConfig('platform', at, await freePort(), await freePort())
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'test/durability/node-process.ts'), JSON.stringify(config)],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  )
  await once(child.stdout!, 'data')
  const { key } = JSON.parse(readFileSync(join(at, '..', 'marketplace', 'service-key.json'), 'utf8')) as { key: string }
  return { child, key, socket: join(at, 'run', 'node.sock'), internal: config.internalOrigin }
}

test('killed in the middle of a backup, again and again: none is ever taken for whole, no key of one stays', async () => {
  const places = twoPlaces()
  const at = join(folder('kills'), 'platform')
  let people = 0
  for (const [bytes, what] of [
    [0, 'at the beginning'],
    [1, 'with the keys written'],
    [5_000, 'in the control store'],
  ] as const) {
    const node = await nodeIn(at)
    const app = await anApp({
      internal: node.internal,
      public: node.internal,
      serviceKey: () => ({ id: '', key: node.key }),
    })
    for (let n = 0; n < 25; n++) await app.person(people++)
    // Slow enough to be met half-way.
    await duty(node.socket, 'backup', { ...places, keepKeys: 30, rate: 0.02 })
    for (;;) {
      const status = await duty(node.socket, 'backup-status', {})
      assert.equal(status['state'], 'making', what)
      if (Number(status['bytes']) >= bytes) break
      await wait(5)
    }
    node.child.kill('SIGKILL')
    await once(node.child, 'exit')
  }
  const { secrets } = await keyOf(at)
  const half = (names: string[]): string[] => names.filter((name) => name.startsWith('.making-'))
  assert.equal(half(readdirSync(places.to)).length, 1, 'the last one is half made')
  await assert.rejects(restored(at, places), { code: 'restore/no-backup' })

  const node = await nodeIn(at)
  try {
    assert.deepEqual(readdirSync(places.to), [])
    assert.deepEqual(half(readdirSync(places.keysTo)), [])
    const ring = (await readRing(places.keysTo, 'platform', secrets.node))!
    // The first was killed so early that its key may never have been made.
    assert.ok([2, 3].includes(ring.keys.length), String(ring.keys.length))
    assert.ok(ring.keys.every(({ sealed }) => sealed === null))
    const status = await madeBy(node, places)
    assert.equal(status.state, 'made', status.detail ?? '')
    assert.deepEqual(readdirSync(places.to), [status.name])
    assert.equal((await drilledOf(at, places)).good, true)
  } finally {
    node.child.stdin!.end()
    await once(node.child, 'exit')
  }
})

test('killed in the middle of a restore: no node is there, and the next restore begins anew', async () => {
  const places = twoPlaces()
  const at = join(folder('kills'), 'platform')
  const node = await nodeIn(at)
  try {
    const app = await anApp({ ...node, public: node.internal, serviceKey: () => ({ id: '', key: node.key }) })
    for (let n = 0; n < 40; n++) await app.person(n)
    assert.equal((await madeBy(node, places)).state, 'made')
  } finally {
    node.child.stdin!.end()
    await once(node.child, 'exit')
  }
  const data = folder('into')
  const from = ['--from', places.to, '--keys-from', places.keysTo, '--key', join(at, 'key.json')]
  const begin = () =>
    spawn(process.execPath, ['bin/khien.js', 'restore', '--role', 'platform', '--data', data, ...from], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  const staging = join(data, '.restoring-platform')
  let met = 0
  for (const file of ['keys.db', 'control.db', 'log/checkpoint']) {
    const child = begin()
    const ended = once(child, 'exit')
    while (child.exitCode === null && !existsSync(join(staging, file))) await wait(1)
    child.kill('SIGKILL')
    await ended
    if (child.signalCode === 'SIGKILL') met++
    assert.equal(existsSync(join(data, 'platform', 'control.db')), child.signalCode === null)
    if (child.signalCode === null) rmSync(join(data, 'platform'), { recursive: true })
  }
  assert.ok(met > 0)
  const child = begin()
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
  assert.ok(existsSync(join(data, 'platform', 'control.db')))
  assert.equal(existsSync(staging), false)
})
