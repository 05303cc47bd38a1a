import { ConstructError, SecLangError } from '../error.ts'

/** Text is latin1: one character a byte of the file. */
export type RuleFile = { readonly name: string; readonly text: string }
/** One directive with its words, quotes taken off. */
export type Directive = {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly words: readonly string[]
}

/** Text of a rule file → its directives, in order: `#` comments, `\` at a line's end continues it. Throws `SecLangError`. */
export function readDirectives({ name, text }: RuleFile): Directive[] {
  const out: Directive[] = []
  let held = ''
  let heldLine = 0
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = held === '' ? raw.trim() : raw.trimStart()
    if (held === '' && (line === '' || line.startsWith('#'))) continue
    if (held === '') heldLine = index + 1
    if (line.endsWith('\\')) {
      held += line.slice(0, -1)
      // A continued line that is empty so far must still count as begun.
      if (held === '') held = ' '
      continue
    }
    out.push(asDirective(name, heldLine, (held + line).trim()))
    held = ''
  }
  if (held !== '') throw new SecLangError(name, heldLine, 'the file ends inside a continued line')
  return out
}

function asDirective(file: string, line: number, text: string): Directive {
  try {
    const [name = '', ...words] = splitWords(text)
    return { file, line, name, words }
  } catch (error) {
    throw error instanceof ConstructError ? new SecLangError(file, line, error.message) : error
  }
}

/** Parted by white space; a word in double quotes may hold anything, `\"` for a quote, other backslashes as they are. */
export function splitWords(text: string): string[] {
  const out: string[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at++
      continue
    }
    if (text[at] !== '"') {
      const end = bareWordEnd(text, at)
      out.push(text.slice(at, end))
      at = end
      continue
    }
    let word = ''
    for (at++; text[at] !== '"'; at++) {
      if (at >= text.length) throw new ConstructError('a quoted word is not closed')
      if (text[at] === '\\' && text[at + 1] === '"') at++
      word += text[at]
    }
    at++
    if (at < text.length && !/\s/.test(text[at]!)) throw new ConstructError('text right after a closing quote')
    out.push(word)
  }
  return out
}

// `ARGS:'/a b/'|TX:x`: a selector in single quotes may hold spaces.
function bareWordEnd(text: string, from: number): number {
  let quoted = false
  for (let at = from; at < text.length; at++) {
    if (text[at] === "'" && /[:|=']/.test(quoted ? "'" : (text[at - 1] ?? ''))) quoted = !quoted
    else if (!quoted && /\s/.test(text[at]!)) return at
  }
  return text.length
}
