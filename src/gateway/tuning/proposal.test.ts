import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Refusal } from '../refusals.ts'
import { decidedAlone, lineOf } from './ordinary-client.ts'
import { liveTakings, outcomeOf, takingsFor, targetOf, templateOf } from './proposal.ts'

type Match = readonly [rule: number, place: string, score: number]
const refusal = (matches: readonly Match[], change: Partial<Refusal> = {}): Refusal => ({
  id: 'R-0000-0000',
  at: 1_000,
  worker: 1,
  clientAddress: '203.0.113.9',
  clientPort: 1,
  method: 'POST',
  host: 'a.vn',
  path: '/bai/12',
  status: 403,
  score: matches.reduce((sum, [, , score]) => sum + score, 0),
  threshold: 5,
  mode: 'block',
  matches: matches.map(([ruleId, place, score]) => ({
    ruleId,
    place,
    score,
    message: 'x',
    severity: 'CRITICAL',
    tags: [],
    masked: '•',
  })),
  ruleIds: matches.map(([rule]) => rule),
  bytes: 0,
  site: 'shop',
  ...change,
})

for (const [path, template] of [
  ['/tim-kiem', '/tim-kiem'],
  ['/don-hang/12/in', '/don-hang/*/in'],
  ['/u/•/x', '/u/*/x'],
  ['/t/5f0d2c1e9a3b4c5d6e7f8091', '/t/*'],
  ['/t/123e4567-e89b-12d3-a456-426614174000/', '/t/*/'],
  ['/b%C3%A0i/1', '/*/*'],
  ['/', '/'],
  ['/a/b/ccc…', '/a/b/**'],
] as const)
  test(`${path} → ${template}`, () => assert.equal(templateOf(path), template))

for (const [place, target] of [
  ['ARGS:q', 'ARGS:q'],
  ['ARGS:user[0].name', 'ARGS:user[0].name'],
  ['REQUEST_HEADERS:user-agent', 'REQUEST_HEADERS:user-agent'],
  ['ARGS_NAMES', 'ARGS_NAMES'],
  ['ARGS:•', 'ARGS:/^.*$/'],
  ['ARGS:don.•x', 'ARGS:/^don\\..*x$/'],
  ['&ARGS', null],
  ['TX:anomaly_score', null],
] as const)
  test(`${place} is named ${target}`, () => assert.equal(targetOf(place), target))

const kinds: readonly {
  name: string
  of: Refusal
  takes: readonly string[]
  outcome: string
  alone?: number | undefined
}[] = [
  { name: 'one rule', of: refusal([[1, 'ARGS:q', 5]]), takes: ['1 ARGS:q'], outcome: 'through', alone: 1 },
  {
    name: 'only as many as it takes, the heaviest first',
    of: refusal([
      [1, 'ARGS:a', 2],
      [2, 'ARGS:q', 5],
    ]),
    takes: ['2 ARGS:q'],
    outcome: 'through',
  },
  {
    name: 'all that it takes',
    of: refusal([
      [1, 'ARGS:q', 5],
      [2, 'ARGS:q', 5],
      [3, 'ARGS:r', 5],
    ]),
    takes: ['1 ARGS:q', '2 ARGS:q', '3 ARGS:r'],
    outcome: 'through',
  },
  {
    name: 'a deny without a score',
    of: refusal([[9, 'REQUEST_METHOD', 0]]),
    takes: ['9 REQUEST_METHOD'],
    outcome: 'through',
    alone: 9,
  },
  {
    name: 'a deny of which no place is known',
    of: refusal([], { ruleIds: [7, 8] }),
    takes: ['8 null'],
    outcome: 'through',
    alone: 8,
  },
  {
    name: 'more matched than was kept',
    of: refusal([[1, 'ARGS:q', 5]], { score: 10, ruleIds: [1, 1] }),
    takes: ['1 ARGS:q'],
    outcome: 'unknown',
  },
  { name: 'nothing is known', of: refusal([], { ruleIds: [] }), takes: [], outcome: 'refused' },
]
for (const { name, of, takes, outcome, alone } of kinds)
  test(`the narrowest exclusion: ${name}`, () => {
    const takings = takingsFor(of)
    assert.deepEqual(
      takings.map(({ rule, target }) => `${rule} ${target}`),
      takes,
    )
    assert.equal(outcomeOf(of, liveTakings(takings)).outcome, outcome)
    assert.equal(decidedAlone(of), alone)
  })

const taken = liveTakings([{ path: '/bai/*', rule: 1, target: 'ARGS:q' }])
for (const [name, of, outcome] of [
  ['the same place on another page of the kind', refusal([[1, 'ARGS:q', 5]], { path: '/bai/77' }), 'through'],
  ['another path', refusal([[1, 'ARGS:q', 5]], { path: '/tim' }), 'refused'],
  ['another place', refusal([[1, 'ARGS:r', 5]]), 'refused'],
  [
    'another rule as well',
    refusal([
      [1, 'ARGS:q', 5],
      [2, 'ARGS:q', 5],
    ]),
    'refused',
  ],
] as const)
  test(`others let through: ${name}: ${outcome}`, () => assert.equal(outcomeOf(of, taken).outcome, outcome))

for (const [address, account, line] of [
  ['203.0.113.9', undefined, '203.0.113.9'],
  ['203.0.113.9', 'dau', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2'],
  ['2001:db8:1:2:3:4:5:6', 'dau', '2001:db8:1:2'],
  ['2001:db8::1', undefined, '2001:db8:0:0'],
] as const)
  test(`${address} counts as ${line}, account ${account}`, () =>
    assert.equal(lineOf({ ...refusal([]), clientAddress: address, ...(account ? { account } : {}) }), line))
