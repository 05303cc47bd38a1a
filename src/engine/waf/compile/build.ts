import { ConstructError, SecLangError } from '../error.ts'
import { parseTemplate } from '../macro.ts'
import { vocabularyOf } from '../mask.ts'
import type { OperatorContext } from '../operator/index.ts'
import type { Chain, Disruption, Rule } from '../plan.ts'
import { transformationOf } from '../transform/index.ts'
import { applyAction, severityName } from './actions.ts'
import { newDraft, type Defaults, type Draft, type Links } from './draft.ts'
import { testOf } from './test.ts'

/** Drafts → rules. Chains of transformations with a common beginning become one. */
export class Builder {
  readonly rules: Rule[] = []
  private readonly chains = new Map<string, Chain>()
  private readonly defaults: Defaults
  private readonly context: OperatorContext

  constructor(defaults: Defaults, context: OperatorContext) {
    this.defaults = defaults
    this.context = context
  }

  get chainCount(): number {
    return this.chains.size
  }

  /** Throws `SecLangError` naming the file and line of the link at fault. */
  build(links: Links): Rule {
    let next: Rule | undefined
    for (const link of [...links].reverse()) {
      const { file, line } = link.directive
      try {
        next = this.rule(link, links[0], next, { ...this.context, file, line })
        this.rules.push(next)
      } catch (error) {
        throw error instanceof ConstructError ? new SecLangError(file, line, error.message) : error
      }
    }
    return next!
  }

  private rule(draft: Draft, first: Draft, next: Rule | undefined, context: OperatorContext): Rule {
    const base = this.baseOf(first)
    const test = testOf(draft.operator, context)
    const { message } = first
    return {
      index: this.rules.length,
      id: first.id,
      file: draft.directive.file,
      line: draft.directive.line,
      phase: first.phase,
      targets: draft.targets.filter(({ excluded }) => !excluded),
      exclusions: draft.targets.filter(({ excluded }) => excluded),
      test,
      chain: this.chainOf([...base.transformations, ...draft.transformations]),
      multiMatch: draft.multiMatch,
      capture: draft.capture,
      setVars: draft === first ? [...base.setVars, ...draft.setVars] : draft.setVars,
      controls: draft.controls,
      effects: draft.effects,
      disruption: disruptionOf(first, base),
      skipAfter: first.skipAfter,
      skip: first.skip,
      next,
      logged: first.logged ?? base.logged ?? true,
      message,
      messageTemplate: parseTemplate(message),
      logData: draft.logData,
      severityLevel: first.severityLevel,
      severity: severityName(first.severityLevel),
      tags: [...base.tags, ...first.tags],
      version: first.version,
      revision: first.revision,
      maturity: first.maturity,
      accuracy: first.accuracy,
      vocabulary: vocabularyOf(test.param),
    }
  }

  /** What SecDefaultAction of the rule's phase says, read as if it were a rule. */
  private baseOf({ directive, phase }: Draft): Draft {
    const base = newDraft(directive, 0, phase)
    for (const action of this.defaults.get(phase) ?? []) applyAction(base, action, false)
    return base
  }

  private chainOf(names: readonly string[]): Chain | undefined {
    let chain: Chain | undefined
    let path = ''
    for (const written of names) {
      const name = written.toLowerCase()
      if (name === 'none') {
        chain = undefined
        path = ''
        continue
      }
      path += `/${name}`
      const known: Chain = this.chains.get(path) ?? {
        index: this.chains.size,
        name,
        before: chain,
        run: transformationOf(written),
      }
      this.chains.set(path, known)
      chain = known
    }
    return chain
  }
}

/** Without an action of its own a rule passes; `block` means what the phase's default says (ModSecurity v3, as its code does). */
function disruptionOf(draft: Draft, base: Draft): Disruption {
  const source = draft.disruption === 'block' ? base : draft
  const status = draft.status ?? base.status
  switch (source.disruption) {
    case 'deny':
    case 'drop':
      return { kind: source.disruption, status: status ?? 403 }
    case 'redirect':
      return {
        kind: 'redirect',
        status: status !== undefined && status >= 300 && status < 400 ? status : 302,
        to: source.redirectTo,
      }
    case 'allow':
      return { kind: 'allow', until: source.allowUntil }
    default:
      return { kind: 'pass' }
  }
}
