import { hexByteAt } from '../transform/decode.ts'
import type { Pair } from '../bodies/urlencoded.ts'
import { keyed, namesOf, one, type Collections, type Values } from './entry.ts'

/** Bytes of names and values together. */
export const sizeOf = (values: Values): number =>
  values.reduce((sum, { key, value }) => sum + key.length + value.length, 0)

/** Whether a percent sign stands without two hexadecimal digits. */
export function hasBrokenEscape(text: string): boolean {
  for (let at = text.indexOf('%'); at >= 0; at = text.indexOf('%', at + 1)) if (hexByteAt(text, at + 1) < 0) return true
  return false
}

/** ARGS and its kin with the pairs of a body added. */
export function withArguments(before: Collections, pairs: readonly Pair[], error: string | undefined): Collections {
  const values = keyed(pairs)
  const names = namesOf(pairs)
  const args = [...before.ARGS_GET, ...values]
  return withError(
    {
      ...before,
      ARGS_POST: values,
      ARGS_POST_NAMES: names,
      ARGS: args,
      ARGS_NAMES: [...before.ARGS_GET_NAMES, ...names],
      ARGS_COMBINED_SIZE: one(String(sizeOf(args))),
    },
    error,
  )
}

export function withError(before: Collections, error: string | undefined): Collections {
  if (error === undefined) return before
  return {
    ...before,
    REQBODY_ERROR: one('1'),
    REQBODY_ERROR_MSG: one(error),
    REQBODY_PROCESSOR_ERROR: one('1'),
    REQBODY_PROCESSOR_ERROR_MSG: one(error),
  }
}
