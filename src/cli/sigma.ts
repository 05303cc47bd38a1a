import { createReadStream, statSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { loadDetector, readRules } from '../detection/index.ts'
import type { Detected, SigmaEvent } from '../engine/sigma/index.ts'
import { StartError } from '../kit/errors.ts'
import { readFlags } from './flags.ts'
import { type Io, UsageError, type Verb } from './verb.ts'

export const sigma: Verb = {
  summary: 'check Sigma rules, or match events against them',
  usage: `khien sigma check [--tolerate] FILE|FOLDER …
khien sigma match --rules FOLDER [--time FIELD] [EVENTS.ndjson|-]

  check  say of every rule in the files, and in the .yml and .yaml files of the folders, whether it is accepted;
         a refused one with the reason and the place. Exit 1 when one is refused, unless --tolerate.
  match  events, one JSON object a line, in; one line {"rule","title","level","event"} a finding out. Every rule sees
         every event. Correlations need the event's own time in FIELD (default "at"): milliseconds since 1970 or
         ISO 8601; their "event" is the group, beside it "count", "from" and "to". Exit 1 on a line that is no event.

A summary goes to the standard error.
`,
  async run(args, io) {
    const tolerate = args.includes('--tolerate')
    const { flags, words } = readFlags(
      args.filter((word) => word !== '--tolerate'),
      ['rules', 'time'],
    )
    const [verb, ...rest] = words
    if (verb === 'check' && rest.length > 0 && flags.rules === undefined && flags.time === undefined) {
      return check(rest, tolerate, io)
    }
    if (verb === 'match' && rest.length <= 1 && flags.rules !== undefined && !tolerate) {
      return match(flags.rules, flags.time ?? 'at', rest[0] ?? '-', io)
    }
    throw new UsageError('Say khien sigma check FILE|FOLDER …, or khien sigma match --rules FOLDER [EVENTS.ndjson|-].')
  },
}

function check(paths: readonly string[], tolerate: boolean, io: Io): number {
  const count = { accepted: 0, refused: 0 }
  const reasons = new Map<string, number>()
  for (const read of readRules(paths)) {
    const name = `${read.file}${read.title === '' ? '' : `: ${read.title}`}`
    if ('refused' in read) {
      const { code, path, message } = read.refused
      count.refused++
      reasons.set(code, (reasons.get(code) ?? 0) + 1)
      io.out(`refused   ${name}: ${code}${path === '' ? '' : ` at ${path}`}: ${message}\n`)
      continue
    }
    const unused = 'rule' in read && read.rule.unused.length > 0 ? ` (not in the condition: ${read.rule.unused})` : ''
    count.accepted++
    io.out(`accepted  ${name}${unused}\n`)
  }
  const why = [...reasons].map(([code, number]) => `${number} ${code}`).join(', ')
  io.err(`${count.accepted} accepted, ${count.refused} refused${why === '' ? '' : `: ${why}`}\n`)
  return count.refused > 0 && !tolerate ? 1 : 0
}

async function match(folder: string, timeField: string, file: string, io: Io): Promise<number> {
  const { detector: it } = loadDetector(folder)
  const count = { events: 0, untimed: 0, findings: 0, faults: 0 }
  const tell = (found: readonly Detected[]): void => {
    for (const each of found) {
      if (each.kind === 'undecided') {
        count.faults++
        io.err(`event ${count.events}: ${each.rule.title}: ${each.error.message}\n`)
        continue
      }
      count.findings++
      io.out(`${JSON.stringify(lineOf(each))}\n`)
    }
  }
  let line = 0
  for await (const text of createInterface({ input: open(file, io), crlfDelay: Infinity })) {
    line++
    if (text.trim() === '') continue
    const event = parseEvent(text)
    if (event === undefined) {
      count.faults++
      io.err(`line ${line}: not a JSON object\n`)
      continue
    }
    const at = timeOf(event[timeField])
    count.events++
    if (at === undefined) count.untimed++
    tell(it.push(event, at))
  }
  tell(it.end())
  const untimed = count.untimed === 0 ? '' : `, ${count.untimed} without a time in "${timeField}"`
  io.err(`${count.events} events${untimed}: ${count.findings} findings, ${count.faults} faults\n`)
  return count.faults > 0 ? 1 : 0
}

function lineOf(each: Exclude<Detected, { kind: 'undecided' }>): object {
  const { id, name, title, level } = each.rule
  const head = { rule: id ?? name ?? title, title, ...(level === undefined ? {} : { level }) }
  if (each.kind === 'rule') return { ...head, event: each.event }
  const { event, count, from, to } = each.alert
  return { ...head, event, count, from: new Date(from).toISOString(), to: new Date(to).toISOString() }
}

function open(file: string, io: Io): NodeJS.ReadableStream {
  if (file === '-') return io.stdin
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new StartError('sigma/unreadable', `The file ${file} cannot be read.`)
  }
  return createReadStream(file)
}

function parseEvent(text: string): SigmaEvent | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SigmaEvent) : undefined
  } catch {
    return undefined
  }
}

/** Milliseconds, or a text with date, time and zone: one without a zone would mean another time on another machine. */
function timeOf(value: unknown): number | undefined {
  const zoned =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/.test(value)
  const at = zoned ? Date.parse(value) : value
  // What a Date can hold.
  return typeof at === 'number' && Math.abs(at) <= 8.64e15 ? at : undefined
}
