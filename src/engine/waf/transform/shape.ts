import { utf8SequenceAt } from '../../bytes/latin1.ts'

const SPACE = '[\\t-\\r ]'

/** ASCII letters only: bytes above 0x7F belong to UTF-8 sequences. */
export const lowercase = (text: string): string =>
  /[\x80-\xff]/.test(text) ? text.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : text.toLowerCase()
export const uppercase = (text: string): string => text.replace(/[a-z]+/g, (run) => run.toUpperCase())
export const removeNulls = (text: string): string => (text.includes('\0') ? text.replaceAll('\0', '') : text)
export const replaceNulls = (text: string): string => text.replaceAll('\0', ' ')
// 0xA0 counts as white space here, as in ModSecurity: never use these two before a rule that reads UTF-8 letters.
export const compressWhitespace = (text: string): string => text.replace(/[\t-\r \xa0]+/g, ' ')
export const removeWhitespace = (text: string): string => text.replace(/[\t-\r \xa0]+/g, '')
const LEADING = new RegExp(`^${SPACE}+`)
export const trimLeft = (text: string): string => text.replace(LEADING, '')
export function trimRight(text: string): string {
  let end = text.length
  while (end > 0 && ' \t\n\v\f\r'.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}
export const trim = (text: string): string => trimLeft(trimRight(text))
export const length = (text: string): string => String(text.length)

/** C comments become one space each, also one that never ends. */
export function replaceComments(text: string): string {
  let out = ''
  for (let at = 0; ;) {
    const start = text.indexOf('/*', at)
    if (start < 0) return out + text.slice(at)
    out += `${text.slice(at, start)} `
    const end = text.indexOf('*/', start + 2)
    if (end < 0) return out
    at = end + 2
  }
}

/**
 * C and HTML comments go; `--` and `#` cut the rest. The sign right after a comment is copied unseen, a NUL at the very end:
 * ModSecurity does so and its vectors demand it. Use replaceComments in new rules.
 */
export function removeComments(text: string): string {
  let out = ''
  let inside = false
  for (let at = 0; at < text.length;) {
    if (!inside) {
      if (text.startsWith('/*', at)) [inside, at] = [true, at + 2]
      else if (text.startsWith('<!--', at)) [inside, at] = [true, at + 4]
      else if (text.startsWith('--', at) || text[at] === '#') break
      else out += text[at++]
      continue
    }
    const end = text.startsWith('*/', at) ? 2 : text.startsWith('-->', at) ? 3 : 0
    if (end === 0) at++
    else {
      inside = false
      out += text[at + end] ?? '\0'
      at += end + 1
    }
  }
  return inside ? `${out} ` : out
}

/** Only the comment signs go, what they held stays. */
export const removeCommentsChar = (text: string): string => text.replace(/\/\*|\*\/|<!--|-->|--|#/g, '')

/** `a//b/./c/../d` → `a/b/d`; leading `..` of a relative path stay. */
export function normalizePath(text: string): string {
  if (text === '') return ''
  const rooted = text.startsWith('/')
  const out: string[] = []
  const parts = text.split('/')
  for (const part of parts) {
    if (part === '' || part === '.') continue
    if (part !== '..') out.push(part)
    else if (out.length > 0 && out.at(-1) !== '..') out.pop()
    else if (!rooted) out.push('..')
  }
  const body = out.join('/')
  const slash = parts.at(-1) === '' && body !== '' ? '/' : ''
  return (rooted ? '/' : '') + body + slash
}

export const normalizePathWin = (text: string): string => normalizePath(text.replaceAll('\\', '/'))

/** What a shell would not mind goes: \ " ' ^; `,` and `;` and runs of white space → one space; none before / or (; lower case. */
export const cmdLine = (text: string): string =>
  lowercase(
    text
      .replace(/[\\"'^]/g, '')
      .replace(/[,;\t-\r ]+/g, ' ')
      .replace(/ (?=[/(])/g, ''),
  )

/** Well-formed sequences above ASCII become %uHHHH; everything else stays. */
export function utf8toUnicode(text: string): string {
  let out = ''
  for (let at = 0; at < text.length;) {
    const size = utf8SequenceAt(text, at)
    if (size < 2) {
      out += text[at++]
      continue
    }
    let point = text.charCodeAt(at) & (0xff >> (size + 1))
    for (let i = 1; i < size; i++) point = point * 64 + (text.charCodeAt(at + i) & 0x3f)
    out += `%u${point.toString(16).padStart(4, '0')}`
    at += size
  }
  return out
}

/** Everything but ASCII letters, digits and `*` becomes %hh; a space becomes +. */
export const urlEncode = (text: string): string =>
  text.replace(/[^A-Za-z0-9*]/g, (sign) =>
    sign === ' ' ? '+' : `%${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
export const hexEncode = (text: string): string =>
  text.replace(/[^]/g, (sign) => sign.charCodeAt(0).toString(16).padStart(2, '0'))
export const base64Encode = (text: string): string => btoa(text)

/** A name as PHP would make its variable of it: blanks and dots become `_`, what follows the last index goes. */
export function phpArgsNames(text: string): string {
  const name = text.replace(/^ +/, '')
  const open = name.indexOf('[')
  if (open < 0) return underscored(name)
  if (open === 0) return ''
  let out = underscored(name.slice(0, open))
  for (let at = open; name[at] === '[';) {
    const from = at + 1 + /^\s*/.exec(name.slice(at + 1))![0].length
    const end = name.indexOf(']', from)
    if (end < 0) return at === open ? `${out}_${name.slice(at + 1)}` : out
    out += `[${name.slice(from, end)}]`
    at = end + 1
  }
  return out
}

const underscored = (text: string): string => text.replace(/[ .]/g, '_')
