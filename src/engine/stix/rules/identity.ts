import { canonicalJson, type Json } from '../../bytes/canonical.ts'
import { join, utf8 } from '../../bytes/join.ts'
import { isObject, type JsonObject } from './kind.ts'
import { OBSERVABLES } from './observable.ts'

/** 20 bytes of SHA-1. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array

/** The namespace of observables: 00abedb4-aa42-466c-9c01-fed23315a9b7. */
const NAMESPACE = Uint8Array.from([
  0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7,
])
const PREFERRED_HASHES = ['MD5', 'SHA-1', 'SHA-256', 'SHA-512']

/**
 * The identifier that two producers of one observable agree on: UUIDv5 over the canonical JSON (RFC 8785) of its
 * contributing properties (STIX 2.1 §2.9). Undefined when the type has none, the object none of them, or one has no JSON.
 */
export function observableId(sha1: Sha1, object: JsonObject): string | undefined {
  const type = typeof object['type'] === 'string' ? object['type'] : ''
  const rule = Object.hasOwn(OBSERVABLES, type) ? OBSERVABLES[type] : undefined
  if (rule === undefined) return undefined
  const parts: Record<string, Json> = {}
  for (const key of rule.identity) {
    if (!Object.hasOwn(object, key)) continue
    parts[key] = (key === 'hashes' ? oneHash(object[key]) : object[key]) as Json
  }
  if (Object.keys(parts).length === 0) return undefined
  const name = canonical(parts)
  if (name === undefined) return undefined
  const hash = sha1(join([NAMESPACE, utf8(name)])).slice(0, 16)
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const digits = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const cuts = [0, 8, 12, 16, 20, 32]
  return `${type}--${cuts
    .slice(1)
    .map((end, i) => digits.slice(cuts[i], end))
    .join('-')}`
}

/** One hash stands for all, in this order, so that knowing more hashes does not change the identifier. */
function oneHash(value: unknown): unknown {
  if (!isObject(value)) return value
  const key = PREFERRED_HASHES.find((each) => Object.hasOwn(value, each)) ?? Object.keys(value).sort()[0]
  return key === undefined ? value : { [key]: value[key] }
}

/** Infinity, which `1e999` is read as, has no JSON; nor has what is nested too deeply. */
function canonical(parts: Json): string | undefined {
  try {
    return canonicalJson(parts)
  } catch {
    return undefined
  }
}
