import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { manualClock } from '../../kit/clock.ts'
import { BreachedLists, openBreachedPasswords } from './index.ts'

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex').toUpperCase()

test('every password of a list is found, and no other', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-breached-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'list.txt')
  for (const count of [1, 2, 3, 1_000])
    for (const [end, counted] of [
      ['\n', true],
      ['\r\n', true],
      ['\n', false],
    ] as const) {
      const passwords = Array.from({ length: count }, (_, i) => `mật khẩu ${i}`)
      const lines = passwords
        .map(sha1)
        .sort()
        .map((one, i) => (counted ? `${one}:${10 ** (i % 9)}` : one))
      for (const last of ['', end]) {
        await writeFile(path, lines.join(end) + last)
        await using list = await openBreachedPasswords(path)
        for (const one of passwords.filter((_, i) => i < 5 || i % 7 === 0)) assert.equal(await list.has(one), true)
        for (let i = 0; i < 50; i++) assert.equal(await list.has(randomBytes(8).toString('hex')), false)
      }
    }
  for (const bad of ['', 'xin chào', sha1('a').toLowerCase(), `${sha1('a')}0`]) {
    await writeFile(path, bad)
    await assert.rejects(openBreachedPasswords(path), { code: 'data/breached-passwords' })
  }
  await assert.rejects(openBreachedPasswords(join(folder, 'none')), { code: 'data/breached-passwords' })
})

test('a list that was replaced is taken; one that is not there is told, and taken when it comes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-breached-'))
  t.after(() => rm(folder, { recursive: true }))
  const [good, other] = [join(folder, 'good.txt'), join(folder, 'other.txt')]
  await writeFile(good, sha1('một'))
  await writeFile(other, sha1('hai'))
  const clock = manualClock(0)
  const told: string[] = []
  await using lists = new BreachedLists(clock, (detail) => told.push(detail))
  await lists.keep([good])
  const open = async (): Promise<number> =>
    (
      await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    ).filter((path) => path.startsWith(folder)).length
  const none = join(folder, 'none')
  for (let i = 0; i < 20; i++) await lists.keep([good, none])
  assert.deepEqual(told, [`${none} cannot be read.`])
  assert.equal(await open(), 1)
  assert.deepEqual([await lists.says(good, 'một'), await lists.says(other, 'hai')], [true, undefined])
  assert.equal(await lists.says(none, 'bốn'), undefined)
  await writeFile(none, sha1('bốn'))
  await writeFile(`${good}.new`, `${sha1('ba')}\n`)
  await rename(`${good}.new`, good)
  assert.equal(await lists.says(good, 'ba'), false, 'not yet')
  clock.advance(60_000)
  assert.deepEqual([await lists.says(good, 'ba'), await lists.says(good, 'một')], [true, false])
  assert.equal(await lists.says(none, 'bốn'), true)
})
