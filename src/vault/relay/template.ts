import type { Json } from './contract.ts'

const PLACE = /\{\{([a-z][a-z-]{0,29})\.([a-z][a-z_]{0,29})(?:#([A-Za-z0-9][A-Za-z0-9._:-]{0,63}))?\}\}/g
const MOST_PLACES = 64
const DEEPEST = 8
/** Fields of the person; those of other collections lie in the record that the item names. */
const OWN = new Set(['person', 'account'])

export type Place = { readonly collection: string; readonly field: string; readonly record: string }
export const placeName = ({ collection, field, record }: Place): string => `${collection}.${field}#${record}`

/** The places a body names, each once; undefined when there are too many, or the body is too deep. */
export function placesIn(body: Json, record: string): Place[] | undefined {
  const places = new Map<string, Place>()
  let deepest = 0
  const look = (value: Json, depth: number): void => {
    deepest = Math.max(deepest, depth)
    if (depth > DEEPEST || places.size > MOST_PLACES) return
    if (typeof value === 'string')
      for (const match of value.matchAll(PLACE)) {
        const place = placeOf(match, record)
        places.set(placeName(place), place)
      }
    else if (Array.isArray(value)) for (const part of value) look(part, depth + 1)
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) look(part, depth + 1)
  }
  look(body, 0)
  return deepest > DEEPEST || places.size > MOST_PLACES ? undefined : [...places.values()]
}

/** The body with the values in their places. Values are put into texts that are JSON already: nothing in them is syntax. */
export function filled(body: Json, record: string, values: ReadonlyMap<string, string>): Json {
  if (typeof body === 'string')
    return body.replaceAll(PLACE, (...match) => values.get(placeName(placeOf(match, record))) ?? '')
  if (Array.isArray(body)) return body.map((part) => filled(part, record, values))
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(Object.entries(body).map(([name, part]) => [name, filled(part, record, values)]))
}

/** How long all texts of the body are with the values in their places. */
export function filledLength(body: Json, record: string, values: ReadonlyMap<string, string>): number {
  if (typeof body === 'string') {
    let length = body.length
    for (const match of body.matchAll(PLACE))
      length += (values.get(placeName(placeOf(match, record)))?.length ?? 0) - match[0].length
    return length
  }
  if (typeof body !== 'object' || body === null) return 0
  return Object.values(body).reduce<number>((sum, part) => sum + filledLength(part, record, values), 0)
}

/** Shorter ones stand in any text by chance. */
const ECHO = 4

/** A part of an answer in which the recipient repeats what it was sent: the places again instead of the values. */
export function withoutValues(part: Json, values: ReadonlyMap<string, string>): Json {
  if (typeof part === 'string') {
    let text = part
    for (const [place, value] of values)
      if (value.length >= ECHO) text = text.replaceAll(value, () => `{{${place.replace(/#-$/, '')}}}`)
    return text
  }
  if (Array.isArray(part)) return part.map((one) => withoutValues(one, values))
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([name, one]) => [name, withoutValues(one, values)]))
}

const placeOf = (match: readonly unknown[], record: string): Place => {
  const [, collection, field, named] = match as [string, string, string, string | undefined]
  return { collection, field, record: named ?? (OWN.has(collection) ? '-' : record) }
}

/** The part of an answer that a JSON Pointer (RFC 6901) names; undefined when there is none. */
export function partAt(answer: Json | undefined, pointer: string): Json | undefined {
  let at: Json | undefined = answer
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, Json>)[name]
  }
  return at
}
