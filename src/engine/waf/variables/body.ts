import { toLatin1 } from '../../bytes/latin1.ts'
import { parseJson } from '../bodies/json.ts'
import { parseMultipart } from '../bodies/multipart.ts'
import { parseUrlencoded } from '../bodies/urlencoded.ts'
import { parseXml } from '../bodies/xml.ts'
import type { BodyProcessor, Reading } from '../plan.ts'
import type { RequestHead } from '../verdict.ts'
import { hasBrokenEscape, withArguments, withError } from './arguments.ts'
import { entry, one, type Collections } from './entry.ts'
import { headerOf } from './head.ts'
import { multipartVariables } from './multipart.ts'
import { readBodyStrictly } from './strict.ts'

export type BodyTask = {
  readonly head: RequestHead
  readonly reading: Reading
  /** What a rule has chosen or the content type says; undefined when nothing takes the body. */
  readonly processor: BodyProcessor | undefined
  /** ctl:forceRequestBodyVariable. */
  readonly force: boolean
}

/**
 * Adds what the body holds, read by the chosen processor. REQUEST_BODY is there unless the body is XML or multipart that could be read, and
 * then when forced: CRS is written for that (ModSecurity v3 always fills it, v2 for forms and JSON). REQBODY_ERROR is 1 for a body its processor
 * cannot read; its raw text is all there is to look at then, as in ModSecurity v3. Never throws.
 */
export function readBody(task: BodyTask, before: Collections, body: Uint8Array): Collections {
  if (task.reading.bodies === 'strict') return readBodyStrictly(task.head, before, body)
  const { processor, reading, head } = task
  const text = toLatin1(body)
  const processed = { ...before, REQBODY_PROCESSOR: one(processor ?? '') }
  if (body.length === 0 && processor !== 'MULTIPART') return processed
  const length = String(body.length)
  const isRaw = body.length > 0 && (task.force || (processor !== 'XML' && processor !== 'MULTIPART'))
  const raw = { ...processed, REQUEST_BODY: isRaw ? one(text) : [], REQUEST_BODY_LENGTH: one(length) }
  const unread = (error: string | undefined) => (error === undefined ? raw : { ...raw, REQUEST_BODY: one(text) })
  switch (processor) {
    case 'URLENCODED': {
      const { pairs, error } = parseUrlencoded(text, reading.argumentSeparator, reading.argumentsLimit)
      const broken = hasBrokenEscape(text) ? { URLENCODED_ERROR: one('1') } : {}
      return withArguments({ ...raw, ...broken }, pairs, error)
    }
    case 'JSON': {
      const { pairs, error } = parseJson(text, reading.jsonDepthLimit, reading.argumentsLimit)
      return withArguments(raw, pairs, error)
    }
    case 'XML': {
      const { text: content, attributes, error } = parseXml(text)
      const found = [entry('/*', content), ...attributes.map((value) => entry('//@*', value))]
      return withError({ ...unread(error), XML: found }, error)
    }
    case 'MULTIPART': {
      const parsed = parseMultipart(headerOf(head.headers, 'content-type'), text, reading.uploadFileLimit)
      return withArguments({ ...unread(parsed.error), ...multipartVariables(parsed) }, parsed.pairs, parsed.error)
    }
    default:
      return raw
  }
}
