export type Disposition = {
  name: string
  file: string
  hasFile: boolean
  /** A single quote as or in a quoted string: some applications take it for one. */
  oddQuoting: boolean
  fault: string | undefined
}

const TOKEN = /[^\x00-\x20\x7f-\xff()<>@,;:\\"/[\]?=]*/y

/** `form-data; name="a"; filename="b"` (RFC 7578 §4.2) read as ModSecurity reads it, backslash escapes and single quotes too. */
export function readDisposition(text: string): Disposition {
  const out: Disposition = { name: '', file: '', hasFile: false, oddQuoting: false, fault: undefined }
  const fail = (fault: string): Disposition => ({ ...out, fault })
  if (!text.startsWith('form-data')) return fail('a part is not form-data')
  let at = skipBlanks(text, 9)
  if (at >= text.length) return out
  if (text[at] !== ';') return fail('text after form-data')
  for (at++; at < text.length;) {
    at = skipBlanks(text, at)
    const name = /[^=\t ]*/y
    name.lastIndex = at
    const key = name.exec(text)![0]
    at = skipBlanks(text, at + key.length)
    if (text[at] !== '=') return fail('a disposition parameter has no value')
    at = skipBlanks(text, at + 1)
    if (at >= text.length) return fail('a disposition parameter has no value')
    const quote = text[at] === '"' || text[at] === "'" ? text[at]! : undefined
    let value: string
    if (quote === undefined) {
      TOKEN.lastIndex = at
      value = TOKEN.exec(text)![0]
      at += value.length
    } else {
      const found = quotedAt(text, at + 1, quote)
      if (found === undefined) return fail('a disposition parameter ends in a backslash')
      ;[value, at] = found
    }
    if (quote === "'" || value.includes("'")) out.oddQuoting = true
    if (key === 'name' && out.name === '') out.name = value
    else if (key === 'filename' && out.file === '') [out.file, out.hasFile] = [value, value !== '']
    else return fail('a disposition parameter is doubled or unknown')
    at = skipBlanks(text, at)
    if (at >= text.length) return out
    if (text[at] !== ';') {
      if (text[at - 1] === "'" || text[at - 1] === '"') out.oddQuoting = true
      return fail('text after a disposition parameter')
    }
    at++
    if (skipBlanks(text, at) >= text.length) return fail('a disposition parameter is missing')
  }
  return out
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}

/** The quoted string up to its quote or the end of the text, and where it ends; only the quote and the backslash can be escaped. */
function quotedAt(text: string, from: number, quote: string): [string, number] | undefined {
  let out = ''
  let at = from
  for (; at < text.length && text[at] !== quote; at++) {
    if (text[at] === '\\') {
      if (at + 1 >= text.length) return undefined
      if (text[at + 1] === quote || text[at + 1] === '\\') at++
    }
    out += text[at]
  }
  return [out, Math.min(at + 1, text.length)]
}
