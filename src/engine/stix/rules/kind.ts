import { fromBase64 } from '../../bytes/base64.ts'
import { HASH_ALGORITHMS, hashFault } from '../hashes.ts'
import { readInstant } from '../time.ts'
import { type Place, quote } from './fault.ts'
import { VOCABULARIES, type VocabularyName } from './vocabularies.ts'

/** The check of one type of property. */
export type Kind = (value: unknown, at: Place) => void
export type Fields = Readonly<Record<string, Kind>>
export type JsonObject = { readonly [key: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const ID = /^([a-z][a-z0-9-]*)--[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** The type in a well-formed identifier, or undefined (§2.9: `type--UUID`, RFC 4122). */
export function typeOfId(id: unknown): string | undefined {
  const match = typeof id === 'string' && id.length <= 300 ? ID.exec(id) : null
  return match === null || match[1]! !== match[1]!.toLowerCase() || match[1]!.length < 3 ? undefined : match[1]
}

const wrongType = (at: Place, wanted: string): void => at.error('type', `expected ${wanted}`)

export const text: Kind = (value, at) => {
  if (typeof value !== 'string') wrongType(at.by('2.14'), 'a text')
}
export const flag: Kind = (value, at) => {
  if (typeof value !== 'boolean') wrongType(at.by('2.2'), 'true or false')
}

export const integer =
  (least = -Number.MAX_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): Kind =>
  (value, at) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) wrongType(at.by('2.10'), 'a whole number')
    else if (value < least || value > most) at.error('range', `expected ${least} to ${most}`)
  }

export const float =
  (least = -Infinity, most = Infinity): Kind =>
  (value, at) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) wrongType(at.by('2.6'), 'a number')
    else if (value < least || value > most) at.error('range', `expected ${least} to ${most}`)
  }

/** `2026-01-01T00:00:00.000Z`; digits past the microsecond are a warning, since most programs lose them. */
export const instant: Kind = (value, at) => {
  const here = at.by('2.16')
  if (typeof value !== 'string') return wrongType(here, 'a time stamp')
  const read = readInstant(value, true)
  if (read === undefined) here.error('format', 'expected YYYY-MM-DDTHH:MM:SS[.s…]Z')
  else if (read.digits > 6) here.warning('format', 'more than six digits after the second')
}

/** `created` and `modified`: at least milliseconds (§3.2). */
export const stamp: Kind = (value, at) => {
  instant(value, at)
  const read = typeof value === 'string' ? readInstant(value, true) : undefined
  if (read !== undefined && read.digits < 3) at.by('3.2').error('format', 'expected milliseconds: …:00.000Z')
}

export const list =
  (of: Kind): Kind =>
  (value, at) => {
    if (!Array.isArray(value)) return wrongType(at.by('2.12'), 'a list')
    for (const [i, item] of value.entries()) of(item, at.at(i))
  }

/** One of these, or it is an error (§2.4). */
export const oneOf =
  (...values: readonly string[]): Kind =>
  (value, at) => {
    if (typeof value !== 'string') wrongType(at.by('2.4'), 'a text')
    else if (!values.includes(value)) at.error('vocabulary', `expected one of ${values.join(', ')}`)
  }

/** Values outside an open vocabulary are allowed and discouraged (§2.13). */
export const open =
  (name: VocabularyName): Kind =>
  (value, at) => {
    if (typeof value !== 'string') wrongType(at.by('2.13'), 'a text')
    else if (!VOCABULARIES[name].includes(value)) {
      at.by('10').warning('vocabulary', `${quote(value)} is not in ${name}`)
    }
  }

/** An identifier whose type is among `types`, or any when none is given. */
export const ref =
  (...types: readonly string[]): Kind =>
  (value, at) => {
    const type = refType(value, at)
    if (type !== undefined && types.length > 0 && !types.includes(type)) {
      at.error('reference', `expected the identifier of ${types.join(', ')}, got ${quote(type)}`)
    }
  }
export const refExcept =
  (...types: readonly string[]): Kind =>
  (value, at) => {
    const type = refType(value, at)
    if (type !== undefined && types.includes(type)) at.error('reference', `may not lead to a ${type}`)
  }

function refType(value: unknown, at: Place): string | undefined {
  const type = typeOfId(value)
  if (type === undefined) at.by('2.9').error('identifier', `expected type--UUID, got ${quote(value)}`)
  return type
}

