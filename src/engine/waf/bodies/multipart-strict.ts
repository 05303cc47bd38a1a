import { MAX_PAIRS, type Pair } from './urlencoded.ts'

export type StrictMultipart = {
  readonly pairs: readonly Pair[]
  /** Field name and file name of each part that is a file. */
  readonly files: readonly Pair[]
  readonly error: string | undefined
}

const MAX_PART_HEADERS = 2048
/** All fields that are no files, together: they are looked at by every rule. */
const MAX_FIELD_BYTES = 262_144
const BOUNDARY =
  /^multipart\/form-data\s*;\s*boundary=(?:"([0-9A-Za-z'()+_,\-./:=? ]{1,70})"|([0-9A-Za-z'+_\-.]{1,70}))\s*$/i
// name and filename as browsers send them (HTML standard): always quoted, `"` and line ends as %22, %0D, %0A.
const DISPOSITION = /^form-data((?:\s*;\s*[a-z*]+=(?:"(?:[^"\\\r\n]|\\[^\r\n])*"|[^\s;"=]+))+)\s*$/i
const PARAMETER = /;\s*([a-z*]+)=(?:"((?:[^"\\\r\n]|\\[^\r\n])*)"|([^\s;"=]+))/gi

/**
 * RFC 7578 multipart/form-data (latin1), strictly: CRLF line ends, one boundary, known part headers, one name each, nothing before or
 * after. What two parsers could read differently is an error, because the application's parser is not ours. Never throws.
 */
export function parseMultipartStrictly(contentType: string, text: string): StrictMultipart {
  const pairs: Pair[] = []
  const files: Pair[] = []
  const done = (error?: string): StrictMultipart => ({ pairs, files, error })
  const declared = BOUNDARY.exec(contentType)
  const boundary = declared?.[1] ?? declared?.[2]
  if (boundary === undefined || boundary.endsWith(' ')) return done('boundary missing or strange')
  const delimiter = `--${boundary}`
  if (!text.startsWith(delimiter)) return done('does not begin with its boundary')
  let at = delimiter.length
  let fieldBytes = 0
  while (text.slice(at, at + 2) !== '--') {
    if (text.slice(at, at + 2) !== '\r\n') return done('boundary not followed by a line end')
    const bodyAt = text.indexOf('\r\n\r\n', at)
    if (bodyAt < 0 || bodyAt - at > MAX_PART_HEADERS) return done('part headers not ended')
    const end = text.indexOf(`\r\n${delimiter}`, bodyAt + 2)
    if (end < 0) return done('last boundary missing')
    const part = partHead(text.slice(at + 2, bodyAt))
    if (typeof part === 'string') return done(part)
    if (pairs.length + files.length >= MAX_PAIRS) return done('too many parts')
    if (part.file === undefined) {
      fieldBytes += end - bodyAt - 4
      if (fieldBytes > MAX_FIELD_BYTES) return done('fields too long')
      pairs.push([part.name, text.slice(bodyAt + 4, end)])
    } else files.push([part.name, part.file])
    at = end + 2 + delimiter.length
  }
  const rest = text.slice(at + 2)
  return rest === '' || rest === '\r\n' ? done() : done('text after the last boundary')
}

/** Head of one part, or what is wrong with it. */
function partHead(head: string): { name: string; file: string | undefined } | string {
  let name: string | undefined
  let file: string | undefined
  for (const line of head.split('\r\n')) {
    if (/[\0\r\n]/.test(line) || /^\s/.test(line)) return 'broken part header'
    const colon = line.indexOf(':')
    const field = line.slice(0, Math.max(colon, 0)).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (field === 'content-type') {
      if (/charset\s*=\s*"?(?!utf-8|us-ascii|iso-8859-1)/i.test(value)) return 'part in another character set'
    } else if (field !== 'content-disposition') return 'unknown part header'
    else if (name !== undefined) return 'two dispositions'
    else {
      const parameters = DISPOSITION.exec(value)?.[1]
      if (parameters === undefined) return 'disposition not understood'
      for (const [, key, quoted, bare] of parameters.matchAll(PARAMETER)) {
        const text = quoted ?? bare ?? ''
        if (key === 'name' && name === undefined) name = text
        else if (key === 'filename' && file === undefined) file = text
        else return 'disposition parameter doubled or unknown'
      }
    }
  }
  return name === undefined ? 'part without a name' : { name, file }
}
