import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { stix } from './stix.ts'
import { UsageError } from './verb.ts'

async function run(args: readonly string[], input = ''): Promise<{ code: number; lines: unknown[]; err: string }> {
  let [out, err] = ['', '']
  const stdin = Readable.from([input]) as unknown as NodeJS.ReadStream
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) }
  const code = await stix.run(args, { ...io, stdin, env: {}, language: 'en', root: '' })
  const lines = out.split('\n').filter((line) => line !== '')
  return { code, lines: lines.map((line) => JSON.parse(line) as unknown), err }
}

const address = { type: 'ipv4-addr', id: 'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4', value: '198.51.100.3' }
const time = '2026-01-01T00:00:00Z'
const observed = {
  type: 'observed-data',
  id: 'observed-data--1',
  first_observed: time,
  last_observed: time,
  number_observed: 1,
}

test('khien stix validate: one line a fault, exit 1 on an error', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'khien-stix-')), 'one.json')
  writeFileSync(file, JSON.stringify(address))
  assert.deepEqual(await run(['validate', file]), { code: 0, lines: [], err: '1 objects: 0 errors, 0 warnings\n' })

  const { code, lines, err } = await run(['validate'], `${JSON.stringify(address)}\n{"type":"mutex"}\nnot json\n`)
  assert.equal(code, 1)
  assert.equal(err, '2 objects: 3 errors, 0 warnings\n')
  assert.deepEqual(lines[0], {
    line: 2,
    path: 'id',
    code: 'missing',
    level: 'error',
    message: 'required',
    section: '3.2',
  })
  assert.deepEqual(lines[2], { line: 3, path: '', code: 'format', level: 'error', message: 'not JSON', section: '8' })

  writeFileSync(file, '{')
  await assert.rejects(run(['validate', file]), { code: 'stix/bad-json' })
  await assert.rejects(run(['validate', `${file}.none`]), { code: 'stix/unreadable' })
})

test('khien stix match: one pattern over all lines, or one a line', async () => {
  const pattern = "[ipv4-addr:value = '198.51.100.3'] REPEATS 2 TIMES"
  const line = JSON.stringify({ ...observed, objects: { 0: address } })
  const found = await run(['match', '--pattern', pattern], `${line}\n${line}\n`)
  assert.deepEqual([found.code, found.lines], [0, [{ matches: true, ids: ['observed-data--1', 'observed-data--1'] }]])
  assert.deepEqual((await run(['match', '--pattern', pattern], line)).lines, [{ matches: false }])

  const asked = [{ pattern, observations: [] }, { pattern: '[a:b' }, 5].map((each) => JSON.stringify(each)).join('\n')
  const told = await run(['match'], asked)
  assert.equal(told.code, 1)
  assert.equal(told.err, '3 patterns: 0 match, 2 errors\n')
  assert.deepEqual(told.lines[1], {
    error: {
      code: 'pattern/syntax',
      message: '1:5: expected a comparison: = != > < >= <= IN LIKE MATCHES ISSUBSET ISSUPERSET, found the end',
    },
  })

  for (const args of [[], ['validate', 'a', 'b'], ['match', 'a'], ['validate', '--pattern', 'x']]) {
    await assert.rejects(run(args), UsageError, args.join(' '))
  }
})
