import type { Rule, RuleChoice } from '../plan.ts'
import type { State } from './state.ts'

export const isChosenRule = (choice: RuleChoice, rule: Rule): boolean =>
  choice.by === 'id'
    ? rule.id >= choice.from && rule.id <= choice.to
    : choice.by === 'tag'
      ? rule.tags.includes(choice.text)
      : rule.message === choice.text

/** Whether a control has taken the rule out for the rest of the request. */
export const isRemoved = ({ removals }: State, rule: Rule): boolean =>
  removals.some((c) => c.kind === 'remove-rule' && isChosenRule(c.rules, rule))
