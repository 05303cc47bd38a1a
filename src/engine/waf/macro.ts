import { ConstructError } from './error.ts'
import { VARIABLES, type Variable } from './request.ts'

/** `+%{tx.critical}` cut into literal text and references. */
export type Template = readonly (string | Reference)[]
export type Reference =
  | { readonly from: 'tx'; readonly key: string }
  | { readonly from: 'match' }
  | { readonly from: 'match-name' }
  | { readonly from: Variable; readonly key: string | undefined }

const isVariable = (name: string): name is Variable => (VARIABLES as readonly string[]).includes(name)

/** Text with %{…} → template. Throws `ConstructError` for a macro that is not there. */
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
  const head = (dot < 0 ? name : name.slice(0, dot)).toUpperCase()
  const key = dot < 0 ? undefined : name.slice(dot + 1).toLowerCase()
  if (head === 'TX' && key !== undefined) return { from: 'tx', key }
  if (head === 'MATCHED_VAR') return { from: 'match' }
  if (head === 'MATCHED_VAR_NAME') return { from: 'match-name' }
  if (isVariable(head)) return { from: head, key }
  throw new ConstructError(`macro %{${name}} is not supported`)
}

/** The text of a template without references, undefined when it has some. */
export const literalOf = (template: Template): string | undefined =>
  template.every((part) => typeof part === 'string') ? template.join('') : undefined
