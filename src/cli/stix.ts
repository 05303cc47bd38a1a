import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import {
  compilePattern,
  MatchError,
  parsePattern,
  PatternError,
  readObservations,
  type StixFault,
  validateBundle,
  validateObject,
} from '../engine/stix/index.ts'
import { StartError } from '../kit/errors.ts'
import { readFlags } from './flags.ts'
import { type Io, UsageError, type Verb } from './verb.ts'

export const stix: Verb = {
  summary: 'check STIX 2.1 objects and bundles, or match a STIX pattern against observations',
  usage: `khien stix validate [FILE]
khien stix match --pattern PATTERN [FILE]
khien stix match

  validate  check a bundle or an object in FILE, or one a line (NDJSON) on the standard input; write one line a fault:
            {"line","id","path","code","level","message","section"} (line only for the standard input).
            Exit 1 when there is an error; warnings are what the specification advises against.
  match     with --pattern, match the observations in FILE, or one bundle or observed-data a line on the standard input,
            together; without it, each line of the standard input is {"pattern","observations"} by itself.
            Write one line a verdict: {"matches":true,"ids":[…]} or {"error":{"code","message"}}; exit 1 on an error.

A summary goes to the standard error.
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['pattern'])
    const [verb, file, ...more] = words
    if (more.length === 0) {
      if (verb === 'validate' && flags.pattern === undefined) return validate(file, io)
      if (verb === 'match' && flags.pattern !== undefined) return matchOne(flags.pattern, file, io)
      if (verb === 'match' && file === undefined) return matchLines(io)
    }
    throw new UsageError('Say khien stix validate [FILE], or khien stix match [--pattern PATTERN [FILE]].')
  },
}

const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest()

async function validate(file: string | undefined, io: Io): Promise<number> {
  const count = { objects: 0, error: 0, warning: 0 }
  for await (const { line, value, fault } of values(file, io)) {
    const faults = fault === undefined ? check(value) : [fault]
    count.objects += objectsOf(value).length
    for (const each of faults) {
      count[each.level]++
      io.out(`${JSON.stringify({ ...(line === undefined ? {} : { line }), id: idOf(value, each.path), ...each })}\n`)
    }
  }
  io.err(`${count.objects} objects: ${count.error} errors, ${count.warning} warnings\n`)
  return count.error > 0 ? 1 : 0
}

const check = (value: unknown): StixFault[] =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'bundle'
    ? validateBundle(value, { sha1 })
    : validateObject(value, { sha1 })

function objectsOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return 'type' in value && value.type === 'bundle' && 'objects' in value && Array.isArray(value.objects)
    ? value.objects
    : [value]
}

/** The identifier of the object that a fault is about. */
function idOf(value: unknown, path: string): string | undefined {
  const inBundle = /^objects\.(\d+)/.exec(path)
  const object = inBundle === null ? value : objectsOf(value)[Number(inBundle[1])]
  const id = typeof object === 'object' && object !== null && 'id' in object ? object.id : undefined
  return typeof id === 'string' ? id.slice(0, 300) : undefined
}

async function matchOne(pattern: string, file: string | undefined, io: Io): Promise<number> {
  const all: unknown[] = []
  for await (const { line, value, fault } of values(file, io)) {
    if (fault !== undefined) throw new StartError('stix/bad-json', `Line ${line} is not JSON.`)
    all.push(...(Array.isArray(value) ? value : [value]))
  }
  return tell([verdict(pattern, all)], io)
}

async function matchLines(io: Io): Promise<number> {
  const count = { all: 0, matches: 0, errors: 0 }
  for await (const { value, fault } of values(undefined, io)) {
    const answer = fault === undefined ? verdictOf(value) : { error: { code: 'format', message: fault.message } }
    count.all++
    if ('error' in answer) count.errors++
    else if (answer.matches) count.matches++
    io.out(`${JSON.stringify(answer)}\n`)
  }
  io.err(`${count.all} patterns: ${count.matches} match, ${count.errors} errors\n`)
  return count.errors > 0 ? 1 : 0
}

function tell([answer]: readonly [Verdict], io: Io): number {
  io.out(`${JSON.stringify(answer)}\n`)
  return 'error' in answer ? 1 : 0
}

type Verdict = { matches: boolean; ids?: (string | number)[] } | { error: { code: string; message: string } }

function verdictOf(value: unknown): Verdict {
  if (typeof value === 'object' && value !== null && 'pattern' in value && typeof value.pattern === 'string') {
    return verdict(value.pattern, 'observations' in value ? value.observations : [])
  }
  return { error: { code: 'format', message: 'expected {"pattern", "observations"}' } }
}

/** `ids` are those of the observed-data of one match; one without an id is told by its place, from 0. */
function verdict(pattern: string, data: unknown): Verdict {
  try {
    const observations = readObservations(data)
    const match = compilePattern(parsePattern(pattern))(observations)
    if (match === undefined) return { matches: false }
    return { matches: true, ids: match.places.map((place) => observations[place]!.id ?? place) }
  } catch (error) {
    if (error instanceof PatternError || error instanceof MatchError) {
      return { error: { code: error.code, message: error.message } }
    }
    throw error
  }
}

type Line = { line?: number; value: unknown; fault?: StixFault }

/** The JSON of a file, or of each line of the standard input. */
async function* values(file: string | undefined, io: Io): AsyncGenerator<Line> {
  if (file !== undefined) {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (cause) {
      throw new StartError('stix/unreadable', `The file ${file} cannot be read.`, { cause })
    }
    const value = parse(text)
    if (value === undefined) throw new StartError('stix/bad-json', `The file ${file} is not JSON.`)
    yield { value }
    return
  }
  let line = 0
  for await (const text of createInterface({ input: io.stdin, crlfDelay: Infinity })) {
    line++
    if (text.trim() === '') continue
    const value = parse(text)
    const fault = { path: '', code: 'format', level: 'error', message: 'not JSON', section: '8' } as const
    yield value === undefined ? { line, value, fault } : { line, value }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
