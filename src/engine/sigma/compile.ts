import { namesIn, parseCondition } from './condition.ts'
import { type CompileOptions, compileSearch } from './detection.ts'
import { at, SigmaError } from './error.ts'
import { asMap, type Data, readHead, text } from './head.ts'
import type { Condition, LogSource, Search, SigmaRule } from './rule.ts'

/**
 * A detection rule, as a YAML reader gives it, to a rule that can be matched (rules specification 2.1). Throws
 * SigmaError naming the first thing that is wrong or that this engine does not do: nothing is left out silently.
 *
 *     compileRule({ title: 'whoami', logsource: {}, detection: { s: { 'Image|endswith': '\\whoami.exe' }, condition: 's' } })
 */
export function compileRule(data: unknown, options: CompileOptions = {}): SigmaRule {
  const rule = asMap(data, '')
  checkKind(rule)
  const head = readHead(rule)
  const taxonomy = text(rule, 'taxonomy', 256)
  if (taxonomy !== undefined && taxonomy !== 'sigma' && options.mapping === undefined) {
    throw new SigmaError('rule/taxonomy', 'taxonomy', `the taxonomy ${taxonomy} needs a mapping of its fields`)
  }
  const logsource = readLogSource(asMap(rule['logsource'], 'logsource'))
  const { condition, timeframe, ...searches } = asMap(rule['detection'], 'detection')
  if (timeframe !== undefined) {
    throw new SigmaError('detection/timeframe', 'detection.timeframe', 'timeframe belongs to correlation rules')
  }
  const selections = new Map<string, Search>()
  for (const [name, search] of Object.entries(searches)) {
    selections.set(name, compileSearch(search, `detection.${name}`, options))
  }
  const parsed = readCondition(condition, [...selections.keys()])
  const used = new Set(namesIn(parsed))
  const unused = [...selections.keys()].filter((name) => !used.has(name))
  return { ...head, logsource, selections, condition: parsed, unused }
}

function checkKind(rule: Data): void {
  if (Object.hasOwn(rule, 'action')) {
    throw new SigmaError('rule/kind', 'action', 'collections with action: global, repeat or reset are deprecated')
  }
  if (Object.hasOwn(rule, 'correlation')) {
    throw new SigmaError('rule/kind', 'correlation', 'this is a correlation rule, not a detection rule')
  }
  if (Object.hasOwn(rule, 'filter')) throw new SigmaError('rule/kind', 'filter', 'filters are not supported')
}

function readLogSource(data: Data): LogSource {
  const out: Record<string, string> = {}
  for (const key of ['category', 'product', 'service']) {
    const value = text(data, key, 256, `logsource.${key}`)
    if (value !== undefined) out[key] = value
  }
  return out
}

/** A list of conditions means any of them. */
function readCondition(data: unknown, names: readonly string[]): Condition {
  const path = 'detection.condition'
  if (typeof data === 'string') return at(path, () => parseCondition(data, names))
  if (!Array.isArray(data) || data.length === 0 || data.length > 100) {
    throw new SigmaError('condition/syntax', path, 'expected a text or a list of texts')
  }
  const parts = data.map((each: unknown, i): Condition => {
    if (typeof each !== 'string') throw new SigmaError('condition/syntax', `${path}.${i}`, 'expected a text')
    return at(`${path}.${i}`, () => parseCondition(each, names))
  })
  return parts.length === 1 ? parts[0]! : { kind: 'any', parts }
}
