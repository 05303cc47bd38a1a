import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { open as fsOpen, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { systemEntropy } from '../../kit/ids.ts'
import { silentLog } from '../../kit/log.ts'
import { eventsOf, framesOf, SegmentLog, type SegmentLogOptions } from './index.ts'

const header = (batch: string, events: number) => ({
  batch,
  source: 's',
  received: 5,
  lines: events + 1,
  events,
  rejected: { json: 1 },
})
const body = (events: number): string =>
  Array.from({ length: events }, (_, i) => JSON.stringify({ i, text: 'Ngõ 1' })).join('\n')

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'khs-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}
const open = (folder: string, options: Partial<SegmentLogOptions> = {}) =>
  SegmentLog.open({ folder, lastSeq: 0, entropy: systemEntropy, log: silentLog, ...options })

test('what was appended is there after a new start, in order, with its header', async (t) => {
  const folder = newFolder(t)
  {
    await using log = await open(folder)
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.append(header(`b${i}`, i), body(i))))
    assert.equal(log.current?.events, 190)
  }
  await using log = await open(folder)
  assert.deepEqual(
    log.sealed.map(({ events, lines, since }) => [events, lines, since]),
    [[190, 210, 5]],
  )
  const { frames } = framesOf(readFileSync(log.sealed[0]!.path))
  assert.deepEqual(
    frames.map(({ header }) => header.batch),
    Array.from({ length: 20 }, (_, i) => `b${i}`),
  )
  assert.deepEqual(
    eventsOf(frames[2]!),
    [0, 1].map((i) => ({ i, text: 'Ngõ 1', received: 5, source: 's' })),
  )
})

for (const [name, tear] of [
  ['half a head', (path: string) => appendFileSync(path, 'KSF1\x20')],
  ['a head whose payload is missing', (path: string) => appendFileSync(path, Buffer.from('KSF1\x20\0\0\0\0\0\0\0'))],
  ['a frame that lost its end', (path: string) => truncateSync(path, readFileSync(path).length - 3)],
  ['zeros, as a file system leaves them', (path: string) => appendFileSync(path, Buffer.alloc(5_000))],
  [
    'a frame with a flipped bit',
    (path: string) => {
      const bytes = readFileSync(path)
      bytes[bytes.length - 2]! ^= 1
      writeFileSync(path, bytes)
    },
  ],
] as const)
  test(`a tail torn to ${name} is cut off, what stands before it stays`, async (t) => {
    const folder = newFolder(t)
    {
      await using log = await open(folder)
      for (let i = 0; i < 3; i++) await log.append(header(`b${i}`, 2), body(2))
    }
    tear(join(folder, readdirSync(folder)[0]!))
    const whole = /frame/.test(name) ? 2 : 3
    const lost = readFileSync(join(folder, readdirSync(folder)[0]!))
    {
      await using log = await open(folder)
      assert.equal(log.sealed[0]!.frames.length, whole)
      assert.deepEqual([log.torn, log.damaged], [1, 0])
      assert.deepEqual(readFileSync(`${log.sealed[0]!.path}.torn`), lost.subarray(log.sealed[0]!.bytes))
      await log.append(header('after', 1), body(1))
    }
    await using log = await open(folder)
    assert.deepEqual(
      log.sealed.map(({ frames }) => frames.length),
      [whole, 1],
    )
  })

// These frames were acknowledged: a crash tears only what stands at the end.
for (const [name, at] of [
  ['the sign of the first frame', 1],
  ['the length of the first frame', 5],
  ['the checksum of the first frame', 9],
  ['the payload of the first frame', 40],
  ['the frame before the last', 'before the last'],
] as const)
  test(`a flipped bit in ${name} of the newest segment throws nothing away`, async (t) => {
    const folder = newFolder(t)
    {
      await using log = await open(folder)
      for (let i = 0; i < 5; i++) await log.append(header(`b${i}`, 1), body(1))
    }
    const [file] = readdirSync(folder)
    const bytes = readFileSync(join(folder, file!))
    bytes[at === 'before the last' ? framesOf(bytes).frames[3]!.offset + 20 : at]! ^= 1
    writeFileSync(join(folder, file!), bytes)
    const { end: offset } = framesOf(bytes)
    await assert.rejects(open(folder), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'events/damaged-segment')
      assert.match(error.message, new RegExp(`${file!.slice(0, -4)} is damaged at byte ${offset};`))
      return true
    })
    assert.deepEqual(readFileSync(join(folder, `${file}.damaged`)), bytes)
    await using log = await open(folder)
    assert.deepEqual([log.damaged, log.torn], [1, 0])
    await log.append(header('after', 1), body(1))
    assert.equal(log.current!.seq, 2)
  })

