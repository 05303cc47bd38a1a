import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { supervise, type ProcessSpec } from '../../src/app/supervisor.ts'
import { silentLog } from '../../src/kit/log.ts'
import type { DummyConfig } from './fixtures/dummy.ts'
import { dummy, flags, isAlive, pidIn, root, temporary, until } from './processes.ts'

function spec(folder: string, name: string, more: Partial<DummyConfig> = {}, needs: string[] = []): ProcessSpec {
  const config: DummyConfig = { socket: join(folder, `${name}.sock`), pidFile: join(folder, `${name}.pid`), ...more }
  return { name, module: dummy, config, restart: true, needs }
}
const options = (lines: string[] = []) => ({
  out: (line: string) => void lines.push(line),
  log: silentLog,
  root,
  grace: 500,
})

test('children get their configuration, no secret from the environment, no debugger', async () => {
  using folder = temporary()
  process.env['DATABASE_URL'] = 'postgres://secret'
  await using running = await supervise([spec(folder.path, 'a')], options())
  delete process.env['DATABASE_URL']
  const note = running.notes.get('a')!
  assert.equal(note['secret'], 'none')
  assert.match(String(note['sigusr1']), /--disable-sigusr1/)
  assert.equal(note['pid'], pidIn(join(folder.path, 'a.pid')))
})

test('needs are started first, and stopping removes sockets and processes', async () => {
  using folder = temporary()
  const running = await supervise([spec(folder.path, 'b', {}, ['a']), spec(folder.path, 'a')], options())
  assert.deepEqual([...running.notes.keys()], ['a', 'b'])
  const pids = [...running.notes.values()].map((note) => Number(note['pid']))
  await running[Symbol.asyncDispose]()
  assert.ok(pids.every((pid) => !isAlive(pid)))
  assert.ok(!existsSync(join(folder.path, 'a.sock')))
})

test('a child killed by kill -9 is back, and both is said in one line', async () => {
  using folder = temporary()
  const lines: string[] = []
  const pidFile = join(folder.path, 'a.pid')
  // A killed server leaves its unix socket behind; the dummy must not trip over it in its second life.
  const unlinked = { ...spec(folder.path, 'a'), config: { socket: '\0khien-dummy-' + process.pid, pidFile } }
  await using running = await supervise([unlinked], options(lines))
  const first = Number(running.notes.get('a')!['pid'])
  process.kill(first, 'SIGKILL')
  await until('a new life', () => lines.includes('a is back.'))
  assert.notEqual(pidIn(pidFile), first)
  assert.deepEqual(lines, ['a ended (SIGKILL); starting it again in 0.1 s.', 'a is back.'])
})

test('an unforeseen error ends the child, which comes back with growing pauses', async () => {
  using folder = temporary()
  const lines: string[] = []
  const config = { socket: '\0khien-crash-' + process.pid, pidFile: join(folder.path, 'a.pid'), crash: true }
  await using _ = await supervise([{ ...spec(folder.path, 'a'), config }], options(lines))
  await until('three deaths', () => lines.filter((line) => line.includes('again')).length >= 3)
  const pauses = lines.filter((line) => line.includes('again')).map((line) => /in ([\d.]+) s/.exec(line)![1])
  assert.deepEqual(pauses.slice(0, 3), ['0.1', '0.2', '0.4'])
})

for (const wrong of [
  { title: 'says why', more: { fail: true }, module: dummy, says: /^The dummy was told to fail\.$/ },
  { title: 'has no module', more: {}, module: '/nowhere/node.ts', says: /^b cannot start: .*\/nowhere\/node\.ts\.$/ },
  {
    title: 'is not a child at all',
    more: {},
    module: join(root, 'src/kit/clock.ts'),
    says: /^b ended before it was ready \(exit 0\)\.$/,
  },
])
  test(`a first start that ${wrong.title} ends all the others`, async () => {
    using folder = temporary()
    const bad = { ...spec(folder.path, 'b', wrong.more, ['a']), module: wrong.module }
    await assert.rejects(supervise([spec(folder.path, 'a'), bad], options()), { message: wrong.says })
    assert.ok(!isAlive(pidIn(join(folder.path, 'a.pid'))))
  })

test('one that will not stop is killed after the grace', async () => {
  using folder = temporary()
  const running = await supervise([spec(folder.path, 'a', { stubborn: true })], options())
  const pid = pidIn(join(folder.path, 'a.pid'))
  await running[Symbol.asyncDispose]()
  assert.ok(!isAlive(pid))
})

for (const { signal, orderly } of [
  { signal: 'SIGKILL', orderly: false },
  { signal: 'SIGTERM', orderly: true },
] as const)
  test(`no orphan after ${signal} of the supervisor`, async () => {
    using folder = temporary()
    const parent = spawn(process.execPath, [...flags, join(import.meta.dirname, 'fixtures/parent.ts'), folder.path])
    let said = ''
    parent.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until('ready', () => said.includes('ready'))
    const pids = ['a', 'b'].map((name) => pidIn(join(folder.path, `${name}.pid`)))
    assert.ok(pids.every(isAlive))
    parent.kill(signal)
    await until('all gone', () => !pids.some(isAlive))
    await until('the parent gone', () => parent.exitCode !== null || parent.signalCode !== null)
    assert.equal(said.includes('stopped'), orderly)
    assert.ok(!existsSync(join(folder.path, 'a.sock')))
  })
