import { readDirectives, type Directive, type RuleFile } from '../directive/read.ts'
import { splitActions, type Written } from '../directive/actions.ts'
import { readTargets } from '../directive/targets.ts'
import { ConstructError, SecLangError } from '../error.ts'
import { prepareProgram } from '../fast/program.ts'
import type { Lookups } from '../operator/index.ts'
import type { Phase, Plan, Step } from '../plan.ts'
import { applyAction, phaseOf } from './actions.ts'
import { Builder } from './build.ts'
import { changeOf, isChosen, type Change } from './changes.ts'
import { newDraft, type Draft, type Links } from './draft.ts'
import { applySetting, newSettings } from './settings.ts'

export type CompileOptions = {
  /** Word lists of @pmFromFile and @ipMatchFromFile by name as written in the rule, latin1. */
  readonly data?: ReadonlyMap<string, string>
  /** `plain` runs every operator on every value: the meaning the fast mode is held to. */
  readonly mode?: 'plain' | 'fast'
  /** @geoLookup and @rbl need what lies outside: given here, or `absent` for a rule that never matches and a note; an error otherwise. */
  readonly lookups?: Lookups | 'absent'
  /** Text of an included file, by the path as written. Without it Include is an error. */
  readonly include?: (path: string) => readonly RuleFile[] | undefined
}

/**
 * Rule files (SecLang text) → plan. Files are read in the order given. Throws `SecLangError` with file and line for anything that is
 * not supported or not understood, so that no rule is ever silently weaker than written.
 */
