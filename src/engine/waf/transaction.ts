import type { Reference, Template } from './macro.ts'
import { maskMatch, placeOf } from './mask.ts'
import { toNumber } from './operator/number.ts'
import type { Control, Phase, Plan, Rule, SetVar, Target } from './plan.ts'
import { mayHold } from './regex/needs.ts'
import { entry, readBody, readHead, type Collections, type Entry } from './request.ts'
import type { RequestHead, RuleMatch, Transaction, Verdict } from './verdict.ts'
import { everyStep, Selection, type Item } from './selection.ts'

/** Matches kept of one request; the score goes on counting. */
const KEPT = 32

/** One request under one plan. Pure: the same plan and request give the same verdicts. */
export function openTransaction(plan: Plan, request: RequestHead): Transaction {
  return new Evaluation(plan, request)
}

type Found = Item & { readonly matched: string; readonly groups: readonly string[] }
const NOTHING: readonly Found[] = []
const NONE: readonly number[] = []
type RemoveTarget = Extract<Control, { kind: 'remove-target' }>

class Evaluation implements Transaction {
  private readonly plan: Plan
  private readonly request: RequestHead
  private collections: Collections
  private readonly tx = new Map<string, string>()
  private readonly controls: Control[] = []
  private readonly matches: RuleMatch[] = []
  private selections: (Selection | undefined)[] = []
  /** Selections of rules that a control has taken targets from, by selection and controls. */
  private narrowed = new Map<string, Selection>()
  private lastMatches: readonly Found[] = []
  private lastMatch: Found | undefined
  private status = 0
  /** TX:anomaly_score as a number. */
  private score = 0
  private finished = false

  constructor(plan: Plan, request: RequestHead) {
    this.plan = plan
    this.request = request
    this.collections = readHead(request)
  }

  inspectHead(): Verdict {
    this.run(1)
    return this.verdict()
  }

  inspectBody(body: Uint8Array): Verdict {
    if (!this.finished) {
      const before = this.collections
      this.collections = readBody(this.request, before, body)
      if (this.collections !== before) {
        this.selections = []
        this.narrowed.clear()
      }
      this.run(2)
    }
    return this.verdict()
  }

  // Rules of phases 3 to 5 are still refused when compiled.
  inspectResponseHead(): Verdict {
    return this.verdict()
  }

  wantsResponseBody(): boolean {
    return false
  }

  inspectResponseBody(): Verdict {
    return this.verdict()
  }

  finish(): Verdict {
    return this.verdict()
  }

  variable(name: string): string | undefined {
    return this.tx.get(name)
  }

  private verdict(): Verdict {
    return {
      refused: this.status !== 0,
      action: this.status === 0 ? 'pass' : 'deny',
      status: this.status === 0 ? 200 : this.status,
      score: this.score,
      threshold: toNumber(this.tx.get('anomaly_threshold') ?? '0'),
      matches: [...this.matches],
      ruleIds: this.matches.map((match) => match.ruleId),
    }
  }

  private run(phase: Phase): void {
    if (this.plan.engine === 'off') return
    const { rules } = this.plan
    for (let at = 0; at < rules.length && !this.finished;) {
      const rule = rules[at++]!
      if (rule.phase !== phase || this.isRemoved(rule)) continue
      if (this.evaluate(rule) && rule.skipTo !== undefined) at = rule.skipTo
    }
  }

  private isRemoved(rule: Rule): boolean {
    return (
      this.controls.length > 0 &&
      this.controls.some((c) => c.kind === 'remove-rule' && rule.id >= c.from && rule.id <= c.to)
    )
  }

  /** Runs one rule with its chain; true when all of it matched. */
  private evaluate(first: Rule): boolean {
    const before = this.score
    let shown: Found | undefined
    for (let link: Rule | undefined = first; link !== undefined; link = link.next) {
      const found = this.find(link)
      if (found.length === 0) return false
      this.lastMatches = found
      for (const match of found) {
        const start = this.score
        this.act(link, match)
        // Without a chain every value that matched is told on its own; a chain is told once, by its first.
        if (first.next === undefined) this.tell(first, match, this.score - start)
      }
      shown ??= found[0]!
    }
    if (first.next !== undefined) this.tell(first, shown!, this.score - before)
    this.controls.push(...first.controls)
    if (first.disruption === 'allow') this.finished = true
    if (first.disruption === 'deny' && this.plan.engine === 'on') {
      this.status = first.status
      this.finished = true
    }
    return true
  }

  private tell(rule: Rule, { target, entry, matched }: Found, score: number): void {
    if (!rule.logged || rule.message === '' || this.matches.length >= KEPT) return
    this.matches.push({
      ruleId: rule.id,
      message: rule.message,
      severity: rule.severity,
      tags: [...rule.tags],
      place: target.count ? `&${target.collection}` : placeOf(target.collection, entry.key),
      masked: maskMatch(matched, rule.vocabulary, entry.value.length),
      score,
    })
  }

