import { toLatin1 } from '../bytes/latin1.ts'
import { parseJson } from './bodies/json.ts'
import { isFile, mediaOf, opensLikeJson } from './bodies/kind.ts'
import { parseMultipart } from './bodies/multipart.ts'
import { parseCookies, parseUrlencoded, type Pair } from './bodies/urlencoded.ts'
import type { Signs } from './regex/needs.ts'
import { urlDecode } from './transform/decode.ts'
import type { RequestHead } from './verdict.ts'

/** One value a rule can look at. `key` is empty for variables that are one value. */
export type Entry = {
  readonly key: string
  readonly value: string
  readonly transformed: (string | undefined)[]
  /** Signs of the text last asked about. */
  seen: { readonly text: string; readonly signs: Signs } | undefined
}
export type Values = readonly Entry[]

export const entry = (key: string, value: string): Entry => ({ key, value, transformed: [], seen: undefined })
const one = (value: string): Values => [entry('', value)]
const keyed = (pairs: readonly Pair[]): Values => pairs.map(([key, value]) => entry(key, value))
const namesOf = (pairs: readonly Pair[]): Values =>
  [...new Set(pairs.map(([key]) => key))].map((key) => entry(key, key))

/** Every variable of the subset, except TX and those of the match itself. A rule that names another is refused when compiled. */
export const VARIABLES = [
  'ARGS',
  'ARGS_NAMES',
  'ARGS_GET',
  'ARGS_GET_NAMES',
  'ARGS_POST',
  'ARGS_POST_NAMES',
  'REQUEST_HEADERS',
  'REQUEST_HEADERS_NAMES',
  'REQUEST_COOKIES',
  'REQUEST_COOKIES_NAMES',
  'REQUEST_URI',
  'REQUEST_URI_RAW',
  'REQUEST_FILENAME',
  'REQUEST_BASENAME',
  'REQUEST_METHOD',
  'REQUEST_PROTOCOL',
  'REQUEST_LINE',
  'QUERY_STRING',
  'REQUEST_BODY',
  'REQUEST_BODY_LENGTH',
  'FILES',
  'FILES_NAMES',
  'REMOTE_ADDR',
  'REMOTE_PORT',
  'REQBODY_ERROR',
  'REQBODY_ERROR_MSG',
  'REQBODY_PROCESSOR',
] as const
export type Variable = (typeof VARIABLES)[number]
export type Collections = Record<Variable, Values>

/** The variables of phase 1. Never throws, whatever the bytes. */
export function readHead(head: RequestHead): Collections {
  const mark = head.target.indexOf('?')
  const path = mark < 0 ? head.target : head.target.slice(0, mark)
  const query = mark < 0 ? '' : head.target.slice(mark + 1)
  const get = parseUrlencoded(query)
  const cookies = head.headers
    .filter(([name]) => name.toLowerCase() === 'cookie')
    .flatMap(([, value]) => parseCookies(value))
  const filename = urlDecodePath(path)
  const args = keyed(get.pairs)
  const names = namesOf(get.pairs)
  const none: Values = []
  return {
    ARGS: args,
    ARGS_NAMES: names,
    ARGS_GET: args,
    ARGS_GET_NAMES: names,
    ARGS_POST: none,
    ARGS_POST_NAMES: none,
    REQUEST_HEADERS: keyed(head.headers),
    REQUEST_HEADERS_NAMES: namesOf(head.headers),
    REQUEST_COOKIES: keyed(cookies),
    REQUEST_COOKIES_NAMES: namesOf(cookies),
    REQUEST_URI: one(query === '' ? filename : `${filename}?${query}`),
    REQUEST_URI_RAW: one(head.target),
    REQUEST_FILENAME: one(filename),
    REQUEST_BASENAME: one(filename.slice(filename.lastIndexOf('/') + 1)),
    REQUEST_METHOD: one(head.method),
    REQUEST_PROTOCOL: one(`HTTP/${head.httpVersion}`),
    REQUEST_LINE: one(`${head.method} ${head.target} HTTP/${head.httpVersion}`),
    QUERY_STRING: one(query),
    REQUEST_BODY: none,
    REQUEST_BODY_LENGTH: one('0'),
    FILES: none,
    FILES_NAMES: none,
    REMOTE_ADDR: one(head.clientAddress),
    REMOTE_PORT: one(String(head.clientPort)),
    REQBODY_ERROR: one(get.error === undefined ? '0' : '1'),
    REQBODY_ERROR_MSG: one(get.error ?? ''),
    REQBODY_PROCESSOR: one(''),
  }
}

// A plus in a path is a plus.
const urlDecodePath = (path: string): string => (path.includes('%') ? urlDecode(path.replaceAll('+', '%2B')) : path)

/**
 * Adds what the body holds, read by its content type. REQUEST_BODY is the raw text only when no processor took the body (ModSecurity also
 * fills it for forms; here their values are in ARGS already), and stays empty for a file. A body that is JSON under another name also
 * gives its values, because an application may read any body as JSON. REQBODY_ERROR is 1 for a body its own type does not allow.
 */
export function readBody(head: RequestHead, before: Collections, body: Uint8Array): Collections {
  if (body.length === 0) return before
  const type = head.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  const media = mediaOf(type)
  const sized = { ...before, REQUEST_BODY_LENGTH: one(String(body.length)) }
  if (isFile(type, body)) return sized
  const text = toLatin1(body)
  if (media === 'application/json' || media.endsWith('+json')) return withArguments(sized, 'JSON', parseJson(text))
  if (media === 'multipart/form-data') {
    const parsed = parseMultipart(type.trim(), text)
    const full = withArguments(sized, 'MULTIPART', parsed)
    return { ...full, FILES: parsed.files.map(([key, file]) => entry(key, file)), FILES_NAMES: namesOf(parsed.files) }
  }
  const hidden = opensLikeJson(body) ? parseJson(text.replace(/^\xef\xbb\xbf/, '')) : undefined
  const json = hidden?.error === undefined ? (hidden?.pairs ?? []) : []
  if (media === 'application/x-www-form-urlencoded') {
    const { pairs, error } = parseUrlencoded(text)
    return withArguments(sized, 'URLENCODED', { pairs: [...pairs, ...json], error })
  }
  const raw = { ...sized, REQUEST_BODY: one(text) }
  return json.length === 0 ? raw : withArguments(raw, 'JSON', { pairs: json, error: undefined })
}

type Arguments = { readonly pairs: readonly Pair[]; readonly error: string | undefined }

function withArguments(before: Collections, processor: string, { pairs, error }: Arguments): Collections {
  const values = keyed(pairs)
  const names = namesOf(pairs)
  const told = error === undefined ? {} : { REQBODY_ERROR: one('1'), REQBODY_ERROR_MSG: one(error) }
  return {
    ...before,
    ...told,
    ARGS_POST: values,
    ARGS_POST_NAMES: names,
    ARGS: [...before.ARGS_GET, ...values],
    ARGS_NAMES: [...before.ARGS_GET_NAMES, ...names],
    REQBODY_PROCESSOR: one(processor),
  }
}