export function compileRules(files: readonly RuleFile[], options: CompileOptions = {}): Plan {
  const steps = compileInSteps(files, options)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/**
 * The same, to be gone on with when the caller has time: each step is one rule, mostly well under a millisecond. All that a request would
 * otherwise have to wait for is made here too.
 */
export function* compileInSteps(files: readonly RuleFile[], options: CompileOptions = {}): Generator<undefined, Plan> {
  const plan = yield* new Reader(options).read(files)
  if (plan.mode === 'fast') yield* prepareProgram(plan)
  return plan
}

/** Files that include each other. */
const MOST_NESTED = 16

class Reader {
  private readonly options: CompileOptions
  private readonly settings = newSettings()
  private readonly defaults = new Map<Phase, readonly Written[]>()
  private readonly steps: (Links | { readonly marker: string })[] = []
  private readonly changes: Change[] = []
  private readonly ids = new Set<number>()
  private readonly notes: string[] = []
  private open: Draft[] = []

  constructor(options: CompileOptions) {
    this.options = options
  }

  *read(files: readonly RuleFile[]): Generator<undefined, Plan> {
    for (const file of files) this.file(file, 0)
    const [unclosed] = this.open
    if (unclosed !== undefined) throw at(unclosed.directive, 'a chain is not closed')
    return yield* this.plan()
  }

  private file(file: RuleFile, depth: number): void {
    for (const directive of readDirectives(file)) {
      try {
        this.directive(directive, depth)
      } catch (error) {
        throw error instanceof ConstructError ? at(directive, error.message) : error
      }
    }
  }

  private directive(directive: Directive, depth: number): void {
    const { name, words } = directive
    const key = name.toLowerCase()
    if (this.open.length > 0 && key !== 'secrule') throw new ConstructError('a chain must go on with SecRule')
    if (key === 'secrule' || key === 'secaction') return this.rule(directive, key === 'secrule')
    if (key === 'include') return this.include(words, depth)
    if (key === 'secmarker') {
      if (words.length !== 1) throw new ConstructError('SecMarker takes one word')
      this.steps.push({ marker: words[0]!.replace(/^'(.*)'$/, '$1') })
      return
    }
    if (key === 'secdefaultaction') return this.setDefault(words)
    const change = changeOf(name, words)
    if (change !== undefined) return void this.changes.push(change)
    const done = applySetting(this.settings, name, words)
    if (done === false) throw new ConstructError(`directive ${name} is not supported`)
    if (done !== true) this.note(directive, `${name} has no effect: ${done}`)
  }

  private note({ file, line }: Directive, what: string): void {
    this.notes.push(`${file}:${line}: ${what}`)
  }

  private include(words: readonly string[], depth: number): void {
    const files = words.length === 1 ? this.options.include?.(words[0]!) : undefined
    if (files === undefined) throw new ConstructError(`Include ${words.join(' ')} cannot be read`)
    if (depth >= MOST_NESTED) throw new ConstructError('files include each other too deeply')
    for (const file of files) this.file(file, depth + 1)
  }

  private setDefault(words: readonly string[]): void {
    if (words.length !== 1) throw new ConstructError('SecDefaultAction takes one word')
    const actions = splitActions(words[0]!)
    const phase = actions.findLast(({ name }) => name === 'phase')?.value
    if (phase === undefined) throw new ConstructError('SecDefaultAction needs a phase')
    const rest = actions.filter(({ name }) => name !== 'phase')
    if (!rest.some(({ name }) => ['pass', 'deny', 'drop', 'redirect', 'allow'].includes(name)))
      throw new ConstructError('SecDefaultAction needs pass, deny, drop, redirect or allow')
    const wrong = rest.find(({ name }) => ['id', 'msg', 'chain', 'skip', 'skipafter', 'block'].includes(name))
    if (wrong !== undefined) throw new ConstructError(`action ${wrong.name} in SecDefaultAction is not supported`)
    this.defaults.set(phaseOf(phase), rest)
  }

  private rule(directive: Directive, isRule: boolean): void {
    const { name, words } = directive
    const most = isRule ? 3 : 1
    if (words.length > most || words.length < most - 1 || words.length === 0)
      throw new ConstructError(`${name} has ${words.length} words`)
    const [first] = this.open
    const draft = newDraft(directive, first?.id ?? 0, first?.phase ?? 2)
    if (isRule) {
      draft.targets = readTargets(words[0]!)
      draft.operator = words[1]!
    } else draft.targets = [{ collection: 'REMOTE_ADDR', selector: undefined, count: true, excluded: false }]
    for (const action of splitActions(words[most - 1] ?? '')) applyAction(draft, action, first !== undefined)
    if (first === undefined) this.claim(draft, name)
    if (!isRule && draft.chained) throw new ConstructError('a chain must begin with SecRule')
    this.open.push(draft)
    if (draft.chained) return
    this.steps.push(this.open as unknown as Links)
    this.open = []
  }

  private claim(draft: Draft, name: string): void {
    if (draft.id === 0) throw new ConstructError(`${name} has no id`)
    if (this.ids.has(draft.id)) throw new ConstructError(`id ${draft.id} is there twice`)
    this.ids.add(draft.id)
  }

  private *plan(): Generator<undefined, Plan> {
    const builder = new Builder(this.defaults, {
      data: this.options.data ?? new Map(),
      lookups: this.options.lookups,
      note: (what) => this.notes.push(what),
      file: '',
      line: 0,
    })
    const phases: Step[][] = [[], [], [], [], [], []]
    for (const step of this.steps) {
      yield
      if ('marker' in step) for (const phase of phases) phase.push(step)
      else if (this.change(step)) phases[step[0].phase]!.push(builder.build(step))
    }
    this.checkMarkers(phases)
    return {
      ...this.settings,
      mode: this.options.mode ?? 'fast',
      phases,
      rules: builder.rules,
      chainCount: builder.chainCount,
      notes: this.notes,
    }
  }

  /** False when the rule is taken out. */
  private change(links: Links): boolean {
    const chosen = this.changes.filter(({ rules }) => isChosen(rules, links[0]))
    return chosen.every(({ apply }) => apply(links) === 'keep')
  }

  /** A marker that does not follow would leave out the rest of every phase. */
  private checkMarkers(phases: readonly (readonly Step[])[]): void {
    for (const steps of phases) {
      const ahead = new Set<string>()
      for (const step of steps.toReversed()) {
        if ('marker' in step) ahead.add(step.marker)
        else if (step.skipAfter !== undefined && !ahead.has(step.skipAfter))
          throw at(step, `marker ${step.skipAfter} does not follow`)
      }
    }
  }
}

const at = ({ file, line }: { file: string; line: number }, what: string): SecLangError =>
  new SecLangError(file, line, what)
