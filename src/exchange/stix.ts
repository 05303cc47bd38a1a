import { createHash } from 'node:crypto'
import { parsePattern, type Pattern, printPattern, type PropertyTest } from '../engine/stix/index.ts'
import { iso } from '../kit/clock.ts'
import type { IndicatorKind, IndicatorRole, Tlp } from './contract.ts'
import { TLP2_MARKINGS, type StixObject } from './tlp.ts'

/** One plain comparison of a pattern: a value that a matcher can look up. */
export type Term = { readonly kind: Exclude<IndicatorKind, 'pattern'>; readonly value: string }

const NAMESPACE = Buffer.from('5e0f2f6a1b0b4f3d9a54c1d7e6b8a902', 'hex')

/** An identifier that follows from a name (RFC 9562 §5.5), so that a node is one identity however often it says so. */
export function uuidOf(name: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16)
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The organisation that speaks (STIX 2.1 §4.6). */
export const identityObject = (controller: string, node: string): StixObject => ({
  type: 'identity',
  spec_version: '2.1',
  id: `identity--${uuidOf(`identity ${node}`)}`,
  created: '2026-01-01T00:00:00.000Z',
  modified: '2026-01-01T00:00:00.000Z',
  name: controller,
  identity_class: 'organization',
})

const PATHS: Readonly<Record<Exclude<IndicatorKind, 'pattern'>, readonly [string, readonly string[]]>> = {
  domain: ['domain-name', ['value']],
  ipv4: ['ipv4-addr', ['value']],
  ipv6: ['ipv6-addr', ['value']],
  url: ['url', ['value']],
  sha256: ['file', ['hashes', 'SHA-256']],
}

const test = (objectType: string, steps: readonly string[], value: string | number): PropertyTest => ({
  kind: 'test',
  negated: false,
  operator: '=',
  path: { objectType, steps: steps.map((name) => ({ kind: 'key', name })) },
  value: typeof value === 'number' ? { type: 'int', value } : { type: 'string', value },
})

/** `[domain-name:value = 'c2.example']`. */
export function patternOf({ kind, value }: Term): string {
  const [objectType, steps] = PATHS[kind]
  return printPattern({ kind: 'observation', test: test(objectType, steps, value) })
}

/** An address that attacked, with the source port it came from: behind CGNAT the port is what names a customer. */
export function attackPatternOf({ kind, value }: Term, port: number): string {
  const type = `${kind}-addr`
  return printPattern({
    kind: 'observation',
    test: {
      kind: 'and',
      parts: [
        test('network-traffic', ['src_ref', 'type'], type),
        test('network-traffic', ['src_ref', 'value'], value),
        test('network-traffic', ['src_port'], port),
      ],
    },
  })
}

export type IndicatorFacts = {
  readonly stixId: string
  readonly creator: string
  readonly created: number
  readonly modified: number
  readonly pattern: string
  readonly role: IndicatorRole
  readonly tlp: Tlp
  readonly confidence: number
  readonly validFrom: number
  readonly validUntil: number
  readonly revoked?: boolean
}

const KILL_CHAIN: Readonly<Partial<Record<IndicatorRole, string>>> = { c2: 'command-and-control' }

/** The indicator as it travels (STIX 2.1 §4.7). Its role is a label, since STIX has no word for it. */
export const indicatorObject = (facts: IndicatorFacts): StixObject => ({
  type: 'indicator',
  spec_version: '2.1',
  id: facts.stixId,
  created_by_ref: facts.creator,
  created: iso(facts.created),
  modified: iso(facts.modified),
  ...(facts.revoked ? { revoked: true } : {}),
  confidence: facts.confidence,
  labels: [`role:${facts.role}`],
  indicator_types: ['malicious-activity'],
  pattern: facts.pattern,
  pattern_type: 'stix',
  pattern_version: '2.1',
  valid_from: iso(facts.validFrom),
  valid_until: iso(facts.validUntil),
  ...(KILL_CHAIN[facts.role] === undefined
    ? {}
    : { kill_chain_phases: [{ kill_chain_name: 'mitre-attack', phase_name: KILL_CHAIN[facts.role] }] }),
  object_marking_refs: [TLP2_MARKINGS[facts.tlp]['id']],
})

export type SightingFacts = {
  readonly id: string
  readonly creator: string
  readonly of: string
  readonly count: number
  readonly firstSeen: number
  readonly lastSeen: number
  readonly created: number
  readonly modified: number
  readonly tlp: Tlp
}

