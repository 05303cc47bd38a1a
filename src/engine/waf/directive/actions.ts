import { ConstructError } from '../error.ts'

/** One action as written: the name in lower case, the value without its quotes. */
export type Written = { readonly name: string; readonly value: string | undefined }

/** `id:1,msg:'a, b',setvar:tx.a='x'` → name and value of each; `\'` for a quote inside quotes. Throws `ConstructError`. */
export function splitActions(text: string): Written[] {
  const out: Written[] = []
  let at = 0
  while (at < text.length) {
    const from = at
    const name = /\s*([A-Za-z]+)\s*/y
    name.lastIndex = at
    const found = name.exec(text)
    if (found === null) throw new ConstructError(`action not understood: ${text.slice(from, from + 40)}`)
    at = name.lastIndex
    let value: string | undefined
    if (text[at] === ':') [value, at] = valueAt(text, at + 1)
    if (at < text.length && text[at] !== ',')
      throw new ConstructError(`action not understood: ${text.slice(from, from + 40)}`)
    at++
    out.push({ name: found[1]!.toLowerCase(), value })
  }
  return out
}

/** The value from `at` to the next comma outside quotes, and where that is. */
function valueAt(text: string, from: number): [string, number] {
  let out = ''
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at++
  for (; at < text.length && text[at] !== ','; at++) {
    if (text[at] !== "'") {
      out += text[at]
      continue
    }
    for (at++; text[at] !== "'"; at++) {
      if (at >= text.length) throw new ConstructError(`a quote is not closed: ${text.slice(from, from + 40)}`)
      if (text[at] === '\\' && text[at + 1] === "'") at++
      out += text[at]
    }
  }
  return [out.trim(), at]
}
