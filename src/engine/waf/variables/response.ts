import { toLatin1 } from '../../bytes/latin1.ts'
import type { ResponseHead } from '../verdict.ts'
import { keyed, namesOf, one, type Collections } from './entry.ts'
import { headerOf } from './head.ts'

/** The media type without parameters, as RESPONSE_CONTENT_TYPE has it. */
export const responseMedia = ({ headers }: ResponseHead): string =>
  headerOf(headers, 'content-type').split(';', 1)[0]!.trim()

/** Adds the variables of phase 3. */
export function readResponseHead(before: Collections, head: ResponseHead): Collections {
  return {
    ...before,
    RESPONSE_HEADERS: keyed(head.headers),
    RESPONSE_HEADERS_NAMES: namesOf(head.headers),
    RESPONSE_STATUS: one(String(head.status)),
    RESPONSE_PROTOCOL: one(head.protocol),
    RESPONSE_CONTENT_TYPE: one(responseMedia(head)),
    STATUS_LINE: one(`${head.protocol} ${head.status}`),
  }
}

/** Adds the variables of phase 4; `isCut` when the body went on past the limit. */
export function readResponseBody(before: Collections, body: Uint8Array, limit: number): Collections {
  const isCut = body.length > limit
  const held = isCut ? body.subarray(0, limit) : body
  return {
    ...before,
    RESPONSE_BODY: held.length === 0 ? [] : one(toLatin1(held)),
    RESPONSE_CONTENT_LENGTH: one(String(held.length)),
    OUTBOUND_DATA_ERROR: one(isCut ? '1' : '0'),
  }
}
