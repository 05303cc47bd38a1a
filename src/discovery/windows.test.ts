import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { redactLines, scanPaths, type Report } from './index.ts'
import { tally } from './tally.ts'
import { NODE_FLAGS } from '../../bin/runtime.js'
import { AHEAD, linesOf, WINDOW, windowsOf } from './windows.ts'

const YEAR = 2026
const NOW = Date.parse('2026-11-22T00:00:00Z')
/** Where the first window's own part ends. */
const EDGE = WINDOW - AHEAD
const FILLER = 'chiều nay trời nắng, gió nhẹ từ phía biển thổi vào; '
const filler = (length: number): string => FILLER.repeat(Math.ceil(length / FILLER.length)).slice(0, length)
/** A text in which `value` begins at a place. */
const at = (place: number, value: string, length: number): string =>
  `${filler(place - 5)} gọi ${value} ${filler(length - place - value.length - 1)}`
const partsOf = (text: string, size: number): string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size))
const PEM = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA7bq1c0mXx9Yt2f3q\n'.repeat(480)}-----END RSA PRIVATE KEY-----`

test('each place of a text is in one window, however it comes', () => {
  for (const length of [0, 1, EDGE, WINDOW, WINDOW + 1, 3 * WINDOW + 17, 1_000_003])
    for (const size of [997, 65_536, 1_000_003]) {
      const text = filler(length)
      let [covered, rebuilt] = [0, '']
      const windows = windowsOf(({ text: shown, at: where, from, to }) => {
        assert.equal(where + from, covered)
        assert.ok(shown.length <= WINDOW)
        rebuilt += shown.slice(from, to)
        covered = where + to
      })
      for (const part of partsOf(text, size)) windows.push(part)
      windows.end()
      assert.ok(rebuilt === text, `${length} in parts of ${size}`)
    }
})

for (const { what, value, kind } of [
  { what: 'a phone', value: '0912 345 678', kind: 'phone' },
  { what: 'an e-mail address', value: 'nguyen.thi.mau.hoa@example.vn', kind: 'email' },
  { what: 'a private key of 16 KB', value: PEM, kind: 'secret' },
] as const)
  test(`${what} over an edge of windows is found once`, () => {
    const length = value.length
    const shifts = [0, 1, 2, Math.floor(length / 2), length - 1, length, length + 1]
    for (const shift of shifts) {
      const counted = tally({ year: YEAR })
      counted.look('x', at(EDGE - shift, value, 3 * WINDOW))
      const [one, ...more] = counted.found()
      const told = [one?.kind, one?.count, one?.texts, one?.length, more.length]
      assert.deepEqual(told, [kind, 1, 1, length, 0], `${shift} before the edge`)
      assert.equal(counted.figures().characters, 3 * WINDOW)
    }
  })

test('as many as there are: windows tell what one look would', () => {
  const counted = tally({ year: YEAR, kinds: ['phone'] })
  const numbers = Array.from({ length: 40_000 }, (_, i) => `09${String(12_345_678 + i)}`)
  const windows = counted.parts('x')
  for (const part of partsOf(numbers.join(', '), 64_000)) windows.push(part)
  windows.end()
  assert.partialDeepStrictEqual(counted.found(), [{ kind: 'phone', count: 40_000, distinct: 40_000, texts: 1 }])
})

test('lines are what they were, wherever the parts end', () => {
  const text = 'a\r\nb\n\n\rc\r\n' + 'd'.repeat(5)
  for (let size = 1; size <= text.length; size++) {
    const lines: string[] = []
    const read = linesOf({ line: (line) => lines.push(line), long: () => assert.fail('none is long') })
    for (const part of partsOf(text, size)) read.push(part)
    read.end()
    assert.deepEqual(lines, ['a', 'b', '', '', 'c', 'ddddd'], `parts of ${size}`)
  }
})

test('redaction of a line without an end: nothing is lost, doubled or torn', () => {
  const numbers = [5, EDGE - 6, 2 * WINDOW + 100, 1_400_000]
  let text = filler(1_500_000).replace('gió', '😀 ')
  for (const place of numbers) text = `${text.slice(0, place)} 0912345678 ${text.slice(place + 12)}`
  text += '😀'.repeat(50_000)
  const out: string[] = []
  const lines = redactLines({ year: YEAR, kinds: ['phone'] }, (part) => out.push(Buffer.from(part).toString()))
  for (const part of partsOf(`đầu 0987654321\n${text}\ncuối`, 65_537)) lines.push(part)
  lines.end()
  const expected = `đầu [phone]\n${text.replaceAll('0912345678', '[phone]')}\ncuối\n`
  assert.ok(out.join('') === expected)
  assert.equal(lines.count(), 5)
})

test('of a secret nothing is told but its kind and length', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-scan-'))
  const secret = 'p@ss-W0rd!#2026'
  writeFileSync(join(folder, 'a.env'), `password = "${secret}"\nGọi 0912 345 678\n`)
  const report = await scanPaths([folder], { now: NOW }, () => undefined)
  rmSync(folder, { recursive: true })
  assert.deepEqual(
    report.found
      .map(({ kind, length, sample }) => ({ kind, length, sample }))
      .toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
    [
      { kind: 'phone', length: 12, sample: '0000 000 000' },
      { kind: 'secret', length: secret.length, sample: null },
    ],
  )
  assert.doesNotMatch(JSON.stringify(report), /p@ss|x@xx/)
})

test('200 MB in one line under a heap of 128 MB: found once each, over an edge too', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-scan-'))
  const path = join(folder, 'one-line.sql')
  const head = 'INSERT INTO `khach` VALUES '
  const file = openSync(path, 'w')
  // The number begins before the edge of the first window and ends behind it.
  writeSync(file, head + at(EDGE - 5 - head.length, '0912345678', 1 << 20))
  const block = Buffer.from(filler(1 << 20))
  let size = 0
  while (size < 199_000_000) size += writeSync(file, block)
  writeSync(file, ' gọi 0987654321')
  closeSync(file)
  try {
    const args = [
      '--max-old-space-size=128',
      ...NODE_FLAGS,
      'bin/khien.js',
      'pii',
      'scan',
      path,
      '--json',
      '--kinds',
      'phone',
    ]
    const root = join(import.meta.dirname, '..', '..')
    const ran = await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 1 << 20 }).catch(
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
    assert.equal('code' in ran ? ran.code : 0, 3, ran.stderr)
    const { found, texts } = JSON.parse(ran.stdout) as Report
    assert.equal(texts, 1)
    assert.deepEqual(
      found.map(({ place, kind, count, distinct }) => [place, kind, count, distinct]),
      [[`${path}: khach`, 'phone', 2, 2]],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
