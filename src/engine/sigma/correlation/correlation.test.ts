import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileRule, detector, SigmaError, type SigmaErrorCode } from '../index.ts'
import { compileCorrelation } from './compile.ts'
import { correlator, type CorrelatorOptions } from './correlator.ts'

const compile = (correlation: Record<string, unknown>, more = {}) =>
  compileCorrelation({ title: 't', id: 'c', correlation: { timespan: '10s', ...correlation }, ...more })
const refs = ['a', 'b', 'c'].map((name) => ({ name }))
const machine = (correlation: Record<string, unknown>, options: CorrelatorOptions = {}) =>
  correlator(compile(correlation), refs, options)

type Step = readonly [at: number, matched: string, event?: Record<string, unknown>]
/** Seconds in, `from–to:count` out, in seconds. */
function play(correlation: Record<string, unknown>, steps: readonly Step[], options: CorrelatorOptions = {}): string[] {
  const it = machine(correlation, options)
  const alerts = steps.flatMap(([at, matched, event = {}]) => it.push(event, at * 1000, matched.split('')))
  return [...alerts, ...it.end()].map(({ from, to, count }) => `${from / 1000}–${to / 1000}:${count}`)
}

const count = { type: 'event_count', rules: ['a'] }
const values = { type: 'value_count', rules: ['a'] }
const steps = (times: readonly number[], matched = 'a'): Step[] => times.map((at) => [at, matched])

for (const { name, rule, events, options, found } of [
  { name: 'three within ten', rule: { ...count, condition: { gte: 3 } }, events: steps([0, 5, 10]), found: ['0–10:3'] },
  {
    name: 'the window slides',
    rule: { ...count, condition: { gte: 3 } },
    events: steps([0, 9, 11, 18]),
    found: ['9–18:3'],
  },
  { name: 'too slow', rule: { ...count, condition: { gte: 3 } }, events: steps([0, 6, 12, 18]), found: [] },
  { name: 'gt is one more', rule: { ...count, condition: { gt: 2 } }, events: steps([0, 1, 2]), found: ['0–2:3'] },
  {
    name: 'a burst tells once a threshold',
    rule: { ...count, condition: { gte: 2 } },
    events: steps([0, 1, 2, 3, 4]),
    found: ['0–1:2', '2–3:2'],
  },
  {
    name: 'other rules do not count',
    rule: { ...count, condition: { gte: 2 } },
    events: [
      [0, 'a'],
      [1, 'b'],
    ],
    found: [],
  },
  {
    name: 'lt waits for the end',
    rule: { ...count, condition: { lt: 3 } },
    events: steps([0, 1, 20, 21, 22]),
    found: ['0–1:2'],
  },
  {
    name: 'eq waits for the end',
    rule: { ...count, condition: { eq: 2 } },
    events: steps([0, 10, 11, 30]),
    found: ['0–10:2'],
  },
  {
    name: 'a range',
    rule: { ...count, condition: { gte: 2, lte: 3 } },
    events: steps([0, 1, 20, 21, 22, 23]),
    found: ['0–1:2'],
  },
  {
    name: 'different values',
    rule: { ...values, condition: { field: 'u', gte: 2 } },
    events: [
      [0, 'a', { u: 'x' }],
      [1, 'a', { u: 'x' }],
      [2, 'a'],
      [3, 'a', { u: 'y' }],
    ],
    found: ['1–3:2'],
  },
  {
    name: 'different values, exactly one',
    rule: { ...values, condition: { field: 'u', eq: 1 } },
    events: [
      [0, 'a', { u: 'x' }],
      [1, 'a', { u: 'x' }],
      [20, 'a', { u: 'x' }],
      [21, 'a', { u: 'y' }],
    ],
    found: ['0–1:1'],
  },
  {
    name: 'temporal, any order',
    rule: { type: 'temporal', rules: ['a', 'b'] },
    events: [
      [0, 'b'],
      [3, 'a'],
    ],
    found: ['0–3:2'],
  },
  {
    name: 'temporal, too far apart',
    rule: { type: 'temporal', rules: ['a', 'b'] },
    events: [
      [0, 'b'],
      [11, 'a'],
    ],
    found: [],
  },
  {
    name: 'temporal, two of three',
    rule: { type: 'temporal', rules: ['a', 'b', 'c'], condition: { gte: 2 } },
    events: [
      [0, 'c'],
      [3, 'a'],
    ],
    found: ['0–3:2'],
  },
  {
    name: 'ordered',
    rule: { type: 'temporal_ordered', rules: ['a', 'b'] },
    events: [
      [0, 'a'],
      [3, 'b'],
    ],
    found: ['0–3:2'],
  },
  {
    name: 'ordered, wrong order',
    rule: { type: 'temporal_ordered', rules: ['a', 'b'] },
    events: [
      [0, 'b'],
      [3, 'a'],
    ],
    found: [],
  },
  {
    name: 'ordered, the latest start counts',
    rule: { type: 'temporal_ordered', rules: ['a', 'b', 'c'] },
    events: [
      [0, 'a'],
      [8, 'a'],
      [9, 'b'],
      [15, 'c'],
    ],
    found: ['8–15:3'],
  },
  {
    name: 'ordered, one event is one step',
    rule: { type: 'temporal_ordered', rules: ['a', 'b'] },
    events: [[0, 'ab']],
    found: [],
  },
  { name: 'late beyond the lateness', rule: { ...count, condition: { gte: 2 } }, events: steps([5, 4]), found: [] },
  {
    name: 'late within it',
    rule: { ...count, condition: { gte: 2 } },
    events: steps([5, 4]),
    options: { latenessMs: 2000 },
    found: ['4–5:2'],
  },
  {
    name: 'ordered by event time, not arrival',
    rule: { type: 'temporal_ordered', rules: ['a', 'b'] },
    events: [
      [5, 'b'],
      [4, 'a'],
    ],
    options: { latenessMs: 2000 },
    found: ['4–5:2'],
  },
] as { name: string; rule: Record<string, unknown>; events: Step[]; options?: CorrelatorOptions; found: string[] }[]) {
  test(`correlation: ${name}`, () => assert.deepEqual(play(rule, events, options), found))
}

