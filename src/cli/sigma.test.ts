import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { loadDetector, readRules } from '../detection/index.ts'
import { sigma } from './sigma.ts'
import { UsageError } from './verb.ts'

async function run(args: readonly string[], input = ''): Promise<{ code: number; out: string[]; err: string }> {
  let [out, err] = ['', '']
  const stdin = Readable.from([input]) as unknown as NodeJS.ReadStream
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) }
  const code = await sigma.run(args, { ...io, stdin, env: {}, language: 'en', root: '' })
  return { code, out: out.split('\n').filter((line) => line !== ''), err }
}

function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), 'khien-sigma-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

const rule = (title: string, search: string): string =>
  `title: ${title}\nname: ${title}\nlevel: low\ndate: 2026-11-21\nlogsource: {}\ndetection:\n  s:\n    ${search}\n  condition: s\n`
const twice =
  'title: twice\nid: t2\ncorrelation:\n  type: event_count\n  rules: [one]\n  timespan: 1m\n  condition:\n    gte: 2\n'

test('khien sigma check: one line a rule, exit 1 for a refused one unless --tolerate', async () => {
  const path = folder({
    'a.yml': `${rule('one', 'f: 1')}---\n${twice}`,
    'b.yml': rule('two', 'f|nope: 1'),
    'c.yaml': 'a: [',
    'd.yml': 'f: 1\nf: 2',
    'e.yml': '',
    'f.txt': 'not read',
  })
  const { code, out, err } = await run(['check', path])
  assert.equal(code, 1)
  assert.deepEqual(
    out.slice(0, 3).map((line) => line.replaceAll(`${path}/`, '')),
    [
      'accepted  a.yml: one',
      'accepted  a.yml: twice',
      'refused   b.yml: two: modifier/unknown at detection.s.f|nope: "nope" is not a modifier',
    ],
  )
  assert.equal(out.filter((line) => /^refused {3}.*: yaml: /.test(line)).length, 3)
  assert.equal(err, '2 accepted, 4 refused: 1 modifier/unknown, 3 yaml\n')
  assert.equal((await run(['check', '--tolerate', path])).code, 0)
  assert.equal((await run(['check', join(path, 'a.yml')])).code, 0)
})

test('khien sigma match: findings as NDJSON, correlations on the time in the event', async () => {
  const path = folder({ 'a.yml': `${rule('one', 'f: 1')}---\n${twice}---\n${rule('two', 'f: 2')}` })
  const events = [
    { f: 1, at: 0 },
    { f: 2, at: 1 },
    { f: 1, at: '1970-01-01T00:00:30Z' },
    { f: 2 },
    { f: 1, at: 400_000 },
  ]
  const { code, out, err } = await run(
    ['match', '--rules', path],
    events.map((each) => JSON.stringify(each)).join('\n'),
  )
  assert.equal(code, 0)
  assert.deepEqual(
    out.map((line) => JSON.parse(line) as unknown),
    [
      { rule: 'two', title: 'two', level: 'low', event: { f: 2, at: 1 } },
      {
        rule: 't2',
        title: 'twice',
        event: {},
        count: 2,
        from: '1970-01-01T00:00:00.000Z',
        to: '1970-01-01T00:00:30.000Z',
      },
      { rule: 'two', title: 'two', level: 'low', event: { f: 2 } },
    ],
  )
  assert.equal(err, '5 events, 1 without a time in "at": 3 findings, 0 faults\n')

  const file = join(path, 'events.ndjson')
  writeFileSync(file, '{"f":2}\nnot json\n[1]\n')
  const bad = await run(['match', '--rules', path, file])
  assert.deepEqual([bad.code, bad.out.length], [1, 1])
  assert.match(bad.err, /^line 2: not a JSON object\nline 3: /)
})

test('khien sigma: what is wrong is said', async () => {
  const path = folder({ 'a.yml': rule('two', 'f|nope: 1') })
  await assert.rejects(run(['match', '--rules', path]), { code: 'sigma/refused' })
  await assert.rejects(run(['match', '--rules', folder({ 'a.yml': twice })]), { code: 'sigma/refused' })
  await assert.rejects(run(['check', join(path, 'none')]), { code: 'sigma/unreadable' })
  await assert.rejects(run(['match', '--rules', folder({}), join(path, 'none')]), { code: 'sigma/unreadable' })
  for (const args of [[], ['check'], ['match'], ['match', '--rules'], ['check', path, '--time', 'x'], ['find', path]]) {
    await assert.rejects(run(args), UsageError, args.join(' '))
  }
})

const own = join(import.meta.dirname, '../../rules/sigma')
type Sample = { name: string; events: { event: Record<string, unknown>; repeat: number; everyMs: number }[] }
type Samples = { alert: string; positive: Sample[]; negative: Sample[] }

/** The titles of what alerts, all rules of the pack together. */
function alertsFor(sample: Sample): string[] {
  const { detector: it } = loadDetector(own)
  const found = []
  let at = Date.UTC(2026, 10, 21)
  for (const { event, repeat, everyMs } of sample.events) {
    for (let n = 1; n <= repeat; n++) {
      const numbered = Object.entries(event).map(([key, value]): [string, unknown] => [
        key,
        typeof value === 'string' ? value.replaceAll('{n}', String(n)) : value,
      ])
      found.push(...it.push({ ...Object.fromEntries(numbered), at }, at))
      at += everyMs
    }
  }
  return [...found, ...it.end()].map((each) => each.rule.title)
}

for (const file of globSync('*.samples.json', { cwd: own }).toSorted()) {
  const { alert, positive, negative } = JSON.parse(readFileSync(join(own, file), 'utf8')) as Samples
  test(`rules/sigma: ${alert}`, () => {
    assert.ok(positive.length > 0 && negative.length > 0)
    for (const sample of positive)
      assert.deepEqual(
        alertsFor(sample).filter((title) => title === alert),
        [alert],
        sample.name,
      )
    for (const sample of negative) assert.ok(!alertsFor(sample).includes(alert), sample.name)
  })
}

test('rules/sigma: every file has samples, every rule an id of its own', () => {
  const names = (ending: string): string[] =>
    globSync(`*${ending}`, { cwd: own })
      .map((file) => file.slice(0, -ending.length))
      .toSorted()
  assert.deepEqual(names('.yml'), names('.samples.json'))
  const ids = [...readRules([own])].map((read) => {
    assert.ok(!('refused' in read), JSON.stringify(read))
    return ('rule' in read ? read.rule : read.correlation).id
  })
  assert.ok(!ids.includes(undefined))
  assert.equal(new Set(ids).size, ids.length)
})
