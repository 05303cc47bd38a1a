import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  attributionTable,
  fastMatcher,
  plainAttribution,
  plainMatcher,
  type LogSpan,
  type PortBlock,
  type Wanted,
} from './index.ts'

/** Numbers below `limit`, the same for the same seed (mulberry32). */
function sequence(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }
}

for (let seed = 1; seed <= 20; seed++)
  test(`fast and plain matcher agree, seed ${seed}`, () => {
    const next = sequence(seed)
    const pick = <T>(list: readonly T[]): T => list[next(list.length)]!
    // Few labels and few addresses, so that names nest, ranges nest and repeat.
    const label = (): string => pick(['a', 'b', 'ab', 'vn', 'com', 'é', 'x-y', '_c'])
    const name = (): string => Array.from({ length: 1 + next(4) }, label).join('.')
    const v4 = (): string => `198.${pick([18, 19])}.${next(3)}.${next(256)}`
    const v6 = (): string => `2001:db8:${next(3)}::${next(4)}`
    const wanted: Wanted[] = Array.from({ length: next(400) }, () => {
      const kind = next(10)
      if (kind < 5) return { name: pick([name(), name(), name(), '', 'a..b', '.a']) }
      const port = next(3) === 0 ? { port: pick([80, 443]) } : {}
      if (kind < 6)
        return {
          range: pick(['0.0.0.0/0', '255.255.255.255', '128.0.0.0/1', 'x', '::ffff:198.18.0.1', '::/0']),
          ...port,
        }
      if (kind < 8) return { range: v4(), ...port }
      const bits = 8 * (1 + next(3))
      return kind < 9
        ? {
            range: `${v4()
              .split('.')
              .slice(0, bits / 8)
              .concat(['0', '0', '0'])
              .slice(0, 4)
              .join('.')}/${bits}`,
            ...port,
          }
        : { range: pick([v6(), `2001:db8:${next(3)}::/48`, '2001:db8::/32']), ...port }
    })
    const [plain, fast] = [plainMatcher(wanted), fastMatcher(wanted)]
    assert.equal(fast.size, plain.size)
    for (let n = 0; n < 2_000; n++) {
      const asked = pick([name(), name(), `${name()}.${name()}`, '', '.', 'a.', '.a'])
      assert.deepEqual(fast.name(asked), plain.name(asked), asked)
      const address = pick([v4(), v4(), v6(), '0.0.0.0', '255.255.255.255', '::ffff:198.18.0.1', 'x'])
      const port = pick([null, 80, 443, 0])
      assert.deepEqual(fast.address(address, port), plain.address(address, port), `${address} ${port}`)
    }
  })

for (let seed = 1; seed <= 40; seed++)
  test(`fast and plain attribution agree, seed ${seed}`, () => {
    const next = sequence(seed * 7919)
    const pick = <T>(list: readonly T[]): T => list[next(list.length)]!
    const address = (): string =>
      pick([
        '198.18.4.1',
        '198.18.4.2',
        '::ffff:198.18.4.2',
        '198.18.4.3',
        '2001:db8::1',
        '2001:db8:0:1::/64',
        '2001:db8::/32',
      ])
    const blocks: PortBlock[] = []
    for (let n = next(200); n > 0; n--) {
      const from = next(20)
      const start = next(100)
      const end = pick([null, start + 1 + next(30)])
      const one = { address: address(), from, to: from + next(5), subscriber: next(4), start, end, device: next(3) }
      blocks.push(one)
      if (next(4) === 0) blocks.push({ ...one, end: pick([null, start + 1 + next(30)]) })
    }
    const spans = Array.from({ length: next(6) }, (): LogSpan => {
      const from = next(100)
      return { device: next(3), kind: pick(['covers', 'gap', 'seen']), from, to: from + 1 + next(60) }
    })
    const own = ['198.18.4.0/31', '198.18.4.2', '2001:db8::/33']
    const table = attributionTable(own)
    for (const block of blocks) table.add(block)
    const [plain, fast] = [plainAttribution(blocks, spans, own), table.build(spans)]
    const results = new Set<string>()
    for (let n = 0; n < 3_000; n++) {
      const asked = [
        pick([
          '198.18.4.0',
          '198.18.4.1',
          '198.18.4.2',
          '198.18.4.3',
          '2001:db8::1',
          '2001:db8:0:1::9',
          '2001:db8:8000::1',
          'x',
        ]),
        pick([null, next(26)]),
        next(140),
        next(4),
      ] as const
      const answer = fast.attribute(...asked)
      assert.deepEqual(answer, plain.attribute(...asked), asked.join(' '))
      assert.equal(answer.result === 'attributed', answer.subscriber >= 0)
      results.add(answer.why ?? 'attributed')
    }
    assert.ok(results.size >= 2)
  })
