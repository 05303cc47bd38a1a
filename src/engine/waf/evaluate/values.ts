import type { Reference, Template } from '../macro.ts'
import type { Rule } from '../plan.ts'
import { entry, one, type Values } from '../variables/entry.ts'
import { isLive, isPersistent, type LiveVariable } from '../variables/names.ts'
import { timeOf } from '../variables/time.ts'
import type { State } from './state.ts'

/** Values that change as rules run. `rule` is the one that asks. */
export function liveValues(state: State, name: LiveVariable, rule: Rule): Values {
  if (isPersistent(name)) {
    const record = state.records.get(name)
    return record === undefined ? NONE : [...record.kept].map(([key, { value }]) => entry(key, value))
  }
  switch (name) {
    case 'TX':
      return [...state.tx.values()]
    case 'MATCHED_VAR':
      return lastOf(state, 'value')
    case 'MATCHED_VAR_NAME':
      return lastOf(state, 'name')
    case 'MATCHED_VARS':
      return state.matched.map((found) => entry(found.name, found.value))
    case 'MATCHED_VARS_NAMES':
      return state.matched.map((found) => entry(found.name, found.name))
    case 'RULE':
      return aboutRule(state, rule)
    case 'ENV':
      return [...state.environment].map(([key, value]) => entry(key, value))
    case 'SESSIONID':
      return one(state.records.get('SESSION')?.key ?? '')
    case 'USERID':
      return one(state.records.get('USER')?.key ?? '')
    case 'WEBAPPID':
      return one(state.plan.webAppId)
    case 'HIGHEST_SEVERITY':
      return one(String(state.highestSeverity))
    case 'DURATION':
      return one(String(Math.max(0, Math.round(state.around.elapsed?.() ?? 0))))
    case 'MODSEC_BUILD':
      return one('030009000')
    case 'MSC_PCRE_ERROR':
    case 'MSC_PCRE_LIMITS_EXCEEDED':
      return one('0')
    // No place is known of an address, and no other server writes a log here.
    case 'GEO':
    case 'WEBSERVER_ERROR_LOG':
      return NONE
    default: {
      const { at, utcOffset } = state.around
      const text = at === undefined ? undefined : timeOf(name, at, utcOffset ?? 0)
      return text === undefined ? NONE : one(text)
    }
  }
}

const NONE: Values = []

function lastOf(state: State, part: 'name' | 'value'): Values {
  const last = state.matched.at(-1)
  return last === undefined ? NONE : one(last[part])
}

const aboutRule = (state: State, rule: Rule): Values => [
  entry('id', String(rule.id)),
  entry('rev', rule.revision),
  entry('ver', rule.version),
  entry('severity', rule.severityLevel === 255 ? '' : String(rule.severityLevel)),
  entry('msg', expandMessage(state, rule.messageTemplate, rule)),
  entry('logdata', expandMessage(state, rule.logData, rule)),
]

/** The template with its references filled in; empty for what has no value, the first for what has several. */
export function expand(state: State, template: Template, rule: Rule): string {
  let out = ''
  for (const part of template) out += typeof part === 'string' ? part : resolve(state, part, rule)
  return out
}

// %{rule.msg} inside a message would ask for itself.
export const expandMessage = (state: State, template: Template, rule: Rule): string =>
  expand(
    state,
    template.filter((part) => typeof part === 'string' || part.from !== 'RULE'),
    rule,
  )

function resolve(state: State, { from, key }: Reference, rule: Rule): string {
  if (from === 'TX') return key === undefined ? '' : (state.tx.get(key)?.value ?? '')
  if (isPersistent(from)) return key === undefined ? '' : (state.records.get(from)?.kept.get(key)?.value ?? '')
  const values: Values = isLive(from) ? liveValues(state, from, rule) : state.collections[from]
  return (key === undefined ? values[0] : values.find((entry) => entry.key.toLowerCase() === key))?.value ?? ''
}
