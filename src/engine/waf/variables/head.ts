import { parseCookies, parseUrlencoded } from '../bodies/urlencoded.ts'
import { mediaOf } from '../bodies/kind.ts'
import type { Reading } from '../plan.ts'
import { urlDecode } from '../transform/decode.ts'
import type { RequestHead } from '../verdict.ts'
import { hasBrokenEscape, sizeOf } from './arguments.ts'
import { emptyCollections, entry, keyed, namesOf, one, type Collections } from './entry.ts'

/** The first header of that name (lower case), empty when there is none. */
export const headerOf = (headers: RequestHead['headers'], name: string): string =>
  headers.find(([other]) => other.toLowerCase() === name)?.[1] ?? ''

/** The variables of phase 1. Never throws, whatever the bytes. */
export function readHead(head: RequestHead, reading: Reading): Collections {
  const { method, target, httpVersion, headers } = head
  const mark = target.indexOf('?')
  const path = urlDecodePath(mark < 0 ? target : target.slice(0, mark))
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const get = parseUrlencoded(query, reading.argumentSeparator, reading.argumentsLimit)
  const cookies = headers
    .filter(([name]) => name.toLowerCase() === 'cookie')
    .flatMap(([, value]) => parseCookies(value))
  const args = keyed(get.pairs)
  const names = namesOf(get.pairs)
  const protocol = `HTTP/${httpVersion}`
  const error = get.error ?? ''
  return {
    ...emptyCollections(),
    ARGS: args,
    ARGS_NAMES: names,
    ARGS_GET: args,
    ARGS_GET_NAMES: names,
    ARGS_COMBINED_SIZE: one(String(sizeOf(args))),
    AUTH_TYPE: one(headerOf(headers, 'authorization').split(' ', 1)[0]!),
    FILES_COMBINED_SIZE: one('0'),
    INBOUND_DATA_ERROR: one('0'),
    OUTBOUND_DATA_ERROR: one('0'),
    PATH_INFO: one(path),
    QUERY_STRING: one(query),
    REMOTE_ADDR: one(head.clientAddress),
    REMOTE_HOST: one(head.clientAddress),
    REMOTE_PORT: one(String(head.clientPort)),
    REMOTE_USER: one(''),
    REQBODY_ERROR: one(error === '' ? '0' : '1'),
    REQBODY_ERROR_MSG: one(error),
    REQBODY_PROCESSOR: one(PROCESSORS.get(mediaOf(headerOf(headers, 'content-type'))) ?? ''),
    REQBODY_PROCESSOR_ERROR: one('0'),
    REQBODY_PROCESSOR_ERROR_MSG: one(''),
    REQUEST_BASENAME: one(path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)),
    REQUEST_BODY_LENGTH: one('0'),
    REQUEST_COOKIES: keyed(cookies),
    REQUEST_COOKIES_NAMES: namesOf(cookies),
    REQUEST_FILENAME: one(path),
    REQUEST_HEADERS: keyed(headers),
    REQUEST_HEADERS_NAMES: namesOf(headers),
    REQUEST_LINE: one(`${method} ${target} ${protocol}`),
    REQUEST_METHOD: one(method),
    REQUEST_PROTOCOL: one(protocol),
    REQUEST_URI: one(uriOf(urlDecodePath(target))),
    REQUEST_URI_RAW: one(target),
    SERVER_ADDR: one(head.serverAddress ?? ''),
    SERVER_NAME: one(headerOf(headers, 'host').split(':', 1)[0]!),
    SERVER_PORT: head.serverPort === undefined ? [] : one(String(head.serverPort)),
    UNIQUE_ID: [entry('', head.uniqueId ?? '')],
    URLENCODED_ERROR: one(hasBrokenEscape(query) ? '1' : '0'),
  }
}

const PROCESSORS: ReadonlyMap<string, string> = new Map([
  ['application/x-www-form-urlencoded', 'URLENCODED'],
  ['multipart/form-data', 'MULTIPART'],
])

// A plus in a path is a plus.
const urlDecodePath = (path: string): string => (path.includes('%') ? urlDecode(path.replaceAll('+', '%2B')) : path)

// `http://host/path` of an absolute request target: only the path.
function uriOf(target: string): string {
  if (target.startsWith('/')) return target
  const path = /^[^/:]*:\/\/[^/]*(\/.*)$/s.exec(target)
  return path === null ? target : path[1]!
}
