import { readDirectives, splitActions, type Directive, type RuleFile } from './directive.ts'
import { ConstructError, SecLangError } from './error.ts'
import { literalOf, parseTemplate } from './macro.ts'
import { vocabularyOf } from './mask.ts'
import { FIXED, operatorOf } from './operator/index.ts'
import type {
  BodyLimits,
  Chain,
  Collection,
  Control,
  Disruption,
  Phase,
  Plan,
  Rule,
  Selector,
  SetVar,
  Target,
} from './plan.ts'
import { compilePattern } from './regex/index.ts'
import { needsOf, type Needs } from './regex/needs.ts'
import { parsePattern } from './regex/parse.ts'
import { VARIABLES } from './request.ts'
import { transformationOf } from './transform/index.ts'

type Draft = {
  id: number
  phase: Phase
  disruption: Disruption | 'block'
  status: number | undefined
  skipAfter: string | undefined
  chained: boolean
  logged: boolean
  capture: boolean
  multiMatch: boolean
  message: string
  severity: string
  tags: string[]
  transformations: string[]
  setVars: SetVar[]
  controls: Control[]
}
type Default = { readonly disruption: Disruption; readonly status: number; readonly logged: boolean }
type Step = { readonly directive: Directive; readonly links: readonly Link[] }
type Link = { readonly directive: Directive; readonly draft: Draft }

/**
 * Rule files (SecLang text) → plan. Files are read in the order given. Throws `SecLangError` with file and line for anything that is
 * not supported or not understood, so that no rule is ever silently weaker than written.
 */
export function compileRules(files: readonly RuleFile[], options: CompileOptions = {}): Plan {
  return new Compiler(options.prefilter ?? true).compile(files.flatMap(readDirectives))
}

const LIMITS: BodyLimits = {
  requestBodyAccess: true,
  requestBodyLimit: 134_217_728,
  requestBodyLimitAction: 'reject',
  requestBodyNoFilesLimit: 1_048_576,
  responseBodyAccess: false,
  responseBodyLimit: 524_288,
  responseBodyLimitAction: 'process-partial',
  responseBodyMimeTypes: ['text/plain', 'text/html'],
}

/** `prefilter: false` runs every operator on every value: the plain meaning, which tests hold the other to. */
export type CompileOptions = { readonly prefilter?: boolean }

class Compiler {
  private readonly defaults = new Map<Phase, Default>()
  private readonly chains = new Map<string, Chain>()
  private readonly selections = new Map<string, number>()
  private readonly labels = new Map<string, number>()
  private readonly ids = new Set<number>()
  private readonly prefilter: boolean
  private engine: Plan['engine'] = 'on'

  constructor(prefilter: boolean) {
    this.prefilter = prefilter
  }

  compile(directives: readonly Directive[]): Plan {
    const steps: (Step & { base: Default })[] = []
    let open: Link[] = []
    for (const directive of directives) {
      this.guard(directive, () => {
        if (open.length > 0 && directive.name !== 'SecRule') throw new ConstructError('a chain must go on with SecRule')
        if (directive.name !== 'SecRule' && directive.name !== 'SecAction') return this.setting(directive, steps.length)
        const link = { directive, draft: this.draft(directive, open[0]?.draft) }
        open.push(link)
        if (link.draft.chained) return
        const first = open[0]!.draft
        const base = this.defaults.get(first.phase) ?? { disruption: 'pass', status: 403, logged: true }
        steps.push({ directive: open[0]!.directive, links: open, base })
        open = []
      })
    }
    if (open.length > 0)
      throw new SecLangError(open[0]!.directive.file, open[0]!.directive.line, 'a chain is not closed')
    const rules = steps.map((step) => this.guard(step.directive, () => this.rule(step, step.base)))
    return { ...LIMITS, engine: this.engine, notes: [], rules }
  }