  private find(rule: Rule): readonly Found[] {
    const selection = this.select(rule)
    const view = selection.view(rule.chain)
    if (!mayHold(view.anyLow, view.anyHigh, view.anyRest, rule.needs)) return NOTHING
    const out: Found[] = []
    const { negated, run } = rule.test
    const operator = typeof run === 'function' ? run : run.make(this.expand(run.param))
    // bench/gateway.ts: an indexed loop, since most values stop at the next line.
    for (let i = 0; i < view.values.length; i++) {
      if (!mayHold(view.low[i]!, view.high[i]!, view.rest[i]!, rule.needs)) continue
      const item = selection.items[i]!
      const values = rule.multiMatch ? everyStep(item.entry, rule.chain) : [view.values[i]!]
      for (const value of values) {
        const hit = operator(value)
        if ((hit !== undefined) === negated) continue
        out.push({ ...item, matched: hit?.groups[0] ?? '', groups: hit?.groups ?? [] })
        break
      }
    }
    return out
  }

  private select(rule: Rule): Selection {
    const removed = this.controls.length === 0 ? NONE : this.removedTargets(rule)
    if (removed.length > 0) return this.selectWithout(rule, removed)
    if (rule.selection === undefined) return new Selection(this.items(rule))
    while (this.selections.length <= rule.selection) this.selections.push(undefined)
    return (this.selections[rule.selection] ??= new Selection(this.items(rule)))
  }

  /** Numbers of the controls that take targets away from the rule. */
  private removedTargets(rule: Rule): readonly number[] {
    return this.controls.flatMap((c, i) =>
      c.kind === 'remove-target' && rule.id >= c.from && rule.id <= c.to ? [i] : [],
    )
  }

  // Removed before anything is computed of it: a removed target must cost nothing, however large.
  private selectWithout(rule: Rule, removed: readonly number[]): Selection {
    const key = rule.selection === undefined ? undefined : `${rule.selection}/${removed.join()}`
    const known = key === undefined ? undefined : this.narrowed.get(key)
    if (known !== undefined) return known
    const gone = removed.map((i) => this.controls[i] as RemoveTarget)
    const selection = new Selection(
      this.items(rule).filter(
        ({ target, entry }) =>
          !gone.some((c) => c.target.collection === target.collection && isSelected(c.target, entry)),
      ),
    )
    if (key !== undefined) this.narrowed.set(key, selection)
    return selection
  }

  private items({ targets, exclusions }: Rule): Item[] {
    return targets.flatMap((target) => {
      const chosen = this.all(target).filter(
        (value) =>
          isSelected(target, value) &&
          !exclusions.some((other) => other.collection === target.collection && isSelected(other, value)),
      )
      return target.count
        ? [{ target, entry: entry('', String(chosen.length)) }]
        : chosen.map((value) => ({ target, entry: value }))
    })
  }

  private all({ collection }: Target): readonly Entry[] {
    switch (collection) {
      case 'TX':
        return [...this.tx].map(([key, value]) => entry(key, value))
      case 'MATCHED_VAR':
        return this.lastMatch === undefined ? [] : [entry('', this.lastMatch.entry.value)]
      case 'MATCHED_VARS':
        return this.lastMatches.map((found) => entry('', found.entry.value))
      case 'MATCHED_VAR_NAME':
        return this.lastMatch === undefined ? [] : [entry('', nameOf(this.lastMatch))]
      default:
        return this.collections[collection]
    }
  }

  private act(rule: Rule, found: Found): void {
    this.lastMatch = found
    if (rule.capture) for (let i = 0; i < 10; i++) this.capture(i, found.groups[i])
    for (const change of rule.setVars) this.setVar(change)
  }

  private capture(index: number, group: string | undefined): void {
    if (group === undefined) this.tx.delete(String(index))
    else this.tx.set(String(index), group)
  }

  private setVar({ key, how, value }: SetVar): void {
    if (how === 'remove') {
      this.tx.delete(key)
      if (key === 'anomaly_score') this.score = 0
      return
    }
    const text = this.expand(value)
    const now = toNumber(this.tx.get(key) ?? '0')
    const next = how === 'set' ? text : String(how === 'add' ? now + toNumber(text) : now - toNumber(text))
    this.tx.set(key, next)
    if (key === 'anomaly_score') this.score = toNumber(next)
  }

  private expand(template: Template): string {
    let out = ''
    for (const part of template) out += typeof part === 'string' ? part : this.resolve(part)
    return out
  }

  private resolve(reference: Reference): string {
    if (reference.from === 'tx') return this.tx.get(reference.key) ?? ''
    const last = this.lastMatch
    if (reference.from === 'match') return last?.entry.value ?? ''
    if (reference.from === 'match-name') return last === undefined ? '' : nameOf(last)
    const values = this.collections[reference.from]
    const { key } = reference
    return (key === undefined ? values[0] : values.find((entry) => entry.key.toLowerCase() === key))?.value ?? ''
  }
}

const nameOf = ({ target, entry }: Found): string =>
  entry.key === '' ? target.collection : `${target.collection}:${entry.key}`

function isSelected({ selector }: Target, { key }: Entry): boolean {
  if (selector === undefined) return true
  return 'name' in selector ? key.toLowerCase() === selector.name : selector.pattern.test(key)
}
