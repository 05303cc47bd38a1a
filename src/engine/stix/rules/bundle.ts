import { canonicalJson, type Json } from '../../bytes/canonical.ts'
import { readInstant } from '../time.ts'
import { Place, quote, type StixFault } from './fault.ts'
import { isObject, type JsonObject, typeOfId } from './kind.ts'
import { selects } from './selector.ts'
import { validateObject, type ValidateOptions } from './validate.ts'

/** Faults over all objects; what comes after is left out. */
const BUNDLE_FAULTS_LIMIT = 10_000

/**
 * What STIX 2.1 §8 has against a bundle, each of its objects (paths `objects.N.…`), and what they say together: versions
 * of one object, cycles of markings, translations of properties that are not there. Takes any value and never throws.
 */
export function validateBundle(value: unknown, options: ValidateOptions = {}): StixFault[] {
  const faults: StixFault[] = []
  const at = new Place(faults, '8')
  if (!isObject(value)) {
    at.error('type', 'expected a bundle')
    return faults
  }
  if (value['type'] !== 'bundle') at.at('type').error('type', 'expected "bundle"')
  if (typeOfId(value['id']) !== 'bundle') at.at('id').by('2.9').error('identifier', 'expected bundle--UUID')
  for (const key of Object.keys(value)) {
    if (!['type', 'id', 'objects'].includes(key)) at.at(key).warning('custom', 'a bundle has no such property')
  }
  if (!Object.hasOwn(value, 'objects')) return faults
  const { objects } = value
  if (!Array.isArray(objects) || objects.length === 0) {
    at.at('objects').error('type', 'expected a list that is not empty')
    return faults
  }
  for (const [i, object] of objects.entries()) {
    if (faults.length >= BUNDLE_FAULTS_LIMIT) break
    for (const fault of validateObject(object, options)) {
      const path = fault.path === '' ? `objects.${i}` : `objects.${i}.${fault.path}`
      faults.push({ ...fault, path })
    }
  }
  checkTogether(objects, at)
  return faults
}

function checkTogether(objects: readonly unknown[], at: Place): void {
  const versions = new Map<string, { object: JsonObject; at: Place }[]>()
  for (const [i, object] of objects.entries()) {
    if (!isObject(object) || typeof object['id'] !== 'string') continue
    const known = versions.get(object['id']) ?? []
    known.push({ object, at: at.at('objects').at(i) })
    versions.set(object['id'], known)
  }
  for (const known of versions.values()) if (known.length > 1) checkVersions(known)
  const byId = new Map([...versions].map(([id, [first]]) => [id, first!]))
  for (const { object, at } of byId.values()) {
    if (object['type'] === 'marking-definition') checkMarkingCycle(object, byId, at)
    if (object['type'] === 'language-content') checkTranslation(object, byId, at)
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

type Known = { readonly object: JsonObject; readonly at: Place }

/** §3.6: one creator and one creation for all versions, one content for each, none after a revocation. */
function checkVersions(known: readonly Known[]): void {
  const [first] = known
  const stamps = new Map<unknown, JsonObject>()
  for (const { object, at } of known) {
    const here = at.by('3.6')
    for (const key of ['created', 'created_by_ref']) {
      if (object[key] !== first!.object[key]) here.at(key).error('version', 'differs between versions of one object')
    }
    const stamp = object['modified'] ?? ''
    const same = stamps.get(stamp)
    if (same === undefined) stamps.set(stamp, object)
    else if (isSame(same, object)) here.warning('version', 'the same version is given twice')
    else here.error('version', 'one version has two contents')
  }
  const time = (object: JsonObject): string => readInstant(textOf(object['modified']))?.text ?? ''
  const revoked = known.filter(({ object }) => object['revoked'] === true).map(({ object }) => time(object))
  if (revoked.length === 0) return
  const earliest = revoked.toSorted()[0]!
  for (const { object, at } of known) {
    if (time(object) > earliest) at.by('3.6').error('version', 'a revoked object has no later version')
  }
}

function isSame(a: JsonObject, b: JsonObject): boolean {
  // Objects too deep to be walked were reported before; they are not compared.
  try {
    return canonicalJson(a as Json) === canonicalJson(b as Json)
  } catch {
    return false
  }
}

/** A marking must not mark itself, in however many steps (§7.2.2). */
function checkMarkingCycle(start: JsonObject, byId: ReadonlyMap<string, Known>, at: Place): void {
  const seen = new Set<unknown>()
  const open = markingsOf(start)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === start['id']) {
      at.at('object_marking_refs').by('7.2.2').error('marking', 'the marking leads back to itself')
      return
    }
    if (seen.has(id)) continue
    seen.add(id)
    const next = byId.get(id)
    if (next !== undefined) open.push(...markingsOf(next.object))
  }
}

function markingsOf(object: JsonObject): string[] {
  const whole: unknown[] = Array.isArray(object['object_marking_refs']) ? object['object_marking_refs'] : []
  const granular: unknown[] = Array.isArray(object['granular_markings']) ? object['granular_markings'] : []
  const refs = granular.map((each) => (isObject(each) ? each['marking_ref'] : undefined))
  return [...whole, ...refs].filter((each): each is string => typeof each === 'string')
}

/** §7.1: what is translated must be there. */
function checkTranslation(object: JsonObject, byId: ReadonlyMap<string, Known>, at: Place): void {
  const target = byId.get(textOf(object['object_ref']))?.object
  if (target === undefined || !isObject(object['contents'])) return
  for (const [language, fields] of Object.entries(object['contents'])) {
    if (!isObject(fields)) continue
    for (const field of Object.keys(fields)) {
      if (selects(target, field)) continue
      at.at('contents')
        .at(language)
        .at(field)
        .by('7.1')
        .error('reference', `the object has no ${quote(field)} to translate`)
    }
  }
}
