import { ConstructError } from '../error.ts'
import type { Selector, Target } from '../plan.ts'
import { compilePattern } from '../operator/rx.ts'
import { isVariable } from '../variables/names.ts'

const HEAD = /([!&]?)\s*([A-Za-z_0-9]+)/y

/** `ARGS|!ARGS:token|&TX:'/^a|b$/'|XML:/*` → targets, exclusions among them. Throws `ConstructError`. */
export function readTargets(text: string): Target[] {
  const out: Target[] = []
  let at = 0
  while (at < text.length) {
    HEAD.lastIndex = at
    const found = HEAD.exec(text)
    if (found === null) throw new ConstructError(`'${text.slice(at, at + 40)}' is not a variable`)
    at = HEAD.lastIndex
    const collection = found[2]!.toUpperCase()
    if (!isVariable(collection)) throw new ConstructError(`variable ${collection} is not supported`)
    let selector: Selector | undefined
    if (text[at] === ':' || text[at] === '.') {
      const [written, end] = selectorAt(text, at + 1, collection === 'XML')
      selector = collection === 'XML' ? xpathOf(written) : selectorOf(written)
      at = end
    } else if (collection === 'XML') throw new ConstructError('XML needs an XPath: XML:/* or XML://@*')
    out.push({ collection, selector, count: found[1] === '&', excluded: found[1] === '!' })
    while (text[at] === ' ') at++
    if (at < text.length && text[at] !== '|' && text[at] !== ',')
      throw new ConstructError(`'${text.slice(at, at + 40)}' after a variable`)
    at++
  }
  if (out.length === 0) throw new ConstructError('no variable is named')
  return out
}

/** One target, as the controls and updates write it: `ARGS:password`. */
export function readTarget(text: string): Target {
  const [target, ...more] = readTargets(text)
  if (target === undefined || more.length > 0) throw new ConstructError(`'${text}' is not one variable`)
  return target
}

function selectorAt(text: string, from: number, isXml: boolean): [string, number] {
  const quoted = text[from] === "'"
  const start = quoted ? from + 1 : from
  if (!isXml && text[start] === '/') {
    for (let at = start + 1; at < text.length; at++) {
      if (text[at] === '\\') at++
      else if (text[at] === '/') {
        const end = at + 1
        if (quoted && text[end] !== "'") continue
        if (!quoted && end < text.length && !'|, '.includes(text[end]!)) continue
        return [text.slice(start, end), quoted ? end + 1 : end]
      }
    }
    throw new ConstructError(`the pattern ${text.slice(from, from + 40)} is not closed`)
  }
  if (quoted) {
    const end = text.indexOf("'", start)
    if (end < 0) throw new ConstructError('a quoted name is not closed')
    return [text.slice(start, end), end + 1]
  }
  const rest = /[^|]*/y
  rest.lastIndex = from
  const found = rest.exec(text)![0].trimEnd()
  return [found, from + found.length]
}

function selectorOf(written: string): Selector {
  if (written === '') throw new ConstructError('a name is missing after the colon')
  if (!/^\/.*\/$/s.test(written) || written.length < 3) return { name: written.toLowerCase() }
  const pattern = compilePattern(`(?i)${written.slice(1, -1).replaceAll('\\/', '/')}`)
  return { pattern, source: written }
}

function xpathOf(written: string): Selector {
  if (written !== '/*' && written !== '//@*')
    throw new ConstructError(`XPath ${written} is not supported: /* and //@* are`)
  return { name: written }
}
