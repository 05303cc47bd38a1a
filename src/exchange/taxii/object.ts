import { otherMarkings, type Rank, rankOfObject, type StixObject } from '../tlp.ts'
import { versionKey } from './time.ts'

/** An object ready to be stored. */
export type Prepared = {
  readonly id: string
  readonly type: string
  /** `modified`, else `created`; undefined where an object has no versions: its date_added stands in (TAXII 2.1 §3.4.1). */
  readonly version: string | undefined
  readonly key: string
  readonly spec: string
  readonly tlp: Rank
  readonly body: string
}

const ID = /^[a-z][a-z0-9-]{0,249}--[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/
const DEPTH = 64
/** The most bytes that an object may have, so that a page of many still fits what clients take. */
const LARGEST_OBJECT = 65_536
const VALUES = 200_000

/** Type and identifier of what could be an object at all, or undefined. */
export function nameOf(value: unknown): { id: string; type: string } | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { id, type } = value as { id?: unknown; type?: unknown }
  return typeof id === 'string' && typeof type === 'string' && id.length <= 300 && type.length <= 250
    ? { id, type }
    : undefined
}

/** What speaks against an object because of its size, before anything else looks at it. */
export function sizeFault(object: unknown): string | undefined {
  let text: string | undefined
  try {
    text = JSON.stringify(object)
  } catch {
    return 'The object is nested too deeply.'
  }
  const isLarger = text.length > LARGEST_OBJECT || Buffer.byteLength(text) > LARGEST_OBJECT
  return isLarger ? `Larger than ${LARGEST_OBJECT} bytes, the most that an object may have here.` : undefined
}

/** The columns of an object, or a sentence that says why it cannot be kept. `isValid`: STIX 2.1 has nothing against it. */
export function prepare(object: StixObject, statements: ReadonlySet<string>, isValid: boolean): Prepared | string {
  const name = nameOf(object)
  if (name === undefined || !ID.test(name.id)) return 'id: expected type--UUID.'
  if (!name.id.startsWith(`${name.type}--`)) return 'id: does not begin with the type of the object.'
  if (!isValid && !isShallow(object)) return 'The object is nested too deeply or has too many values.'
  const { modified, created, spec_version: spec } = object
  const version = modified ?? created
  const key = version === undefined ? '' : typeof version === 'string' ? versionKey(version) : undefined
  if (key === undefined) return 'modified: expected a time such as 2026-11-22T09:00:00.000Z.'
  return {
    ...name,
    version: version as string | undefined,
    key,
    // Only observables, which came with 2.1, have neither created nor modified; what else does not say is 2.0 (TAXII 2.1 §3.4.1).
    spec: typeof spec === 'string' && /^\d\.\d$/.test(spec) ? spec : version === undefined ? '2.1' : '2.0',
    tlp: rankOfObject(object, (id) => statements.has(id)),
    body: JSON.stringify(object),
  }
}

function isShallow(object: StixObject): boolean {
  const open: { value: object; depth: number }[] = [{ value: object, depth: 0 }]
  let count = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > DEPTH) return false
    for (const value of Object.values(next.value)) {
      if (++count > VALUES) return false
      if (typeof value === 'object' && value !== null) open.push({ value, depth: next.depth + 1 })
    }
  }
  return true
}

/** Markings that the objects name and that are neither TLP nor told among the objects themselves. */
export function unknownMarkings(objects: readonly StixObject[], statements: Set<string>): string[] {
  const wanted = new Set<string>()
  for (const object of objects) {
    if (object['type'] === 'marking-definition' && object['definition_type'] === 'statement')
      statements.add(String(object['id']).toLowerCase())
    for (const id of otherMarkings(object)) wanted.add(id)
  }
  return [...wanted].filter((id) => !statements.has(id))
}
