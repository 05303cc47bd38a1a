import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainAttribution, plainMatcher, readAddress, readRange, type LogSpan, type PortBlock } from './index.ts'

for (const [text, words] of [
  ['198.18.0.7', [0, 0, 0xffff, 0xc6120007]],
  ['255.255.255.255', [0, 0, 0xffff, 0xffffffff]],
  ['::ffff:198.18.0.7', [0, 0, 0xffff, 0xc6120007]],
  ['2001:db8::1', [0x20010db8, 0, 0, 1]],
  ['::', [0, 0, 0, 0]],
  ['1:2:3:4:5:6:7:8', [0x10002, 0x30004, 0x50006, 0x70008]],
  ['01.2.3.4', undefined],
  ['1.2.3', undefined],
  ['1.2.3.256', undefined],
  ['1..2.3', undefined],
  ['1:2:3:4:5:6:7', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['1::2::3', undefined],
  ['12345::', undefined],
  ['', undefined],
  [':', undefined],
  ['evil.vn', undefined],
] as const)
  test(`address ${text}`, () => assert.deepEqual(readAddress(text), words))

for (const [text, bits] of [
  ['198.18.0.0/15', 111],
  ['198.18.0.7', 128],
  ['198.18.0.7/15', undefined],
  ['2001:db8::/32', 32],
  ['2001:db8::/129', undefined],
  ['0.0.0.0/33', undefined],
  ['1.2.3.4/', undefined],
  ['1.2.3.4/8/8', undefined],
] as const)
  test(`range ${text}`, () => assert.equal(readRange(text)?.bits, bits))

const matcher = plainMatcher([
  { name: 'evil.vn' },
  { name: 'cdn.evil.vn' },
  { range: '203.0.113.0/24' },
  { range: '203.0.113.7', port: 443 },
  { range: '2001:db8:1::/48' },
  { name: 'evil.vn' },
  { name: '' },
  { range: '203.0.113.7/24' },
])
for (const [asked, found] of [
  ['evil.vn', [0, 5]],
  ['a.cdn.evil.vn', [0, 1, 5]],
  ['devil.vn', []],
  ['vn', []],
  ['evil.vn.example', []],
  ['', []],
] as const)
  test(`name ${asked}`, () => assert.deepEqual(matcher.name(asked), found))
for (const [asked, port, found] of [
  ['203.0.113.7', 443, [2, 3]],
  ['203.0.113.7', 80, [2]],
  ['203.0.113.7', null, [2]],
  ['203.0.114.7', 443, []],
  ['2001:db8:1:9::1', 1, [4]],
  ['rubbish', 1, []],
] as const)
  test(`address ${asked} ${port}`, () => assert.deepEqual(matcher.address(asked, port), found))
test('malformed ones are left out and counted out', () => assert.equal(matcher.size, 6))

const H = 3_600_000
const block = (address: string, from: number, to: number, subscriber: number, start: number, end: number | null) =>
  ({
    address,
    from,
    to,
    subscriber,
    start: start * H,
    end: end === null ? null : end * H,
    device: 0,
  }) satisfies PortBlock
const covers: LogSpan = { device: 0, kind: 'covers', from: 0, to: 100 * H }
const shared = [block('198.18.4.1', 1024, 2047, 1, 1, 10), block('198.18.4.1', 2048, 3071, 2, 1, 10)]
const follows = [...shared, block('198.18.4.1', 1024, 2047, 3, 10, null)]
const S = 2_000
for (const [name, blocks, spans, address, port, at, expected] of [
  ['the holder of the port', shared, [covers], '198.18.4.1', 1500, 5 * H, ['attributed', 1, 1, null]],
  ['the neighbour behind the same address', shared, [covers], '198.18.4.1', 2048, 5 * H, ['attributed', 2, 1, null]],
  ['no port, two subscribers', shared, [covers], '198.18.4.1', null, 5 * H, ['not-attributable', -1, 2, 'no-port']],
  ['no port, one subscriber', [shared[0]!], [covers], '198.18.4.1', null, 5 * H, ['attributed', 1, 1, null]],
  ['a port of nobody', shared, [covers], '198.18.4.1', 5000, 5 * H, ['not-attributable', -1, 0, 'no-record']],
  ['an address of nobody', shared, [covers], '198.18.4.2', 1500, 5 * H, ['not-attributable', -1, 0, 'no-record']],
  ['not ours', shared, [covers], '203.0.113.9', 1500, 5 * H, ['outside', -1, 0, 'not-ours']],
  ['no address', shared, [covers], 'x', 1500, 5 * H, ['outside', -1, 0, 'not-ours']],
  ['too early', shared, [covers], '198.18.4.1', 1500, 0, ['not-attributable', -1, 0, 'no-record']],
  ['handed over within the skew', follows, [covers], '198.18.4.1', 1500, 10 * H - 1, ['ambiguous', -1, 2, 'clock']],
  [
    'just before the window of the skew',
    follows,
    [covers],
    '198.18.4.1',
    1500,
    10 * H - S - 1,
    ['attributed', 1, 1, null],
  ],
  ['the next holder, still running', follows, [covers], '198.18.4.1', 1500, 99 * H, ['attributed', 3, 1, null]],
  ['after all that is told', follows, [covers], '198.18.4.1', 1500, 101 * H, ['not-attributable', -1, 0, 'no-record']],
  [
    'two at once',
    [...shared, block('198.18.4.1', 1500, 1600, 4, 4, 6)],
    [covers],
    '198.18.4.1',
    1500,
    5 * H,
    ['ambiguous', -1, 2, 'overlap'],
  ],
  [
    'a stated gap',
    shared,
    [covers, { device: 0, kind: 'gap', from: 4 * H, to: 6 * H }],
    '198.18.4.1',
    1500,
    5 * H,
    ['not-attributable', -1, 0, 'log-gap'],
  ],
  [
    'after the gap, end known',
    shared,
    [covers, { device: 0, kind: 'gap', from: 4 * H, to: 6 * H }],
    '198.18.4.1',
    1500,
    7 * H,
    ['attributed', 1, 1, null],
  ],
  [
    'after the gap, end perhaps lost',
    follows,
    [covers, { device: 0, kind: 'gap', from: 20 * H, to: 21 * H }],
    '198.18.4.1',
    1500,
    30 * H,
    ['not-attributable', -1, 0, 'log-gap'],
  ],
  [
    'between two covered spans',
    shared,
    [
      { ...covers, to: 4 * H },
      { ...covers, from: 6 * H },
    ],
    '198.18.4.1',
    1500,
    5 * H,
    ['not-attributable', -1, 0, 'log-gap'],
  ],
  ...(
    [
      ['seen', 'seen', ['not-attributable', -1, 0, 'log-gap']],
      ['seen', 'covers', ['not-attributable', -1, 0, 'log-gap']],
    ] as const
  ).map(
    ([first, second, expected]) =>
      [
        `still running, then a hole between ${first} and ${second}`,
        follows,
        [
          { device: 0, kind: first, from: 0, to: 12 * H },
          { device: 0, kind: second, from: 50 * H, to: 60 * H },
        ],
        '198.18.4.1',
        1500,
        55 * H,
        expected,
      ] as const,
  ),
  [
    'a hole that another file says is covered',
    follows,
    [
      { device: 0, kind: 'seen', from: 0, to: 12 * H },
      { device: 0, kind: 'seen', from: 50 * H, to: 60 * H },
      { device: 0, kind: 'covers', from: 12 * H, to: 50 * H },
    ],
    '198.18.4.1',
    1500,
    55 * H,
    ['attributed', 3, 1, null],
  ],
  [
    'an end that is known, in a hole',
    shared,
    [
      { device: 0, kind: 'seen', from: 0, to: 2 * H },
      { device: 0, kind: 'seen', from: 8 * H, to: 60 * H },
    ],
    '198.18.4.1',
    1500,
    5 * H,
    ['attributed', 1, 1, null],
  ],
  [
    'begun in a gap',
    follows,
    [covers, { device: 0, kind: 'gap', from: 10 * H, to: 12 * H }],
    '198.18.4.1',
    1500,
    30 * H,
    ['not-attributable', -1, 0, 'log-gap'],
  ],
  [
    'told as running, then with its end',
    [block('198.18.4.1', 1, 9, 1, 1, null), block('198.18.4.1', 1, 9, 1, 1, 3), block('198.18.4.1', 1, 9, 2, 3, 9)],
    [covers],
    '198.18.4.1',
    5,
    5 * H,
    ['attributed', 2, 1, null],
  ],
  [
    'a prefix of IPv6',
    [block('2001:db8:0:4::/64', 0, 65535, 9, 1, 10)],
    [covers],
    '2001:db8:0:4:1:2:3:4',
    777,
    5 * H,
    ['attributed', 9, 1, null],
  ],
] as const)
  test(name, () => {
    const table = plainAttribution(blocks, spans, ['198.18.0.0/15', '2001:db8::/32'])
    const { result, subscriber, candidates, why } = table.attribute(address, port, at, S)
    assert.deepEqual([result, subscriber, candidates, why], expected)
  })