  private guard<T>(directive: Directive, run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw error instanceof ConstructError ? new SecLangError(directive.file, directive.line, error.message) : error
    }
  }

  private setting({ name, words }: Directive, at: number): void {
    const word = words[0] ?? ''
    if (words.length !== 1) throw new ConstructError(`${name} takes one word`)
    if (name === 'SecMarker') {
      if (this.labels.has(word)) throw new ConstructError(`marker ${word} is there twice`)
      this.labels.set(word, at)
    } else if (name === 'SecRuleEngine') {
      const mode = ({ on: 'on', off: 'off', detectiononly: 'detection-only' } as const)[word.toLowerCase()]
      if (mode === undefined) throw new ConstructError(`SecRuleEngine ${word} is not supported`)
      this.engine = mode
    } else if (name === 'SecDefaultAction') this.setDefault(word)
    else throw new ConstructError(`directive ${name} is not supported`)
  }

  private setDefault(text: string): void {
    let phase: Phase | undefined
    let disruption: Disruption | undefined
    let status = 403
    let logged = true
    for (const { name, value } of splitActions(text)) {
      if (name === 'phase') phase = phaseOf(value)
      else if (name === 'status') status = statusOf(value)
      else if (name === 'pass' || name === 'deny') disruption = name
      else if (name === 'log' || name === 'nolog') logged = name === 'log'
      else if (name !== 'auditlog' && name !== 'noauditlog')
        throw new ConstructError(`action ${name} in SecDefaultAction is not supported`)
    }
    if (phase === undefined || disruption === undefined)
      throw new ConstructError('SecDefaultAction needs a phase and pass or deny')
    this.defaults.set(phase, { disruption, status, logged })
  }

  private draft({ name, words }: Directive, first: Draft | undefined): Draft {
    const most = name === 'SecRule' ? 3 : 1
    if (words.length > most || words.length < most - 1 || words.length === 0)
      throw new ConstructError(`${name} has ${words.length} words`)
    const draft: Draft = {
      id: first?.id ?? 0,
      phase: first?.phase ?? 2,
      disruption: 'block',
      status: undefined,
      skipAfter: undefined,
      chained: false,
      logged: true,
      capture: false,
      multiMatch: false,
      message: '',
      severity: '',
      tags: [],
      transformations: [],
      setVars: [],
      controls: [],
    }
    let told = false
    for (const { name: action, value } of splitActions(words[most - 1] ?? '')) {
      if (action === 'log' || action === 'nolog') told = true
      apply(draft, action, value, first !== undefined)
    }
    if (first === undefined) {
      if (draft.id === 0) throw new ConstructError(`${name} has no id`)
      if (this.ids.has(draft.id)) throw new ConstructError(`id ${draft.id} is there twice`)
      this.ids.add(draft.id)
      if (!told) draft.logged = this.defaults.get(draft.phase)?.logged ?? true
    }
    if (name === 'SecAction' && draft.chained) throw new ConstructError('a chain must begin with SecRule')
    return draft
  }

  private rule({ links }: Step, base: Default): Rule {
    let next: Rule | undefined
    for (const link of [...links].reverse())
      next = this.guard(link.directive, () => this.link(link, links[0]!.draft, base, next))
    return next!
  }

  private link({ directive, draft }: Link, first: Draft, base: Default, next: Rule | undefined): Rule {
    const isRule = directive.name === 'SecRule'
    const skipTo = draft.skipAfter === undefined ? undefined : this.labels.get(draft.skipAfter)
    if (draft.skipAfter !== undefined && skipTo === undefined)
      throw new ConstructError(`marker ${draft.skipAfter} is not there`)
    const { test, param, needs } = testOf(isRule ? directive.words[1]! : '@unconditionalMatch')
    const targets = isRule
      ? targetsOf(directive.words[0]!)
      : [{ collection: 'REMOTE_ADDR' as const, selector: undefined, count: false, excluded: false }]
    return {
      id: first.id,
      file: directive.file,
      line: directive.line,
      phase: first.phase,
      targets: targets.filter((target) => !target.excluded),
      exclusions: targets.filter((target) => target.excluded),
      selection: this.selectionOf(isRule ? directive.words[0]! : '', targets),
      needs: this.prefilter && !test.negated ? needs : [],
      test,
      chain: this.chainOf(draft.transformations),
      multiMatch: draft.multiMatch,
      capture: draft.capture,
      setVars: draft.setVars,
      controls: draft.controls,
      disruption: draft.disruption === 'block' ? base.disruption : draft.disruption,
      status: draft.status ?? base.status,
      skipTo,
      next,
      logged: draft.logged && isRule,
      message: draft.message,
      severity: draft.severity,
      tags: draft.tags,
      vocabulary: vocabularyOf(param),
    }
  }

  private selectionOf(text: string, targets: readonly Target[]): number | undefined {
    if (targets.some(({ collection }) => collection === 'TX' || collection.startsWith('MATCHED_'))) return undefined
    const known = this.selections.get(text) ?? this.selections.size
    this.selections.set(text, known)
    return known
  }

  private chainOf(names: readonly string[]): Chain | undefined {
    let chain: Chain | undefined
    let path = ''
    for (const name of names) {
      if (name.toLowerCase() === 'none') {
        chain = undefined
        path = ''
        continue
      }
      path += `/${name.toLowerCase()}`
      const known: Chain = this.chains.get(path) ?? {
        index: this.chains.size,
        before: chain,
        run: transformationOf(name),
      }
      this.chains.set(path, known)
      chain = known
    }
    return chain
  }
}