export const hex: Kind = (value, at) => {
  const fine = typeof value === 'string' && value.length > 0 && value.length % 2 === 0 && /^[0-9A-Fa-f]+$/.test(value)
  if (!fine) at.by('2.8').error('format', 'expected pairs of hexadecimal digits')
}
export const binary: Kind = (value, at) => {
  if (typeof value !== 'string' || value === '' || fromBase64(value) === undefined) {
    at.by('2.1').error('format', 'expected base64 (RFC 4648 §4)')
  }
}

/** An absolute URL of characters that RFC 3986 or RFC 3987 allow. */
export const url: Kind = (value, at) => {
  if (typeof value !== 'string') wrongType(at, 'a URL')
  else if (!/^[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s<>"{}|\\^`]+$/.test(value))
    at.error('format', 'expected a URL (RFC 3986)')
}

/** RFC 5646 by form: `vi`, `en-GB`. */
export const language: Kind = (value, at) => {
  if (typeof value !== 'string' || !isLanguage(value)) at.error('format', 'expected a language tag (RFC 5646)')
}
export const isLanguage = (text: string): boolean =>
  text.length <= 100 && /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/.test(text)

/** Any non-empty dictionary; `of` checks its values (§2.3). */
export const dictionary =
  (of: Kind = () => {}, keys: (key: string) => boolean = (key) => /^[A-Za-z0-9_-]{1,250}$/.test(key)): Kind =>
  (value, at) => {
    const here = at.by('2.3')
    if (!isObject(value)) return wrongType(here, 'a dictionary')
    const entries = Object.entries(value)
    if (entries.length === 0) here.error('empty', 'a dictionary must not be empty')
    for (const [key, item] of entries) {
      if (!keys(key)) here.at(key).error('name', 'not a key that this dictionary may have')
      of(item, at.at(key))
    }
  }

/** Algorithm → value; known algorithms by length and alphabet, unknown ones are a warning (§2.7). */
export const hashes: Kind = (value, at) => {
  const here = at.by('2.7')
  dictionary(text, (key) => /^[A-Za-z0-9_-]{3,250}$/.test(key))(value, here)
  if (!isObject(value)) return
  for (const [algorithm, hash] of Object.entries(value)) {
    if (typeof hash === 'string' && hashFault(algorithm, hash)) {
      here.at(algorithm).error('hash', `not a ${algorithm} value`)
    }
    if (!HASH_ALGORITHMS.includes(algorithm)) {
      here.at(algorithm).warning('vocabulary', `${quote(algorithm)} is not in hash-algorithm-ov`)
    }
  }
}

export type Shape = {
  readonly required?: Fields
  readonly optional?: Fields
  /** At least one of these. */
  readonly some?: readonly string[]
  readonly extra?: (value: JsonObject, at: Place) => void
}

/** An object inside an object, whose properties are all known. */
export const record =
  (shape: Shape): Kind =>
  (value, at) => {
    if (!isObject(value)) return wrongType(at, 'an object')
    checkShape(shape, value, at)
    for (const key of Object.keys(value)) {
      if (!isKnown(shape, key)) at.at(key).warning('custom', 'a property that the specification does not have')
    }
  }

export const isKnown = ({ required = {}, optional = {} }: Shape, key: string): boolean =>
  Object.hasOwn(required, key) || Object.hasOwn(optional, key)

export function checkShape(shape: Shape, value: JsonObject, at: Place): void {
  for (const [key, kind] of Object.entries(shape.required ?? {})) {
    if (Object.hasOwn(value, key)) kind(value[key], at.at(key))
    else at.at(key).error('missing', 'required')
  }
  for (const [key, kind] of Object.entries(shape.optional ?? {})) {
    if (Object.hasOwn(value, key)) kind(value[key], at.at(key))
  }
  if (shape.some !== undefined && !shape.some.some((key) => Object.hasOwn(value, key))) {
    at.error('combination', `at least one of ${shape.some.join(', ')} is required`)
  }
  shape.extra?.(value, at)
}

/** `later` must not lie before `earlier` (strictly after it with `strict`); unreadable ones are reported elsewhere. */
export function inOrder(value: JsonObject, at: Place, earlier: string, later: string, strict = false): void {
  const [a, b] = [value[earlier], value[later]].map((each) =>
    typeof each === 'string' ? readInstant(each, true)?.text : undefined,
  )
  if (a === undefined || b === undefined || a < b || (a === b && !strict)) return
  at.at(later).error('time-order', `${later} must ${strict ? 'be later than' : 'not be before'} ${earlier}`)
}
