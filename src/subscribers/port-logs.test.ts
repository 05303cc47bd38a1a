import assert from 'node:assert/strict'
import { test } from 'node:test'
import { iso } from '../kit/clock.ts'
import { openSqlite } from '../storage/sql/index.ts'
import { LOG, NOW, openWorld } from './testing.ts'

const H = 3_600_000
/** Hours before now, as a log writes them. */
const ago = (hours: number): string => iso(NOW - hours * H)
const A = '198.18.0.7'
type Case = {
  readonly files: readonly (readonly string[])[]
  readonly asked: readonly [address: string, port: number | null, hoursAgo: number]
  readonly found: readonly [result: string, why: string | null]
}
const CASES: Readonly<Record<string, Case>> = {
  'a planned end does not say that the log reaches now': {
    files: [[`${A},1024,2047,SUB-A,${ago(9)},,cgn1`, `198.18.0.9,1024,2047,SUB-C,${ago(8)},${ago(-4)},cgn1`]],
    asked: [A, 1500, 3],
    found: ['not-attributable', 'no-record'],
  },
  'a refused line of another on the same address': {
    files: [
      [
        `${A},1024,2047,SUB-A,${ago(5)},,cgn1`,
        `${A},2048,4095,+84901,${ago(5)},,cgn1`,
        `covers,,,,${ago(6)},${ago(0)},cgn1`,
      ],
    ],
    asked: [A, null, 1],
    found: ['not-attributable', 'log-gap'],
  },
  'the refused line was the end of the block, and of the next one': {
    files: [
      [`198.18.0.8,1024,2047,SUB-A,${ago(5)},,cgn1`],
      [
        `198.18.0.8,1024,2047,SUB-A,${ago(5)},${ago(3).slice(0, -1)},cgn1`,
        `198.18.0.8,1024,2047,SUB B,${ago(3)},,cgn1`,
        `198.18.0.9,1024,2047,SUB-C,${ago(1)},,cgn1`,
      ],
    ],
    asked: ['198.18.0.8', 1500, 2],
    found: ['not-attributable', 'log-gap'],
  },
  'running on after a refused line': {
    files: [
      [
        `${A},1024,2047,SUB-A,${ago(5)},,cgn1`,
        `${A},1024,2047,+84901,${ago(4)},,cgn1`,
        `covers,,,,${ago(6)},${ago(3)},cgn1`,
      ],
      [`covers,,,,${ago(3)},${ago(0)},cgn1`],
    ],
    asked: [A, 1500, 1],
    found: ['not-attributable', 'log-gap'],
  },
  'a refused line whose device cannot be read': {
    files: [[`${A},1024,2047,SUB-A,${ago(5)},,cgn1`, 'rubbish', `covers,,,,${ago(6)},${ago(0)},cgn1`]],
    asked: [A, 1500, 1],
    found: ['not-attributable', 'log-gap'],
  },
  'a refused line of another device': {
    files: [
      [
        `${A},1024,2047,SUB-A,${ago(5)},,cgn1`,
        `198.18.0.9,1024,2047,+84901,${ago(4)},,cgn2`,
        `covers,,,,${ago(6)},${ago(0)},cgn1`,
      ],
    ],
    asked: [A, 1500, 1],
    found: ['attributed', null],
  },
  'a day in between was never imported': {
    files: [
      [`${A},1024,2047,SUB-A,${ago(60)},,cgn1`, `198.18.0.20,1024,2047,SUB-Z,${ago(50)},,cgn1`],
      [`198.18.0.21,1024,2047,SUB-Y,${ago(3)},,cgn1`, `198.18.0.22,1024,2047,SUB-Y,${ago(1)},,cgn1`],
    ],
    asked: [A, 1500, 2],
    found: ['not-attributable', 'log-gap'],
  },
  'the end of a long session does not say that the file reaches back to its start': {
    files: [
      [`${A},1024,2047,SUB-A,${ago(60)},,cgn1`, `198.18.0.20,1024,2047,SUB-Z,${ago(50)},,cgn1`],
      [`198.18.0.20,1024,2047,SUB-Z,${ago(50)},${ago(1)},cgn1`],
    ],
    asked: [A, 1500, 2],
    found: ['not-attributable', 'log-gap'],
  },
  'a line says that the hole is covered': {
    files: [
      [`${A},1024,2047,SUB-A,${ago(60)},,cgn1`, `198.18.0.20,1024,2047,SUB-Z,${ago(50)},,cgn1`],
      [`covers,,,,${ago(60)},${ago(0)},cgn1`],
    ],
    asked: [A, 1500, 2],
    found: ['attributed', null],
  },
}
for (const [name, { files, asked, found }] of Object.entries(CASES))
  test(name, async () => {
    await using db = openSqlite(':memory:')
    await using keysDb = openSqlite(':memory:')
    const { subscribers, outbox } = await openWorld(db, keysDb)
    await using _ = outbox
    for (const rows of files) await subscribers.logs.import('a', LOG(rows), 'staff:lan')
    const { result, why } = subscribers.logs.attribute(asked[0], asked[1], NOW - asked[2] * H)
    assert.deepEqual([result, why], found)
  })
