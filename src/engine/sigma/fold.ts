const ASCII = /^[\0-\x7f]*$/

/**
 * Unicode simple case folding, one character for one character, so that lengths and `?` stay true. Values are compared
 * without case unless `cased` (rules specification, Detection: General).
 */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  let out = ''
  for (const char of text) out += foldOne(char)
  return out
}

function foldOne(char: string): string {
  // The dotless i is folded in Turkic languages only (CaseFolding.txt, status T).
  if (char === 'ı') return char
  const upper = char.toUpperCase()
  const lower = (isOne(upper) ? upper : char).toLowerCase()
  return isOne(lower) ? lower : char
}

const isOne = (text: string): boolean => text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff)
