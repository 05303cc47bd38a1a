import { newFlags, type MultipartFlags } from './multipart-flags.ts'

export type Boundary = { readonly boundary: string; readonly flags: MultipartFlags; readonly error: string | undefined }

const VALID = /^(?:[0-9A-Za-z'()+_,\-./:=?]| (?!$))+$/

/** The boundary a Content-Type names, with what is odd about it (RFC 2046 §5.1.1; the flags as ModSecurity sets them). */
export function readBoundary(contentType: string): Boundary {
  const flags = newFlags()
  const fail = (error: string): Boundary => {
    flags.error = true
    return { boundary: '', flags, error }
  }
  if (contentType.length > 1024) return fail('the content type is too long')
  if (!/^multipart\/form-data/i.test(contentType)) return fail('not multipart/form-data')
  if (countOf(contentType) > 1) return fail('several boundary parameters')
  const at = contentType.indexOf('boundary')
  if (at < 0) return fail(countOf(contentType) > 0 ? 'boundary is not written in lower case' : 'no boundary is named')
  const before = contentType.slice(19, at).replace(/\s/g, '')
  if (before !== '' && before !== ';') return fail('text before the boundary parameter')
  flags.missingSemicolon = before === ''
  const equals = contentType.indexOf('=', at + 8)
  if (equals < 0) return fail('the boundary parameter has no value')
  const between = contentType.slice(at + 8, equals)
  if (/\S/.test(between)) return fail('the boundary parameter has another name')
  const value = contentType.slice(equals + 1)
  flags.boundaryWhitespace = between !== '' || /^\s/.test(value)
  const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"')
  if (!quoted && (value.startsWith('"') || (value.length >= 2 && value.endsWith('"'))))
    return fail('the boundary is quoted at one end')
  flags.boundaryQuoted = quoted
  const boundary = quoted ? value.slice(1, -1) : value
  if (boundary === '') return fail('the boundary is empty')
  if (countOf(boundary) > 0 || (/boundary/i.test(boundary) && boundary.includes('=')))
    return fail('a boundary inside the boundary')
  if (!VALID.test(boundary)) return fail('the boundary holds characters it must not')
  return { boundary, flags, error: undefined }
}

/** How often the word `boundary` is there with an equals sign somewhere after it. */
function countOf(text: string): number {
  const last = text.lastIndexOf('=')
  return [...text.toLowerCase().matchAll(/boundary/g)].filter(({ index }) => index + 8 <= last).length
}