/** That an indicator was seen, how often and when; never by whom (STIX 2.1 §5.2). */
export const sightingObject = (facts: SightingFacts): StixObject => ({
  type: 'sighting',
  spec_version: '2.1',
  id: facts.id,
  created_by_ref: facts.creator,
  created: iso(facts.created),
  modified: iso(facts.modified),
  first_seen: iso(facts.firstSeen),
  last_seen: iso(facts.lastSeen),
  count: Math.min(facts.count, 999_999_999),
  sighting_of_ref: facts.of,
  where_sighted_refs: [facts.creator],
  object_marking_refs: [TLP2_MARKINGS[facts.tlp]['id']],
})

export type ReadPattern = {
  /** One of these is enough; empty when the pattern says more than that. */
  readonly terms: readonly Term[]
  /** Address and source port of an attack, for a block suggestion. */
  readonly attack?: { readonly term: Term; readonly port: number | null }
}

const TERMS = 1_000

/** What a received pattern asks for, as far as look-ups can answer it. */
export function readPattern(text: string): ReadPattern {
  let pattern: Pattern
  try {
    pattern = parsePattern(text)
  } catch {
    return { terms: [] }
  }
  const attack = attackOf(pattern)
  if (attack !== undefined) return { terms: [], attack }
  const terms: Term[] = []
  return collect(pattern, terms) && terms.length <= TERMS ? { terms } : { terms: [] }
}

function collect(pattern: Pattern, terms: Term[]): boolean {
  if (pattern.kind === 'or') return pattern.parts.every((part) => collect(part, terms))
  if (pattern.kind !== 'observation') return false
  const tests = pattern.test.kind === 'or' ? pattern.test.parts : [pattern.test]
  return tests.every((each) => {
    const term = each.kind === 'test' ? termOf(each) : undefined
    if (term) terms.push(...term)
    return term !== undefined
  })
}

function termOf(test: PropertyTest): Term[] | undefined {
  if (test.negated || (test.operator !== '=' && test.operator !== 'IN')) return undefined
  const path = [test.path.objectType, ...test.path.steps.map((step) => (step.kind === 'key' ? step.name : '*'))]
  const kind = (Object.keys(PATHS) as Term['kind'][]).find((each) => {
    const [type, steps] = PATHS[each]
    return path.join(' ') === [type, ...steps].join(' ')
  })
  const values = test.operator === 'IN' ? test.value : [test.value]
  if (kind === undefined || !values.every((each) => each.type === 'string')) return undefined
  return values.map((each) => ({ kind, value: String(each.value) }))
}

function attackOf(pattern: Pattern): ReadPattern['attack'] {
  if (pattern.kind !== 'observation' || pattern.test.kind !== 'and') return undefined
  const found = new Map<string, string | number | boolean>()
  for (const part of pattern.test.parts) {
    if (part.kind !== 'test' || part.operator !== '=' || part.negated || part.path.objectType !== 'network-traffic')
      return undefined
    found.set(part.path.steps.map((step) => (step.kind === 'key' ? step.name : '*')).join('.'), part.value.value)
  }
  const type = found.get('src_ref.type')
  const value = found.get('src_ref.value')
  const port = found.get('src_port')
  if ((type !== 'ipv4-addr' && type !== 'ipv6-addr') || typeof value !== 'string') return undefined
  const kind = type === 'ipv4-addr' ? 'ipv4' : 'ipv6'
  return { term: { kind, value }, port: typeof port === 'number' && port > 0 && port < 65_536 ? port : null }
}

/**
 * What a received indicator is: told by a label of ours or by its phase of attack. One that says neither is taken for an
 * attacker's address, which warns nobody: a person is warned only where somebody said what a contact means.
 */
export function roleOf(object: StixObject): IndicatorRole {
  const words = (key: string): string[] =>
    Array.isArray(object[key]) ? (object[key] as unknown[]).filter((each) => typeof each === 'string') : []
  for (const role of ['c2', 'download', 'attacker'] as const) if (words('labels').includes(`role:${role}`)) return role
  const phases = Array.isArray(object['kill_chain_phases']) ? (object['kill_chain_phases'] as unknown[]) : []
  const names = phases.map((each) => String((each as { phase_name?: unknown } | null)?.phase_name))
  if (names.some((name) => name === 'command-and-control' || name === 'c2')) return 'c2'
  return names.includes('delivery') ? 'download' : 'attacker'
}
