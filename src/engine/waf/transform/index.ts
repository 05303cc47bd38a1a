import { ConstructError } from '../error.ts'
import * as decode from './decode.ts'
import * as digest from './digest.ts'
import * as parity from './parity.ts'
import * as shape from './shape.ts'

/** latin1 → latin1. Never throws, whatever the bytes. */
export type Transformation = (text: string) => string

const ALL: readonly (readonly [string, Transformation])[] = [
  ...Object.entries(decode).filter(([name]) => name !== 'hexByteAt'),
  ...Object.entries(shape),
  ...Object.entries(digest),
  ...Object.entries(parity),
  ['normalisePath', shape.normalizePath],
  ['normalisePathWin', shape.normalizePathWin],
] as readonly (readonly [string, Transformation])[]
const BY_NAME = new Map(ALL.map(([name, run]) => [name.toLowerCase(), run]))

/** The transformation of that SecLang name (any case). Throws `ConstructError` for one that is not there. */
export function transformationOf(name: string): Transformation {
  const found = BY_NAME.get(name.toLowerCase())
  if (found === undefined) throw new ConstructError(`transformation t:${name} is not supported`)
  return found
}
