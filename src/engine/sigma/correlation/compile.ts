import { SigmaError } from '../error.ts'
import { asMap, type Data, readHead, text, texts } from '../head.ts'
import { type CorrelationRule, type CorrelationType, type Criteria, threshold } from './rule.ts'

const TYPES: readonly CorrelationType[] = ['event_count', 'value_count', 'temporal', 'temporal_ordered']
const UNSUPPORTED: ReadonlySet<string> = new Set(['value_sum', 'value_avg', 'value_percentile'])
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const CRITERIA = ['gt', 'gte', 'lt', 'lte', 'eq'] as const
const LIST_LIMIT = 100

/**
 * A correlation rule, as a YAML reader gives it (correlation rules specification, Correlation section). Throws
 * SigmaError `rule/shape` or `correlation/…`; `value_sum`, `value_avg` and `value_percentile` are refused by name.
 */
export function compileCorrelation(data: unknown): CorrelationRule {
  const rule = asMap(data, '')
  const head = readHead(rule)
  const section = asMap(rule['correlation'], 'correlation')
  const known = new Set(['type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate'])
  const stray = Object.keys(section).find((key) => !known.has(key))
  if (stray !== undefined) throw wrong(`correlation.${stray}`, 'is no attribute of a correlation')
  const type = readType(section)
  const rules = typeof section['rules'] === 'string' ? [section['rules']] : list(section, 'rules')
  if (rules.length === 0) throw wrong('correlation.rules', 'needs at least one rule')
  if (new Set(rules).size !== rules.length) throw wrong('correlation.rules', 'names a rule twice')
  const generate = section['generate'] ?? rule['generate'] ?? false
  if (typeof generate !== 'boolean') throw wrong('correlation.generate', 'expected true or false')
  const groupBy = list(section, 'group-by')
  const aliases = readAliases(section['aliases'], rules)
  return {
    ...head,
    type,
    rules,
    groupBy,
    aliases,
    generate,
    timespanMs: readTimespan(text(section, 'timespan', 20, 'correlation.timespan')),
    ...readCondition(section['condition'], type, rules.length),
  }
}

function readType(section: Data): CorrelationType {
  const given = text(section, 'type', 100, 'correlation.type') ?? ''
  const type = TYPES.find((each) => each === given)
  if (type !== undefined) return type
  const why = UNSUPPORTED.has(given) ? `the type ${given} is not supported` : `expected ${TYPES.join(', ')}`
  throw new SigmaError('correlation/type', 'correlation.type', why)
}

function list(section: Data, key: string): readonly string[] {
  const values = texts(section, key, `correlation.${key}`)
  if (values.length > LIST_LIMIT) throw wrong(`correlation.${key}`, `more than ${LIST_LIMIT} entries`)
  return values
}

/** `90m`: number and letter (correlation rules specification, Time Selection). At most a year. */
function readTimespan(given: string | undefined): number {
  const match = /^([1-9][0-9]{0,8})([smhd])$/.exec(given ?? '')
  const ms = match === null ? 0 : Number(match[1]) * UNITS[match[2]!]!
  if (ms === 0 || ms > 366 * UNITS['d']!)
    throw wrong('correlation.timespan', 'expected a number with s, m, h or d, such as 90m')
  return ms
}

function readCondition(data: unknown, type: CorrelationType, rules: number): { criteria: Criteria; field?: string } {
  const path = 'correlation.condition'
  const temporal = type === 'temporal' || type === 'temporal_ordered'
  if (data === undefined && temporal) return { criteria: { gte: rules } }
  const { field, ...given } = asMap(data, path)
  const criteria: { -readonly [K in keyof Criteria]: Criteria[K] } = {}
  for (const [name, value] of Object.entries(given)) {
    const key = CRITERIA.find((each) => each === name)
    if (key === undefined) throw wrong(`${path}.${name}`, `expected ${CRITERIA.join(', ')}`, 'correlation/condition')
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw wrong(`${path}.${name}`, 'expected a whole number', 'correlation/condition')
    }
    criteria[key] = value
  }
  if (Object.keys(criteria).length === 0) throw wrong(path, 'needs a number to compare with', 'correlation/condition')
  if (temporal) checkTemporal(criteria, type, rules)
  if (type !== 'value_count') {
    if (field !== undefined) throw wrong(`${path}.field`, 'belongs to value_count', 'correlation/condition')
    return { criteria }
  }
  if (typeof field !== 'string' || field === '')
    throw wrong(`${path}.field`, 'value_count needs one field', 'correlation/condition')
  return { criteria, field }
}

function checkTemporal(criteria: Criteria, type: CorrelationType, rules: number): void {
  const path = 'correlation.condition'
  const least = threshold(criteria.eq === rules ? { gte: rules } : criteria)
  if (least === undefined) throw wrong(path, `${type} takes gt or gte`, 'correlation/condition')
  if (least > rules) throw wrong(path, 'asks for more rules than there are', 'correlation/condition')
  if (type === 'temporal_ordered' && least < rules) {
    throw wrong(path, 'some of an order is not supported: all rules must appear', 'correlation/condition')
  }
}

function readAliases(data: unknown, rules: readonly string[]): CorrelationRule['aliases'] {
  if (data === undefined) return {}
  const out: Record<string, Record<string, string>> = Object.create(null) as Record<string, Record<string, string>>
  for (const [alias, fields] of Object.entries(asMap(data, 'correlation.aliases'))) {
    const path = `correlation.aliases.${alias}`
    const entries = Object.entries(asMap(fields, path))
    for (const [rule, field] of entries) {
      if (!rules.includes(rule)) throw wrong(`${path}.${rule}`, 'is not among the rules', 'correlation/reference')
      if (typeof field !== 'string' || field === '') throw wrong(`${path}.${rule}`, 'expected a field name')
    }
    const missing = rules.find((rule) => !entries.some(([name]) => name === rule))
    if (missing !== undefined) throw wrong(path, `says nothing of ${missing}`, 'correlation/reference')
    out[alias] = Object.fromEntries(entries) as Record<string, string>
  }
  return out
}

const wrong = (path: string, what: string, code: SigmaError['code'] = 'correlation/shape'): SigmaError =>
  new SigmaError(code, path, what)
