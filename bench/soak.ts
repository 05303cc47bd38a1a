import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, kindsOf, soak, type Soaked } from '../test/gateway/soak/run.ts'
import { coreRuleSet } from '../test/gateway/soak/system.ts'

// A platform as `khien start` runs it, two workers with the OWASP Core Rule Set v4 where it is among the vectors (else our own pack), under
// full load for so many minutes, with workers killed at random and the node twice. Every request knows its right answer.
// From the middle on one worker is let live, so that its memory can be looked at. Prints name, value, unit, goal, met | short | -.

const EVERY_MS = 8_000
const NODE_KILLS = 2
/** Of the second half's last fifth over its first, %: what a heap that breathes may differ by. */
const FLAT_PERCENT = 10

const say = (name: string, value: number | string, unit: string, goal = '-', verdict = '-'): void =>
  console.log(
    [name, typeof value === 'number' ? String(Math.round(value * 100) / 100) : value, unit, goal, verdict].join('\t'),
  )
const none = (name: string, count: number, unit: string): void =>
  say(name, count, unit, '0', count === 0 ? 'met' : 'short')

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Least squares, per minute. */
function slope(points: readonly { readonly at: number; readonly value: number }[]): number {
  const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length
  const [x, y] = [mean(points.map(({ at }) => at)), mean(points.map(({ value }) => value))]
  const over = points.reduce((sum, { at, value }) => sum + (at - x) * (value - y), 0)
  const under = points.reduce((sum, { at }) => sum + (at - x) ** 2, 0)
  return (over / under) * 60_000
}

function tellMemory({ samples, steady }: Soaked, name: string, pid: number): void {
  const since = samples.find((one) => one.pid === steady && one.at >= halfOf(samples))?.at ?? 0
  const of = samples.filter((one) => one.pid === pid && one.at >= since)
  if (of.length < 10) return say(`${name}, memory`, 'too short a run', '-')
  const fifth = Math.ceil(of.length / 5)
  const [first, last] = [of.slice(0, fifth), of.slice(-fifth)].map((part) => middle(part.map(({ mib }) => mib)))
  const growth = (last! / first! - 1) * 100
  say(`${name}, memory, first fifth of the second half`, first!, 'MiB')
  say(`${name}, memory, last fifth`, last!, 'MiB')
  say(`${name}, memory, slope of the second half`, slope(of.map(({ at, mib }) => ({ at, value: mib }))), 'MiB/min')
  say(`${name}, growth`, growth, '%', String(FLAT_PERCENT), growth <= FLAT_PERCENT ? 'met' : 'short')
  say(`${name}, most open descriptors`, Math.max(...of.map(({ descriptors }) => descriptors)), 'descriptors')
}
const halfOf = (samples: Soaked['samples']): number => (samples[0]!.at + samples.at(-1)!.at) / 2

function tell(found: Soaked): void {
  const total = Object.values(found.right).reduce((a, b) => a + b, 0)
  say('time under load', found.seconds, 's')
  say('right answers', total, 'answers')
  say('right answers a second', total / found.seconds, 'answers/s')
  for (const [kind, count] of Object.entries(found.right).toSorted()) say(`right, ${kind}`, count, 'answers')
  none('wrong answers', found.wrong.length, 'answers')
  none('hangs (no answer within 35 s)', found.hangs.length, 'requests')
  say('broken with the worker that was killed, or refused while none was up', found.broken, 'requests')
  none('broken otherwise', found.unexplained.length, 'requests')
  for (const [kind, count] of Object.entries(kindsOf([...found.wrong, ...found.hangs, ...found.unexplained])))
    say(kind, count, 'requests')
  say('slowest right answer', found.slowestMs, 'ms')
  for (const what of ['worker', 'node'] as const)
    say(`kills, ${what}`, found.kills.filter((kill) => kill.what === what).length, 'kills')
  say('no worker listened', found.outageMs / 1_000, 's')
  const back = found.kills.flatMap(({ backMs }) => (backMs === undefined ? [] : [backMs]))
  say('a worker listens again, median', middle(back), 'ms')
  say('a worker listens again, longest', Math.max(...back), 'ms')
  say(
    'connections of a killed worker, median',
    middle(found.kills.filter(({ what }) => what === 'worker').map(({ clients }) => clients.size)),
    'connections',
  )
  tellMemory(found, 'the worker let live', found.steady)
  const node = found.samples.findLast(({ who }) => who === 'node')?.pid
  if (node !== undefined) tellMemory(found, 'the node', node)
  say('the worker let live, descriptors once the load is over', found.idleDescriptors, 'descriptors')
}

/** What lives and how large it is, every ten seconds, for who looks on. */
function tellTime({ samples }: Soaked): void {
  const began = samples[0]!.at
  for (let from = began; from < samples.at(-1)!.at; from += 10_000) {
    const part = new Map(samples.filter(({ at }) => at >= from && at < from + 10_000).map((one) => [one.pid, one]))
    const each = [...part.values()].map(
      ({ who, pid, mib, descriptors }) => `${who} ${pid} ${mib.toFixed(0)} MiB ${descriptors}`,
    )
    console.error(`${((from - began) / 1000).toFixed(0)} s: ${each.join(', ')}`)
  }
}

const minutes = Number(process.argv[2] ?? 10)
if (!(minutes > 0 && minutes <= 600)) throw new Error('soak [minutes]: expected a number of minutes up to 600')
const vectors = process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '..', '..', 'shared', 'vectors')
const folder = mkdtempSync(join(tmpdir(), 'khien-bench-soak-'))
try {
  const rules = process.env['SOAK_RULES'] === 'pack' ? undefined : coreRuleSet(folder, vectors)
  say('rules', rules === undefined ? 'our own pack' : 'OWASP CRS v4', '-')
  const found = await soak({
    seconds: minutes * 60,
    everyMs: EVERY_MS,
    nodeKills: NODE_KILLS,
    rules,
    seed: 49,
    say: (line) => console.error(line),
  })
  tellTime(found)
  for (const line of describe([...found.wrong, ...found.hangs, ...found.unexplained].slice(0, 200), found.kills))
    console.error(line)
  tell(found)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
