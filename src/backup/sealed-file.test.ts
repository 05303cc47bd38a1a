import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { systemEntropy } from '../kit/ids.ts'
import { pack, placeFile, unpack } from './archive.ts'
import { compressed, decompressed } from './byte-reader.ts'
import { readRows, writeRows, type Cell } from './rows.ts'
import { CHUNK, readSealed, writeSealed } from './sealed-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'khien-sealed-'))
let files = 0
const key = randomBytes(32)
const place = 'bak_1/control'
const SEALED = CHUNK + 16
const HEAD = 36

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const held: Uint8Array[] = []
  for await (const piece of source) held.push(piece)
  return Buffer.concat(held)
}
async function sealedOf(plain: Buffer, about = { key, place }) {
  const path = join(folder, String(++files))
  return { path, expected: await writeSealed(path, pieces(plain, 70_001), { ...about, entropy: systemEntropy }) }
}
const opened = (path: string, expected: Awaited<ReturnType<typeof writeSealed>>, about = { key, place }) =>
  all(readSealed(path, { ...about, expected, name: 'control.sealed' }))

for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
  test(`${size} bytes come back as they were`, async () => {
    const plain = randomBytes(size)
    const { path, expected } = await sealedOf(plain)
    assert.equal(expected.plain, size)
    assert.deepEqual(await opened(path, expected), plain)
  })

/** What is done to the sealed bytes of four chunks, the last one short. */
const harm: Record<string, (bytes: Buffer) => Buffer> = {
  'a flipped bit in the first chunk': (bytes) => flipped(bytes, HEAD + 5),
  'a flipped bit in the last tag': (bytes) => flipped(bytes, bytes.length - 1),
  'another salt': (bytes) => flipped(bytes, 10),
  'the last chunk removed': (bytes) => bytes.subarray(0, HEAD + 3 * SEALED),
  'a chunk in the middle removed': (bytes) =>
    Buffer.concat([bytes.subarray(0, HEAD + SEALED), bytes.subarray(HEAD + 2 * SEALED)]),
  'two chunks in another order': (bytes) =>
    Buffer.concat([
      bytes.subarray(0, HEAD),
      bytes.subarray(HEAD + SEALED, HEAD + 2 * SEALED),
      bytes.subarray(HEAD, HEAD + SEALED),
      bytes.subarray(HEAD + 2 * SEALED),
    ]),
  'a chunk twice': (bytes) =>
    Buffer.concat([
      bytes.subarray(0, HEAD + SEALED),
      bytes.subarray(HEAD, HEAD + SEALED),
      bytes.subarray(HEAD + SEALED),
    ]),
  'bytes behind the end': (bytes) => Buffer.concat([bytes, Buffer.from('x')]),
  'nothing left': () => Buffer.alloc(0),
}
const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 1
  return copy
}
for (const [what, change] of Object.entries(harm))
  test(`refused, also where size and checksum are made to fit: ${what}`, async () => {
    const { path, expected } = await sealedOf(randomBytes(3 * CHUNK + 100))
    const bytes = change(readFileSync(path))
    writeFileSync(path, bytes)
    const { createHash } = await import('node:crypto')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await assert.rejects(opened(path, { ...expected, bytes: bytes.length, sha256 }), { code: 'backup/altered' })
    await assert.rejects(opened(path, expected), { code: 'backup/altered' })
  })

test('another key, another place, another backup: refused', async () => {
  const { path, expected } = await sealedOf(randomBytes(1_000))
  await assert.rejects(opened(path, expected, { key: randomBytes(32), place }), { code: 'backup/altered' })
  await assert.rejects(opened(path, expected, { key, place: 'bak_1/log' }), { code: 'backup/altered' })
  await assert.rejects(opened(path, expected, { key, place: 'bak_2/control' }), { code: 'backup/altered' })
})

test('rows come back with every kind of value', async () => {
  const rows: Cell[][] = [
    ['người', 1, null, new Uint8Array([0, 255])],
    ['dòng\nmới "và" \u0000', -1.5, '', Buffer.alloc(0)],
    ...Array.from({ length: 1_200 }, (_, n): Cell[] => [`n${n}`, n, null, Buffer.alloc(3, n)]),
  ]
  const counts = {}
  const tables = [
    { name: 'one', columns: ['a', 'b', 'c', 'd'], rows: [rows] },
    { name: 'none', columns: ['a'], create: ['create table none (a)'], rows: [] },
  ]
  const bytes = await all(compressed(writeRows(tables, counts)))
  const back: Cell[][] = []
  const seen: string[] = []
  const read = await readRows(decompressed(pieces(bytes, 777)), {
    begin: ({ name, create }) => void seen.push(name, ...create),
    rows: (batch) => void back.push(...(batch as Cell[][])),
    end: () => {},
  })
  assert.deepEqual(read, { one: rows.length, none: 0 })
  assert.deepEqual(counts, read)
  assert.deepEqual(seen, ['one', 'none', 'create table none (a)'])
  assert.deepEqual(
    back.map((row) => row.map((cell) => (cell instanceof Uint8Array ? [...cell] : cell))),
    rows.map((row) => row.map((cell) => (cell instanceof Uint8Array ? [...cell] : cell))),
  )
})

for (const [what, text] of Object.entries({
  'a way out of the folder': '{"path":"../x","size":0}\n\n',
  'a path from the root': '{"path":"/etc/x","size":0}\n\n',
  'less than it says': '{"path":"x","size":10}\nabc',
  'no end': '{"path":"x","size":3}\nabc',
  'more behind the end': '\nmore\n',
  'no JSON': 'x\n\n',
}))
  test(`an archive with ${what} is refused`, async () => {
    const into = mkdtempSync(join(tmpdir(), 'khien-unpack-'))
    await assert.rejects(
      unpack(pieces(Buffer.from(text), 4), (file) => placeFile(into, file)),
      { code: 'backup/malformed' },
    )
  })

test('an archive comes back file by file', async () => {
  const into = mkdtempSync(join(tmpdir(), 'khien-unpack-'))
  const contents = { 'a.txt': Buffer.from('a'), 'deep/er/b.bin': randomBytes(200_000), empty: Buffer.alloc(0) }
  async function* files() {
    for (const [path, bytes] of Object.entries(contents))
      yield { path, size: bytes.length, content: pieces(bytes, 10_000) }
  }
  const bytes = await all(pack(files()))
  await unpack(pieces(bytes, 5_003), (file) => placeFile(into, file))
  for (const [path, content] of Object.entries(contents)) assert.deepEqual(readFileSync(join(into, path)), content)
})
