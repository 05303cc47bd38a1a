import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import {
  compileCorrelation,
  compileRule,
  detector,
  isCorrelation,
  EventView,
  matchRule,
  SigmaError,
  type SigmaEvent,
  type SigmaRule,
} from '../../src/engine/sigma/index.ts'

/** Rules and events of github.com/SigmaHQ/sigma (Detection Rule License 1.1), see the README beside them. */
const vectors = join(process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors'), 'sigma')
const skip = existsSync(vectors) ? false : 'The public Sigma rules are not here; set KHIEN_VECTORS to their folder.'

const documents = (path: string): unknown[] =>
  parseAllDocuments(readFileSync(join(vectors, path), 'utf8')).map((each) => {
    if (each.errors.length > 0) throw each.errors[0]!
    return each.toJS() as unknown
  })

type Loaded = { readonly rules: Map<string, SigmaRule>; readonly refused: Record<string, number> }
let loaded: Loaded | undefined

function load(): Loaded {
  if (loaded !== undefined) return loaded
  const rules = new Map<string, SigmaRule>()
  const refused: Record<string, number> = {}
  for (const path of globSync('rules*/**/*.yml', { cwd: vectors })) {
    for (const data of documents(path)) {
      try {
        const rule = compileRule(data)
        assert.ok(rule.id !== undefined && !rules.has(rule.id), path)
        rules.set(rule.id, rule)
      } catch (error) {
        if (!(error instanceof SigmaError)) throw error
        refused[error.code] = (refused[error.code] ?? 0) + 1
      }
    }
  }
  return (loaded = { rules, refused })
}

/** Two rules need site lists (`%known_cdcs%`); one says `contains` of an unquoted 00000429, which YAML reads as 429. */
test('SigmaHQ: 3,753 rules, 3,750 compile, 3 are refused', { skip }, () => {
  const { rules, refused } = load()
  assert.equal(rules.size, 3750)
  assert.deepEqual(refused, { 'modifier/placeholder': 2, 'value/type': 1 })
  assert.deepEqual(
    [...rules.values()].filter(({ unused }) => unused.length > 0).map(({ title }) => title),
    [],
  )
})

type Case = { readonly id: string; readonly events: readonly SigmaEvent[]; readonly wanted: number | undefined }
type Info = { rule_metadata: { id: string }[]; regression_tests_info?: { match_count?: number }[] }

function cases(): Case[] {
  return globSync('regression_data/**/*.json', { cwd: vectors }).map((path) => {
    const info = documents(join(dirname(path), 'info.yml'))[0] as Info
    const id = info.rule_metadata[0]!.id
    assert.equal(basename(path, '.json'), id)
    const events = jsonDocuments(readFileSync(join(vectors, path), 'utf8')).map(sigmaView)
    return { id, events, wanted: info.regression_tests_info?.[0]?.match_count }
  })
}

/** Some files hold several documents one after another: each begins with `{` in the first column. */
const jsonDocuments = (text: string): Windows[] =>
  text
    .split(/^(?=\{)/m)
    .filter((part) => part.trim() !== '')
    .map((part) => JSON.parse(part) as Windows)

type Windows = { Event: { System: Record<string, unknown>; EventData?: Record<string, unknown> | null } }

/** Field names as the rules specification takes them from Windows events: XML attributes by `_`, blanks stripped. */
function sigmaView({ Event: { System, ...data } }: Windows): SigmaEvent {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(System)) {
    const attributes = (value as { '#attributes'?: Record<string, unknown> } | null)?.['#attributes']
    if (attributes === undefined) out[name] = value
    else for (const [key, each] of Object.entries(attributes)) out[`${name}_${key}`] = each
  }
  // EventData holds the fields, UserData holds them one level down.
  const spread = (fields: Record<string, unknown>): void => {
    for (const [name, value] of Object.entries(fields)) {
      if (name.startsWith('#')) continue
      if (typeof value === 'object' && value !== null) spread(value as Record<string, unknown>)
      else out[name.replaceAll(' ', '')] = value
    }
  }
  spread(data)
  return out
}

test('SigmaHQ regression: every event makes its rule fire', { skip }, () => {
  const { rules } = load()
  const wrong: string[] = []
  let files = 0
  for (const { id, events, wanted } of cases()) {
    files++
    const rule = rules.get(id)
    const count = rule === undefined ? 0 : events.filter((event) => matchRule(rule, event).matched).length
    if (count < (wanted ?? 1)) wrong.push(`${id} ${rule?.title} ${count}/${wanted} of ${events.length}`)
  }
  assert.deepEqual(wrong, [])
  assert.equal(files, 202)
})

test('SigmaHQ: every rule against every event neither throws nor lingers', { skip }, () => {
  const rules = [...load().rules.values()]
  const events = cases().flatMap((each) => each.events)
  let matched = 0
  let slowest = 0
  for (const event of events) {
    const view = new EventView(event)
    const before = performance.now()
    for (const rule of rules) if (matchRule(rule, view).matched) matched++
    slowest = Math.max(slowest, performance.now() - before)
  }
  // Figures of this rule set: a change of meaning shows here.
  assert.deepEqual({ events: events.length, matched }, { events: 238, matched: 797 })
  assert.ok(slowest < 15_000, `${slowest} ms for one event`)
})

test("the specification's own documents: accepted, or refused for what is not supported", { skip }, () => {
  const seen: Record<string, number> = {}
  for (const path of globSync('specification/{tests,*-examples}/**/*.yml', { cwd: vectors })) {
    for (const data of documents(path)) {
      let answer = 'accepted'
      try {
        if (isCorrelation(data)) compileCorrelation(data)
        else compileRule(data)
      } catch (error) {
        if (!(error instanceof SigmaError)) throw error
        answer = `${error.code} ${error.path}`
      }
      seen[answer] = (seen[answer] ?? 0) + 1
    }
  }
  assert.deepEqual(seen, {
    accepted: 14,
    // value_sum, value_avg and value_percentile, each once in the tests and once in the examples.
    'correlation/type correlation.type': 6,
    'rule/kind filter': 3,
    // The fragments in `partial/`, which are not meant to be whole rules.
    'rule/shape title': 4,
    // In ECS names, which need a mapping.
    'rule/taxonomy taxonomy': 1,
  })
})

test("the specification's chain of correlations fires", { skip }, () => {
  const all = documents('specification/correlation-examples/16-chain-failed-then-successful-login.yml')
  const it = detector({
    rules: all.filter((each) => !isCorrelation(each)).map((each) => compileRule(each)),
    correlations: all.filter(isCorrelation).map(compileCorrelation),
  })
  const found = Array.from({ length: 11 }, (_, i) => it.push({ EventID: i < 10 ? 4625 : 4624, User: 'x' }, i * 1000))
  assert.deepEqual(
    found.flat().map(({ rule }) => rule.title),
    ['Correlation - Multiple Failed Logins Followed by Successful Login'],
  )
})
