import { DOMAIN_OBJECTS, RELATIONSHIP_OBJECTS } from './domain.ts'
import { checkExtensions, extendsTop, extensionTypes } from './extensions.ts'
import { Place, quote, type StixFault } from './fault.ts'
import { observableId, type Sha1 } from './identity.ts'
import { checkShape, isKnown, isObject, type JsonObject, type Shape, typeOfId } from './kind.ts'
import { MARKING_DEFINITION, META_OBJECTS } from './metadata.ts'
import { OBSERVABLE, type ObjectRule, UNVERSIONED, VERSIONED } from './object-rule.ts'
import { isObservable, OBSERVABLES } from './observable.ts'
import { checkSelectors } from './selector.ts'

/** With `sha1`, identifiers of observables are checked against their content. */
export type ValidateOptions = { readonly sha1?: Sha1 }

const DEPTH_LIMIT = 64
const VALUES_LIMIT = 200_000
/** Kept for later versions (§3.8). */
const RESERVED = new Set(['severity', 'action', 'username', 'phone_numbers'])

/**
 * What STIX 2.1 has against one object, nothing when it is fine; bundles have `validateBundle`. Takes any value and never
 * throws. Values outside open vocabularies, custom properties and the like are warnings, broken MUSTs errors.
 */
export function validateObject(value: unknown, options: ValidateOptions = {}): StixFault[] {
  const faults: StixFault[] = []
  const at = new Place(faults, '3.2')
  if (!isObject(value)) at.error('type', 'expected an object')
  else if (checkValues(value, at)) checkObject(value, at, options)
  return faults
}

/** Null, empty lists and depth, everywhere; false when the object must not be walked any further. */
export function checkValues(object: JsonObject, at: Place): boolean {
  const open: { value: unknown; at: Place; depth: number }[] = [{ value: object, at, depth: 0 }]
  let count = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, at: here, depth } = next
    if (++count > VALUES_LIMIT || depth > DEPTH_LIMIT) {
      at.error('too-large', 'nested too deeply or too many values')
      return false
    }
    if (value === null) here.by('3.1').error('null', 'null is not a value: leave the property out')
    if (typeof value === 'number' && !Number.isFinite(value)) here.by('2.6').error('range', 'not a finite number')
    if (Array.isArray(value) && value.length === 0) here.by('2.12').error('empty', 'a list must not be empty')
    if (typeof value !== 'object' || value === null) continue
    for (const [key, item] of Object.entries(value)) open.push({ value: item, at: here.at(key), depth: depth + 1 })
  }
  return true
}

function checkObject(object: JsonObject, at: Place, { sha1 }: ValidateOptions): void {
  const type = object['type']
  if (typeof type !== 'string') return at.at('type').error('missing', 'a text is required')
  if (type === 'bundle') return at.at('type').error('type', 'a bundle is not an object of a bundle')
  const { common, rule } = rules(object, type)
  if (rule === undefined) checkCustomType(object, type, at)
  checkShape(common, object, at)
  if (rule !== undefined) checkShape(rule, object, at.by(rule.section))
  checkId(object, type, at)
  checkNames(object, { common, rule }, at)
  checkExtensions(object, at)
  checkSelectors(object, at)
  if (sha1 !== undefined && isObservable(type)) checkDeterministic(object, sha1, at)
}

type Rules = { readonly common: Shape; readonly rule: ObjectRule | undefined }

function rules(object: JsonObject, type: string): Rules {
  if (type === 'marking-definition') return { common: UNVERSIONED, rule: MARKING_DEFINITION }
  for (const table of [DOMAIN_OBJECTS, RELATIONSHIP_OBJECTS, META_OBJECTS]) {
    if (Object.hasOwn(table, type)) return { common: VERSIONED, rule: table[type] }
  }
  if (isObservable(type)) return { common: OBSERVABLE, rule: OBSERVABLES[type] }
  // A custom object tells by its extension what it is, or else by having versions or not.
  const types = extensionTypes(object)
  const isSco = types.includes('new-sco') || (types.length === 0 && !('created' in object || 'modified' in object))
  return { common: isSco ? OBSERVABLE : VERSIONED, rule: undefined }
}

function checkCustomType(object: JsonObject, type: string, at: Place): void {
  const here = at.at('type').by('3.1')
  const fine = type.length >= 3 && type.length <= 250 && /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*-?$/.test(type)
  if (!fine || type === 'action') here.error('name', `${quote(type)} is not a name that a type may have`)
  if (!extensionTypes(object).some((each) => each.startsWith('new-'))) {
    here.warning('custom', `${quote(type)} is not a STIX 2.1 type, and no extension defines it`)
  }
}

function checkId(object: JsonObject, type: string, at: Place): void {
  if (!Object.hasOwn(object, 'id')) return
  const here = at.at('id').by('2.9')
  const wanted = typeOfId(object['id'])
  if (wanted === undefined) here.error('identifier', `expected type--UUID, got ${quote(object['id'])}`)
  else if (wanted !== type) here.error('identifier', `expected an identifier that starts with ${quote(`${type}--`)}`)
}

function checkNames(object: JsonObject, { common, rule }: Rules, at: Place): void {
  const isExtended = extendsTop(object)
  for (const key of Object.keys(object)) {
    if (isKnown(common, key) || (rule !== undefined && isKnown(rule, key))) continue
    const here = at.at(key).by('3.1')
    if (RESERVED.has(key)) here.by('3.8').error('name', 'the name is reserved')
    else if (key.length < 3 || key.length > 250 || !/^[a-z0-9_]+$/.test(key)) {
      here.error('name', 'expected 3 to 250 lower-case letters, digits and underscores')
    } else if (rule !== undefined && !isExtended)
      here.warning('custom', 'a property that the specification does not have')
  }
}

/** Other identifiers are allowed, but such an observable is not recognised as the same (§2.9). */
function checkDeterministic(object: JsonObject, sha1: Sha1, at: Place): void {
  const id = observableId(sha1, object)
  if (id !== undefined && typeof object['id'] === 'string' && object['id'].toLowerCase() !== id) {
    at.at('id').by('2.9').warning('deterministic-id', `the content gives ${id}`)
  }
}