test('groups: each by itself, aliases resolved, events without the field counted', () => {
  const rule = {
    type: 'temporal',
    rules: ['a', 'b'],
    'group-by': ['ip'],
    aliases: { ip: { a: 'src.ip', b: 'dst.ip' } },
  }
  const it = machine(rule)
  assert.deepEqual(it.push({ src: { ip: '1' } }, 0, ['a']), [])
  assert.deepEqual(it.push({ src: { ip: '1' }, dst: { ip: '2' } }, 1, ['b']), [])
  assert.deepEqual(it.push({}, 2, ['b']), [])
  assert.deepEqual(it.push({ dst: { ip: '1' } }, 3, ['b']), [
    { rule: 'c', title: 't', count: 2, from: 0, to: 3, at: 3, event: { ip: '1' } },
  ])
  assert.deepEqual(it.counts, { late: 0, ungrouped: 1, oversized: 0, evicted: 0, hurried: 0 })
})

test('state is bounded, and what is given up is counted', () => {
  const it = machine({ ...count, 'group-by': ['u'], condition: { gte: 2 } }, { maxGroups: 10, maxWaiting: 10 })
  for (let i = 0; i < 1000; i++) it.push({ u: i }, 0, ['a'])
  assert.equal(it.groups, 10)
  assert.equal(it.counts.evicted, 990)
  it.advance(20_000)
  assert.equal(it.groups, 0)
  it.push({ u: 'x'.repeat(3000) }, 20_000, ['a'])
  assert.equal(it.counts.oversized, 1)
  const slow = machine({ ...count, condition: { gte: 50 } }, { maxWaiting: 10, latenessMs: 1e9 })
  const alerts = Array.from({ length: 100 }, (_, i) => slow.push({}, i, ['a'])).flat()
  assert.equal(alerts.length, 1)
  assert.ok(slow.counts.hurried >= 50)
})

test('the order of arrival does not matter within the lateness', () => {
  const event = fc.record({
    at: fc.integer({ min: 0, max: 60 }),
    rule: fc.constantFrom('a', 'b'),
    u: fc.constantFrom(1, 2),
  })
  const type = fc.constantFrom(
    { ...count, condition: { gte: 3 } },
    { ...count, condition: { lte: 3 } },
    { ...values, condition: { field: 'at', gte: 2 } },
    { type: 'temporal', rules: ['a', 'b'] },
    { type: 'temporal_ordered', rules: ['a', 'b'] },
  )
  const unique = fc.uniqueArray(event, { maxLength: 40, selector: ({ at }) => at })
  const shuffled = unique.chain((events) =>
    fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
  )
  fc.assert(
    fc.property(type, shuffled, (type, [events, mixed]) => {
      const run = (list: typeof events): unknown[] => {
        const it = machine({ ...type, 'group-by': ['u'] }, { latenessMs: 60_000 })
        return [...list.flatMap((each) => it.push(each, each.at * 1000, [each.rule])), ...it.end()]
      }
      assert.deepEqual(run(mixed), run(events.toSorted((a, b) => a.at - b.at)))
    }),
  )
})

/** The sentence itself: some ten seconds that hold three events, each event told once. */
test('event_count counts as the naive reading does', () => {
  const times = fc
    .array(fc.integer({ min: 0, max: 100 }), { maxLength: 40 })
    .map((list) => list.toSorted((a, b) => a - b))
  fc.assert(
    fc.property(times, (times) => {
      const wanted: string[] = []
      let fresh: number[] = []
      for (const at of times) {
        fresh = [...fresh.filter((each) => at - each <= 10), at]
        if (fresh.length < 3) continue
        wanted.push(`${fresh[0]}–${at}:3`)
        fresh = []
      }
      assert.deepEqual(play({ ...count, condition: { gte: 3 } }, steps(times)), wanted)
    }),
  )
})