function phaseOf(value: string | undefined): Phase {
  if (value === '1') return 1
  if (value === '2' || value === 'request') return 2
  throw new ConstructError(`phase:${value ?? ''} is not supported`)
}

function statusOf(value: string | undefined): number {
  if (value === undefined || !/^[45]\d\d$/.test(value))
    throw new ConstructError(`status:${value ?? ''} is not a refusal`)
  return Number(value)
}

const IGNORED: ReadonlySet<string> = new Set([
  'auditlog',
  'noauditlog',
  'ver',
  'rev',
  'maturity',
  'accuracy',
  'logdata',
])

/** Actions that only describe are checked and dropped: there is no audit log, and logdata would put values of people into it. */
function apply(draft: Draft, name: string, value: string | undefined, later: boolean): void {
  if (
    later &&
    ['id', 'phase', 'msg', 'severity', 'tag', 'deny', 'block', 'allow', 'pass', 'status', 'skipafter'].includes(name)
  ) {
    throw new ConstructError(`action ${name} belongs to the first rule of a chain`)
  }
  const needed = (): string => {
    if (value === undefined || value === '') throw new ConstructError(`action ${name} needs a value`)
    return value
  }
  if (IGNORED.has(name)) return
  switch (name) {
    case 'id': {
      if (!/^[1-9]\d{0,9}$/.test(needed())) throw new ConstructError(`id:${value} is not a number`)
      draft.id = Number(value)
      return
    }
    case 'phase':
      draft.phase = phaseOf(value)
      return
    case 'msg':
      // A message goes into records and pages; a macro in it would carry what a person sent.
      if (needed().includes('%{')) throw new ConstructError('a macro in msg is not supported')
      draft.message = value!
      return
    case 'severity':
      draft.severity = needed().toLowerCase()
      return
    case 'tag':
      if (needed().includes('%{')) throw new ConstructError('a macro in tag is not supported')
      draft.tags.push(value!)
      return
    case 't':
      draft.transformations.push(needed())
      return
    case 'setvar':
      draft.setVars.push(setVarOf(needed()))
      return
    case 'ctl':
      draft.controls.push(controlOf(needed()))
      return
    case 'status':
      draft.status = statusOf(value)
      return
    case 'skipafter':
      draft.skipAfter = needed()
      return
    case 'chain':
      draft.chained = true
      return
    case 'capture':
      draft.capture = true
      return
    case 'multimatch':
      draft.multiMatch = true
      return
    case 'log':
    case 'nolog':
      draft.logged = name === 'log'
      return
    case 'pass':
    case 'deny':
    case 'block':
    case 'allow':
      if (value !== undefined) throw new ConstructError(`action ${name}:${value} is not supported`)
      draft.disruption = name
      return
    default:
      throw new ConstructError(`action ${name} is not supported`)
  }
}

function setVarOf(text: string): SetVar {
  const found = /^(!?)tx\.([A-Za-z0-9_.-]+)(?:=([+-]?)([^]*))?$/i.exec(text)
  if (found === null) throw new ConstructError(`setvar:${text} is not supported; only tx variables are`)
  const key = found[2]!.toLowerCase()
  if (found[1] === '!') return { key, how: 'remove', value: [] }
  return {
    key,
    how: found[3] === '+' ? 'add' : found[3] === '-' ? 'subtract' : 'set',
    value: parseTemplate(found[4] ?? '1'),
  }
}

