import type { Written } from '../directive/actions.ts'
import { ConstructError } from '../error.ts'
import { parseTemplate } from '../macro.ts'
import type { Phase } from '../plan.ts'
import { controlOf } from './controls.ts'
import type { Draft } from './draft.ts'
import { deprecationOf, environmentOf, expirationOf, initialisationOf, namedCollection } from './effects.ts'
import { setVarOf } from './set-var.ts'

type Apply = (draft: Draft, value: string) => void

const PHASES: Readonly<Record<string, Phase>> = {
  1: 1,
  2: 2,
  3: 3,
  4: 4,
  5: 5,
  request: 2,
  response: 4,
  logging: 5,
}
const SEVERITIES = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug']
export const severityName = (level: number): string => SEVERITIES[level] ?? ''

const numberOf = (name: string, value: string, least: number, most: number): number => {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= least && number <= most))
    throw new ConstructError(`${name}:${value} is not a number from ${least} to ${most}`)
  return number
}

export function phaseOf(value: string): Phase {
  const phase = PHASES[value.toLowerCase()]
  if (phase === undefined) throw new ConstructError(`phase:${value} is not a phase`)
  return phase
}

function severityOf(value: string): number {
  const level = /^[0-7]$/.test(value) ? Number(value) : SEVERITIES.indexOf(value.toLowerCase())
  if (level < 0) throw new ConstructError(`severity:${value} is not a severity`)
  return level
}

function allow(draft: Draft, value: string): void {
  const until = { '': 'end', phase: 'phase', request: 'request' } as const
  const scope = (until as Readonly<Record<string, Draft['allowUntil'] | undefined>>)[value.toLowerCase()]
  if (scope === undefined)
    throw new ConstructError(`allow:${value} is not supported: allow, allow:phase and allow:request are`)
  draft.disruption = 'allow'
  draft.allowUntil = scope
}

/** Actions without a value. */
const BARE: Readonly<Record<string, Apply>> = {
  pass: (draft) => (draft.disruption = 'pass'),
  deny: (draft) => (draft.disruption = 'deny'),
  drop: (draft) => (draft.disruption = 'drop'),
  block: (draft) => (draft.disruption = 'block'),
  log: (draft) => (draft.logged = true),
  nolog: (draft) => (draft.logged = false),
  auditlog: () => undefined,
  noauditlog: () => undefined,
  capture: (draft) => (draft.capture = true),
  multimatch: (draft) => (draft.multiMatch = true),
  chain: (draft) => (draft.chained = true),
}

const VALUED: Readonly<Record<string, Apply>> = {
  id: (draft, value) => (draft.id = numberOf('id', value, 1, 9_999_999_999)),
  phase: (draft, value) => (draft.phase = phaseOf(value)),
  msg: (draft, value) => (draft.message = value),
  logdata: (draft, value) => (draft.logData = parseTemplate(value)),
  severity: (draft, value) => (draft.severityLevel = severityOf(value)),
  tag: (draft, value) => draft.tags.push(value),
  ver: (draft, value) => (draft.version = value),
  rev: (draft, value) => (draft.revision = value),
  maturity: (draft, value) => (draft.maturity = value),
  accuracy: (draft, value) => (draft.accuracy = value),
  status: (draft, value) => (draft.status = numberOf('status', value, 100, 599)),
  t: (draft, value) => draft.transformations.push(value),
  setvar: (draft, value) => draft.setVars.push(setVarOf(value)),
  ctl: (draft, value) => {
    const control = controlOf(value)
    if (control !== undefined) draft.controls.push(control)
  },
  skip: (draft, value) => (draft.skip = numberOf('skip', value, 1, 10_000)),
  skipafter: (draft, value) => (draft.skipAfter = value),
  redirect: (draft, value) => {
    draft.disruption = 'redirect'
    draft.redirectTo = parseTemplate(value)
  },
  initcol: (draft, value) => draft.effects.push(initialisationOf(value)),
  expirevar: (draft, value) => draft.effects.push(expirationOf(value)),
  deprecatevar: (draft, value) => draft.effects.push(deprecationOf(value)),
  setenv: (draft, value) => draft.effects.push(environmentOf(value)),
  setsid: (draft, value) => draft.effects.push(namedCollection('SESSION', value)),
  setuid: (draft, value) => draft.effects.push(namedCollection('USER', value)),
  setrsc: (draft, value) => draft.effects.push(namedCollection('RESOURCE', value)),
  // Of /* and //@*, which name no element, namespaces change nothing.
  xmlns: () => undefined,
}

const OF_THE_FIRST: ReadonlySet<string> = new Set(
  'id phase msg severity tag ver rev maturity accuracy deny block drop redirect allow pass status skip skipafter'.split(
    ' ',
  ),
)
const REFUSED: Readonly<Record<string, string>> = {
  exec: 'it would run a program',
  proxy: 'the gateway alone chooses where a request goes',
  append: 'answers are not changed',
  prepend: 'answers are not changed',
  pause: 'a request is never held up',
}

/** Adds one action to a draft. Throws `ConstructError` for one that is not there, or has no place in a later link of a chain. */
export function applyAction(draft: Draft, { name, value }: Written, isLater: boolean): void {
  const refused = REFUSED[name]
  if (refused !== undefined) throw new ConstructError(`action ${name} is not supported: ${refused}`)
  if (isLater && OF_THE_FIRST.has(name)) throw new ConstructError(`action ${name} belongs to the first rule of a chain`)
  if (name === 'allow') return allow(draft, value ?? '')
  const bare = BARE[name]
  if (bare !== undefined) {
    if (value !== undefined) throw new ConstructError(`action ${name} takes no value`)
    return void bare(draft, '')
  }
  const apply = VALUED[name]
  if (apply === undefined) throw new ConstructError(`action ${name} is not supported`)
  if (value === undefined || value === '') throw new ConstructError(`action ${name} needs a value`)
  apply(draft, value)
}
