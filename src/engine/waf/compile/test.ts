import { ConstructError } from '../error.ts'
import { literalOf, parseTemplate } from '../macro.ts'
import { operatorOf, type OperatorFactory, type OperatorContext } from '../operator/index.ts'
import type { Test } from '../plan.ts'

/** `!@within %{tx.allowed_methods}`, `^a` (a pattern) → what a rule asks of each value. Throws `ConstructError`. */
export function testOf(text: string, context: OperatorContext): Test {
  const found = /^\s*(!?)\s*(?:@([A-Za-z0-9_]+)(?:\s+([^]*))?|([^@][^]*)?)$/.exec(text)
  if (found === null) throw new ConstructError(`operator not understood: ${text.slice(0, 40)}`)
  const name = (found[2] ?? 'rx').toLowerCase()
  const param = (found[2] === undefined ? (found[4] ?? '') : (found[3] ?? '')).trim()
  const make = operatorOf(found[2] ?? 'rx', context)
  // A pattern may hold %{ by itself; only what names a variable is a macro there.
  const template = param.includes('%{') && !FIXED.has(name) ? parseTemplate(param) : [param]
  const literal = literalOf(template)
  const negated = found[1] === '!'
  const made = literal === undefined ? { make: lenient(make), param: template } : make(literal)
  return { name, param, negated, run: negated ? withoutGroups(made) : made }
}

const FOUND = { groups: [] as readonly string[] }

/** Of what a negated rule is not true of, nothing is captured: a pattern need only be told whether it matches. */
function withoutGroups(run: Test['run']): Test['run'] {
  if (typeof run !== 'function' || run.pattern === undefined) return run
  const { pattern } = run
  return Object.assign((value: string) => (pattern.test(value) ? FOUND : undefined), { pattern })
}

/** Parameters of these are made ready once; a macro has no place in them. */
const FIXED: ReadonlySet<string> = new Set(['validatebyterange', 'pmfromfile', 'pmf', 'ipmatchfromfile', 'ipmatchf'])

/**
 * What a request makes of a parameter may be no pattern or list at all: then nothing matches, as in ModSecurity. Most requests make the
 * same of it, so the last is kept.
 */
function lenient(make: OperatorFactory): OperatorFactory {
  let last: { readonly param: string; readonly run: ReturnType<OperatorFactory> } | undefined
  return (param) => {
    if (last?.param !== param) {
      try {
        last = { param, run: make(param) }
      } catch (error) {
        if (!(error instanceof ConstructError)) throw error
        last = { param, run: () => undefined }
      }
    }
    return last.run
  }
}