function controlOf(text: string): Control {
  const found = /^(ruleRemoveById|ruleRemoveTargetById)=(\d+)(?:-(\d+))?(?:;([^]+))?$/i.exec(text)
  const targeted = found?.[1]?.toLowerCase() === 'ruleremovetargetbyid'
  if (found === null || targeted !== (found[4] !== undefined)) throw new ConstructError(`ctl:${text} is not supported`)
  const range = { from: Number(found[2]), to: Number(found[3] ?? found[2]) }
  if (!targeted) return { kind: 'remove-rule', ...range }
  const [target, ...rest] = targetsOf(found[4]!)
  if (target === undefined || rest.length > 0 || target.count || target.excluded)
    throw new ConstructError(`ctl:${text} is not supported`)
  return { kind: 'remove-target', ...range, target }
}

const COLLECTIONS: ReadonlySet<string> = new Set([
  ...VARIABLES,
  'TX',
  'MATCHED_VAR',
  'MATCHED_VARS',
  'MATCHED_VAR_NAME',
])
const KEYED = /^(?:ARGS|ARGS_GET|ARGS_POST|REQUEST_HEADERS|REQUEST_COOKIES|FILES|TX|.*_NAMES)$/

/** `ARGS|!ARGS:token|&REQUEST_HEADERS:Host|ARGS:/^x_/` → targets. */
function targetsOf(text: string): Target[] {
  const target = /\s*([!&]?)([A-Za-z_]+)(?::(?:'?\/((?:[^\\/]|\\[^])*)\/'?|([^|]+)))?\s*(?:\||$)/y
  const out: Target[] = []
  while (target.lastIndex < text.length) {
    const from = target.lastIndex
    const found = target.exec(text)
    if (found === null) throw new ConstructError(`variable not understood: ${text.slice(from, from + 40)}`)
    const collection = found[2]!.toUpperCase()
    if (!COLLECTIONS.has(collection)) throw new ConstructError(`variable ${found[2]} is not supported`)
    const selector = selectorOf(found[3], found[4])
    if (selector !== undefined && !KEYED.test(collection))
      throw new ConstructError(`variable ${collection} has no parts`)
    out.push({ collection: collection as Collection, selector, count: found[1] === '&', excluded: found[1] === '!' })
  }
  if (!out.some((t) => !t.excluded)) throw new ConstructError('a rule without a variable')
  return out
}

function selectorOf(pattern: string | undefined, name: string | undefined): Selector | undefined {
  if (pattern !== undefined) {
    const compiled = compilePattern(`(?i)${pattern.replaceAll('\\/', '/')}`)
    if (compiled.growth !== 'linear')
      throw new ConstructError('the pattern that selects a variable could take quadratic time')
    return { pattern: compiled.regexp }
  }
  return name === undefined ? undefined : { name: name.trim().toLowerCase() }
}

function testOf(text: string): { test: Rule['test']; param: string; needs: Needs } {
  const found = /^\s*(!?)\s*(?:@([A-Za-z0-9]+)(?:\s+([^]*))?)?$/.exec(text)
  // Without @ it is a regular expression, as in `SecRule ARGS "attack"`; `!` still negates.
  const bare = found === null ? /^\s*(!?)([^]*)$/.exec(text)! : undefined
  const negated = (found ?? bare!)[1] === '!'
  const name = found?.[2] ?? 'rx'
  const raw = bare?.[2] ?? found?.[3] ?? ''
  const param = name.toLowerCase() === 'rx' ? raw : raw.trim()
  const make = operatorOf(name)
  if (FIXED.has(name.toLowerCase())) {
    if (/%\{[A-Za-z]/.test(param)) throw new ConstructError(`a macro in @${name} is not supported`)
    const needs = name.toLowerCase() === 'rx' ? needsOf(parsePattern(param)) : []
    return { test: { negated, run: make(param) }, param, needs }
  }
  const template = parseTemplate(param)
  const literal = literalOf(template)
  return { test: { negated, run: literal === undefined ? { make, param: template } : make(literal) }, param, needs: [] }
}