test('a segment without any whole frame is set aside, an empty one goes', async (t) => {
  const folder = newFolder(t)
  writeFileSync(join(folder, '0000000007-AAAAAAAA.seg'), Buffer.from('KSF1 and no more'))
  {
    await using log = await open(folder)
    assert.deepEqual([log.sealed, log.torn], [[], 1])
  }
  writeFileSync(join(folder, '0000000008-AAAAAAAA.seg'), '')
  await using log = await open(folder)
  assert.deepEqual(readdirSync(folder), ['0000000007-AAAAAAAA.seg.torn'])
  assert.deepEqual([log.sealed, log.torn], [[], 1])
})

test('damage in an older segment stops the start and sets it aside', async (t) => {
  const folder = newFolder(t)
  {
    await using log = await open(folder, { maxBytes: 1 })
    for (let i = 0; i < 2; i++) await log.append(header(`b${i}`, 1), body(1))
  }
  const [first] = readdirSync(folder).sort()
  truncateSync(join(folder, first!), 20)
  await assert.rejects(open(folder), { code: 'events/damaged-segment' })
  assert.ok(readdirSync(folder).includes(`${first}.damaged`))
})

for (const [name, limit, batches, wanted] of [
  ['events', { maxEvents: 10 }, [4, 4, 4, 4], [8, 8]],
  ['a batch larger than a segment', { maxEvents: 10 }, [25, 1], [25, 1]],
  ['bytes', { maxBytes: 400 }, [5, 5, 5], [5, 5, 5]],
] as const)
  test(`a segment is closed by ${name}`, async (t) => {
    await using log = await open(newFolder(t), limit)
    for (const [i, events] of batches.entries()) await log.append(header(`b${i}`, events), body(events))
    await log.seal()
    assert.deepEqual(
      log.sealed.map(({ events }) => events),
      wanted,
    )
  })

test('numbers go on from the last and are never used again', async (t) => {
  const folder = newFolder(t)
  await using log = await open(folder, { lastSeq: 41 })
  await log.append(header('a', 1), body(1))
  await log.seal()
  const [segment] = log.sealed
  assert.equal(segment!.seq, 42)
  await log.remove(segment!)
  await log.append(header('b', 1), body(1))
  assert.equal(log.current!.seq, 43)
})

test('after a sync that failed nothing is acknowledged until the disk is read anew', async (t) => {
  const folder = newFolder(t)
  const broken: unknown[] = []
  await using log = await open(folder, { broken: (error) => broken.push(error) })
  await log.append(header('a', 1), body(1))
  const failing = new Error('EIO')
  const handle = await fsOpen(join(folder, readdirSync(folder)[0]!), 'r')
  const { prototype } = handle.constructor as { prototype: { datasync: () => Promise<void> } }
  await handle.close()
  const mocked = t.mock.method(prototype, 'datasync', () => Promise.reject(failing))
  await assert.rejects(log.append(header('b', 1), body(1)), { code: 'events/disk', status: 503 })
  mocked.mock.restore()
  await assert.rejects(log.append(header('c', 1), body(1)), { code: 'events/disk' })
  assert.deepEqual(broken, [failing])
  assert.equal(log.current?.frames.length, 1)
})

test('while a segment is being closed it is still counted', async (t) => {
  await using log = await open(newFolder(t))
  await log.append(header('a', 3), body(3))
  const events = (): number =>
    [...log.sealed, ...(log.current ? [log.current] : [])].reduce((sum, one) => sum + one.events, 0)
  let sealed = false
  const sealing = log.seal().then(() => {
    sealed = true
  })
  while (!sealed) {
    assert.equal(events(), 3)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await sealing
  assert.equal(events(), 3)
})
