import type { ObjectPath, PathStep } from '../pattern/ast.ts'
import { MatchError } from './error.ts'
import { isObject, type Observation, type StixLike } from './observation.ts'

/** More values than this behind one path are refused rather than walked. */
const VALUES_LIMIT = 100_000

/**
 * The values a path leads to from one object, none when its type differs (STIX 2.1 §9.7). A key after a `_ref` or an
 * item of `_refs` goes on in the object referred to; `[*]` takes every item of a list, and every value of a dictionary
 * (`file:hashes[*]`); a negative or too large index leads nowhere.
 */
export function valuesAt(path: ObjectPath, root: StixLike, observation: Observation): readonly unknown[] {
  if (root['type'] !== path.objectType) return []
  let here: unknown[] = [root]
  let isRef = false
  for (const step of path.steps) {
    const next = new Set<unknown>()
    for (const value of here) {
      for (const found of take(step, isRef ? follow(value, observation) : value)) next.add(found)
      if (next.size > VALUES_LIMIT) throw new MatchError('match/too-complex', 'a path leads to too many values')
    }
    // `to_refs[*].value`: the step through the list keeps its name.
    if (step.kind === 'key') isRef = step.name.endsWith('_ref') || step.name.endsWith('_refs')
    here = [...next]
  }
  return here
}

const follow = (value: unknown, { byId }: Observation): unknown => (typeof value === 'string' ? byId.get(value) : value)

function take(step: PathStep, from: unknown): readonly unknown[] {
  if (Array.isArray(from)) {
    if (step.kind === 'any') return from
    return step.kind === 'index' && step.index in from && step.index >= 0 ? [from[step.index]] : []
  }
  if (!isObject(from)) return []
  if (step.kind === 'any') return Object.values(from)
  return step.kind === 'key' && Object.hasOwn(from, step.name) ? [from[step.name]] : []
}

/** How a JSON text at the end of this path is meant: `…_hex` and `…_bin` hold bytes. */
export function encodingOf(path: ObjectPath): 'hex' | 'binary' | undefined {
  const last = path.steps.findLast((step) => step.kind === 'key')
  if (last?.kind !== 'key') return undefined
  return last.name.endsWith('_hex') ? 'hex' : last.name.endsWith('_bin') ? 'binary' : undefined
}
