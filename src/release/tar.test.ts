import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { entry, tarOf } from './testing.ts'
import { readTarGz } from './tar.ts'

const LONG = `a/${'bê'.repeat(80)}.conf`
const record = (text: string): string => {
  const length = (size: number): number => String(size).length + 1 + Buffer.byteLength(text) + 1
  return `${length(length(length(10)))} ${text}\n`
}
type Case = { says: string; tar: Buffer; files?: Readonly<Record<string, string>>; code?: string }
const cases: Case[] = [
  {
    says: 'folders and files',
    tar: tarOf(entry('a/', '', '5'), entry('a/x', 'one'), entry('./a/y', '')),
    files: { 'a/x': 'one', 'a/y': '' },
  },
  { says: 'a prefix', tar: tarOf(entry('x', 'one', '0', { prefix: 'deep/down' })), files: { 'deep/down/x': 'one' } },
  {
    says: 'pax',
    tar: tarOf(
      entry('pax', record('comment=2cbd1d0'), 'g'),
      entry('pax', record(`path=${LONG}`), 'x'),
      entry('cut', 'one'),
      entry('b', 'two'),
    ),
    files: { [LONG]: 'one', b: 'two' },
  },
  {
    says: 'a long name of GNU',
    tar: tarOf(entry('././@LongLink', `${LONG}\0`, 'L'), entry('cut', 'one'), entry('b', '2')),
    files: { [LONG]: 'one', b: '2' },
  },
  { says: 'a path upwards', tar: tarOf(entry('a/../../x', 'one')), code: 'release/archive-path' },
  { says: 'a path from the root', tar: tarOf(entry('/etc/x', 'one')), code: 'release/archive-path' },
  { says: 'a path of another system', tar: tarOf(entry('a\\..\\x', 'one')), code: 'release/archive-path' },
  {
    says: 'a pax path upwards',
    tar: tarOf(entry('pax', record('path=../x'), 'x'), entry('x', 'one')),
    code: 'release/archive-path',
  },
  {
    says: 'a long name upwards',
    tar: tarOf(entry('l', '../x\0', 'L'), entry('x', 'one')),
    code: 'release/archive-path',
  },
  { says: 'the same path twice', tar: tarOf(entry('x', 'one'), entry('./x', 'two')), code: 'release/archive-path' },
  { says: 'a symbolic link', tar: tarOf(entry('x', '', '2')), code: 'release/archive-link' },
  { says: 'a hard link', tar: tarOf(entry('x', '', '1')), code: 'release/archive-link' },
  { says: 'a device', tar: tarOf(entry('x', '', '3')), code: 'release/archive-link' },
  {
    says: 'too many entries',
    tar: tarOf(...Array.from({ length: 30 }, (_, i) => entry(`x${i}`, ''))),
    code: 'release/archive-bomb',
  },
  { says: 'too much of it', tar: tarOf(entry('x', 'y'.repeat(200_000))), code: 'release/archive-bomb' },
  {
    says: 'a changed header',
    tar: Buffer.from(tarOf(entry('x', 'one')).map((byte, i) => (i === 101 ? byte ^ 1 : byte))),
    code: 'release/archive',
  },
  { says: 'a cut archive', tar: tarOf(entry('x', 'y'.repeat(2_000))).subarray(0, 1_024), code: 'release/archive' },
  { says: 'no end', tar: entry('x', 'one'), code: 'release/archive' },
]
for (const { says, tar, files, code } of cases)
  test(`tar: ${says} → ${code ?? 'read'}`, () => {
    const read = () => readTarGz(gzipSync(tar), { bytes: 100_000, entries: 25 })
    if (code !== undefined) return assert.throws(read, { code })
    assert.deepEqual(Object.fromEntries([...read()].map(([path, bytes]) => [path, bytes.toString()])), files)
  })

test('a size that does not fit, and what is no gzip', () => {
  const lying = entry('x', 'one', '0', { size: 50_000 })
  assert.throws(() => readTarGz(gzipSync(tarOf(lying))), { code: 'release/archive' })
  assert.throws(() => readTarGz(Buffer.from('no archive')), { code: 'release/archive' })
})
