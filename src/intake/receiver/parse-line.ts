import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { base32 } from '../../kit/ids.ts'
import { safeHost, safePath } from '../../kit/request-mask.ts'
import { ACCOUNT_TOKEN, accountToken } from '../account-token.ts'
import { EVENT_KINDS, type EventKind, type Rejection } from '../contract.ts'

/** A checked event, before its batch gives it `received` and `source`. */
export type Parsed = { readonly id: string; readonly time: number; readonly kind: EventKind } & Record<string, unknown>
export type Rejected = { readonly reason: Rejection; readonly field: string; readonly detail: string }
export type LineContext = {
  readonly now: number
  /** Stands before the ids that this sender gives: two senders may both count from 1. */
  readonly sender: string
  /** The id of an event that brought none. */
  readonly fallbackId: string
  readonly tokenKey: Uint8Array | undefined
}

const LONGEST_LINE = 16 * 1024
const LONGEST_ID = 64
const DAY_MS = 86_400_000
const OLDEST_MS = 400 * DAY_MS
const reject = (reason: Rejection, field: string, detail: string): { rejected: Rejected } => ({
  rejected: { reason, field, detail },
})

/**
 * One NDJSON line → the event as it may be kept, or why not. Accounts become tokens, path and host are masked; a
 * rejection names the field and never the value.
 */
export function parseLine(line: string, ctx: LineContext): { event: Parsed } | { rejected: Rejected } {
  if (line.length > LONGEST_LINE) return reject('size', '', `the line is longer than ${LONGEST_LINE} signs`)
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return reject('json', '', 'the line is not valid JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return reject('json', '', 'the line is not a JSON object')
  const { kind } = value as { kind?: unknown }
  if (typeof kind !== 'string' || !Object.hasOwn(EVENT_KINDS, kind))
    return reject('kind', 'kind', `expected one of ${Object.keys(EVENT_KINDS).join(', ')}`)
  const result = (EVENT_KINDS[kind as EventKind] as z.ZodType).safeParse(value)
  if (!result.success) return refused(result.error.issues[0]!)
  const event = result.data as Record<string, unknown> & Parsed
  if (event.time > ctx.now + DAY_MS) return reject('time', 'time', 'more than a day in the future')
  if (event.time < ctx.now - OLDEST_MS) return reject('time', 'time', 'more than 400 days old')
  if (typeof event['account'] === 'string') {
    if (ctx.tokenKey) event['account'] = accountToken(ctx.tokenKey, event['account'])
    else if (!ACCOUNT_TOKEN.test(event['account']))
      return reject('account', 'account', 'expected a token (acc_…): this sender holds no key to make one')
  }
  if (typeof event['path'] === 'string') event['path'] = safePath(event['path'])
  if (typeof event['host'] === 'string' && event['host'] !== '') event['host'] = safeHost(event['host'])
  return { event: { ...event, id: event.id === undefined ? ctx.fallbackId : idOf(ctx.sender, event.id) } }
}

/** At most 64 signs: of an id that would become longer its SHA-256 stands there. */
function idOf(sender: string, given: string): string {
  const id = `${sender}-${given}`
  if (id.length <= LONGEST_ID) return id
  return `${sender}-${base32(createHash('sha256').update(given).digest().subarray(0, 20))}`
}

const BY_FIELD: Readonly<Record<string, Rejection>> = { id: 'id', time: 'time', account: 'account' }

function refused(issue: z.core.$ZodIssue): { rejected: Rejected } {
  if (issue.code === 'unrecognized_keys') return reject('field', named(issue.keys[0]!), 'this kind has no such field')
  const field = issue.path.map(String).join('.')
  return reject(BY_FIELD[String(issue.path[0])] ?? 'field', named(field), issue.message)
}

/** A name a stranger made up may hold anything: shown only when it looks like a name. */
const named = (field: string): string => (/^[A-Za-z][A-Za-z.]{0,39}(?:\.\d{1,3})?$/.test(field) ? field : '•')