for (const [code, path, correlation] of [
  ['correlation/type', 'correlation.type', { type: 'value_sum', rules: ['a'] }],
  ['correlation/type', 'correlation.type', { type: 'x', rules: ['a'] }],
  ['correlation/shape', 'correlation.rules', { type: 'temporal' }],
  ['correlation/shape', 'correlation.rules', { type: 'temporal', rules: ['a', 'a'] }],
  ['correlation/shape', 'correlation.timespan', { ...count, timespan: '1.5h', condition: { gte: 1 } }],
  ['correlation/shape', 'correlation.timespan', { ...count, timespan: '1M', condition: { gte: 1 } }],
  ['correlation/shape', 'correlation.window', { ...count, window: 'tumbling', condition: { gte: 1 } }],
  ['rule/shape', 'correlation.condition', count],
  ['correlation/condition', 'correlation.condition', { ...count, condition: {} }],
  ['correlation/condition', 'correlation.condition.ge', { ...count, condition: { ge: 1 } }],
  ['correlation/condition', 'correlation.condition.gte', { ...count, condition: { gte: '1' } }],
  ['correlation/condition', 'correlation.condition.field', { ...count, condition: { gte: 1, field: 'f' } }],
  ['correlation/condition', 'correlation.condition.field', { ...values, condition: { gte: 1 } }],
  ['correlation/condition', 'correlation.condition', { type: 'temporal', rules: ['a'], condition: { gte: 2 } }],
  [
    'correlation/condition',
    'correlation.condition',
    { type: 'temporal_ordered', rules: ['a', 'b'], condition: { gte: 1 } },
  ],
  [
    'correlation/reference',
    'correlation.aliases.x',
    { type: 'temporal', rules: ['a', 'b'], aliases: { x: { a: 'f' } } },
  ],
] as [SigmaErrorCode, string, Record<string, unknown>][]) {
  test(`correlation refused: ${code} at ${path} ${JSON.stringify(correlation).slice(0, 80)}`, () => {
    assert.throws(() => compile(correlation), { name: 'SigmaError', code, path })
  })
}

test('references are checked; a circle is told; only SigmaError comes out', () => {
  const rule = compile({ type: 'temporal', rules: ['a', 'nobody'] })
  assert.throws(() => correlator(rule, refs), { code: 'correlation/reference', path: 'correlation.rules.1' })
  assert.throws(() => machine({ ...count, condition: { gte: 1e6 } }), { code: 'correlation/too-large' })
  const circle = compile({ type: 'temporal', rules: ['c'] })
  assert.throws(() => detector({ rules: [], correlations: [circle] }), { code: 'correlation/reference' })
  const section = fc.dictionary(
    fc.constantFrom('type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate'),
    fc.oneof(fc.jsonValue(), fc.constantFrom('temporal', 'event_count', '5m', ['a'], { gte: 1 })),
  )
  fc.assert(
    fc.property(section, (correlation) => {
      try {
        compileCorrelation({ title: 't', correlation })
      } catch (error) {
        assert.ok(error instanceof SigmaError, String(error))
      }
    }),
  )
})

test("a chain: the specification's failed log-ins followed by a successful one", () => {
  const base = (name: string, EventID: number): unknown => ({
    title: name,
    name,
    logsource: {},
    detection: { s: { EventID }, condition: 's' },
  })
  const rules = [base('failed', 4625), base('success', 4624)].map((data) => compileRule(data))
  const correlations = [
    compile({ type: 'temporal_ordered', rules: ['many', 'success'], 'group-by': ['User'], timespan: '10m' }),
    compileCorrelation({
      title: 'many',
      name: 'many',
      correlation: {
        type: 'event_count',
        rules: ['failed'],
        'group-by': ['User'],
        timespan: '10m',
        condition: { gte: 10 },
      },
    }),
  ]
  const it = detector({ rules, correlations })
  for (let i = 0; i < 9; i++) assert.deepEqual(it.push({ EventID: 4625, User: 'x' }, i * 1000), [])
  assert.deepEqual(it.push({ EventID: 4624, User: 'x' }, 9000), [])
  assert.deepEqual(it.push({ EventID: 4625, User: 'x' }, 10_000), [])
  assert.deepEqual(it.push({ EventID: 4624, User: 'y' }, 11_000), [])
  const [found, ...more] = it.push({ EventID: 4624, User: 'x' }, 12_000)
  assert.deepEqual(more, [])
  assert.partialDeepStrictEqual(found, { kind: 'correlation', alert: { rule: 'c', event: { User: 'x' }, at: 12_000 } })
})
