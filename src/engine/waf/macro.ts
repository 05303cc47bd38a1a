import { ConstructError } from './error.ts'
import { isVariable, type Variable } from './variables/names.ts'

/** `+%{tx.critical}` cut into literal text and references. */
export type Template = readonly (string | Reference)[]
export type Reference = { readonly from: Variable; readonly key: string | undefined }

/** Text with %{…} → template; what stands in it names a variable in any case, its key after the first dot or colon. Throws `ConstructError`. */
export function parseTemplate(text: string): Template {
  const out: (string | Reference)[] = []
  let at = 0
  for (const found of text.matchAll(/%\{([^}]*)\}/g)) {
    if (found.index > at) out.push(text.slice(at, found.index))
    out.push(reference(found[1]!))
    at = found.index + found[0].length
  }
  if (at < text.length) out.push(text.slice(at))
  return out
}

function reference(name: string): Reference {
  const dot = name.search(/[.:]/)
  const from = (dot < 0 ? name : name.slice(0, dot)).toUpperCase()
  if (!isVariable(from)) throw new ConstructError(`macro %{${name}} is not supported`)
  return { from, key: dot < 0 ? undefined : name.slice(dot + 1).toLowerCase() }
}

/** The text of a template without references, undefined when it has some. */
export const literalOf = (template: Template): string | undefined =>
  template.every((part) => typeof part === 'string') ? template.join('') : undefined
