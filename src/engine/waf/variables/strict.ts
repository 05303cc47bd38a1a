import { toLatin1 } from '../../bytes/latin1.ts'
import { parseJson } from '../bodies/json.ts'
import { isFile, mediaOf, opensLikeJson } from '../bodies/kind.ts'
import { parseMultipartStrictly } from '../bodies/multipart-strict.ts'
import { parseUrlencoded } from '../bodies/urlencoded.ts'
import { parseXml } from '../bodies/xml.ts'
import type { RequestHead } from '../verdict.ts'
import { withArguments, withError } from './arguments.ts'
import { entry, keyed, namesOf, one, type Collections } from './entry.ts'
import { headerOf } from './head.ts'

/** RFC 8259 §8.1: whoever reads JSON may ignore a byte order mark, and most do. */
const withoutMark = (text: string): string => (text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text)

/**
 * `SecRequestBodyReading Strict`: by the content type. REQUEST_BODY is the raw text only when no processor took the body, and stays empty
 * for a file. A body that is JSON under another name also gives its values, because an application may read any body as JSON.
 * REQBODY_ERROR is 1 for a body its own type does not allow, also where ModSecurity would read on with a flag.
 */
export function readBodyStrictly(head: RequestHead, before: Collections, body: Uint8Array): Collections {
  if (body.length === 0) return before
  const type = headerOf(head.headers, 'content-type')
  const media = mediaOf(type)
  const sized = { ...before, REQUEST_BODY_LENGTH: one(String(body.length)) }
  if (isFile(type, body)) return sized
  const text = toLatin1(body)
  if (media === 'application/json' || media.endsWith('+json')) {
    const { pairs, error } = parseJson(withoutMark(text))
    return withArguments({ ...sized, REQBODY_PROCESSOR: one('JSON') }, pairs, error)
  }
  if (media === 'multipart/form-data') {
    const { pairs, files, error } = parseMultipartStrictly(type.trim(), text)
    return withArguments({ ...sized, FILES: keyed(files), FILES_NAMES: namesOf(files) }, pairs, error)
  }
  const hidden = opensLikeJson(body) ? parseJson(withoutMark(text)) : undefined
  const json = hidden?.error === undefined ? (hidden?.pairs ?? []) : []
  if (media === 'application/x-www-form-urlencoded') {
    const { pairs, error } = parseUrlencoded(text)
    return withArguments(sized, [...pairs, ...json], error)
  }
  const raw = { ...sized, REQUEST_BODY: one(text) }
  if (/^(?:application|text)\/xml$|\+xml$/.test(media)) {
    const { text: content, attributes, error } = parseXml(text)
    return withError(
      {
        ...raw,
        REQBODY_PROCESSOR: one('XML'),
        XML: [entry('/*', content), ...attributes.map((value) => entry('//@*', value))],
      },
      error,
    )
  }
  return json.length === 0 ? raw : withArguments({ ...raw, REQBODY_PROCESSOR: one('JSON') }, json, undefined)
}
