import type { Asked } from './asked.ts'
import type { Refusal } from './refusal.ts'
import { safeHost, safePath } from '../../kit/request-mask.ts'

/** Where events go; false when it had to be dropped, which is counted there. Never blocks. */
export type EventSink = { send(event: Readonly<Record<string, unknown>>): boolean }

const SEVERITIES = ['critical', 'error', 'warning', 'notice']
const METHOD = /^[A-Z][A-Z_-]{0,19}$/

/** One request as an event: who, what, how it ended; no query, body, header or cookie. */
export function accessEvent(
  asked: Asked,
  status: number,
  seen: { readonly bytesIn: number; readonly bytesOut: number; readonly ms: number },
): Record<string, unknown> {
  return {
    kind: 'gateway.access',
    id: `a-${asked.id}-${asked.at.toString(36)}`,
    time: asked.at,
    requestId: asked.id,
    clientAddress: asked.client.address,
    clientPort: asked.client.port,
    method: METHOD.test(asked.method) ? asked.method : 'OTHER',
    host: safeHost(asked.host) || '-',
    path: safePath(asked.target || '/') || '/',
    status,
    bytesIn: seen.bytesIn,
    bytesOut: Math.max(0, seen.bytesOut),
    ms: Math.round(seen.ms * 100) / 100,
  }
}

/** A refusal as an event: the rules and places, never what matched. */
export function refusalEvent(refusal: Refusal): Record<string, unknown> {
  const { matches } = refusal
  const severities = new Set(matches.map((match) => match.severity.toLowerCase()))
  return {
    kind: 'gateway.refused',
    id: `r-${refusal.id}-${refusal.at.toString(36)}`,
    time: refusal.at,
    requestId: refusal.id,
    clientAddress: refusal.clientAddress,
    clientPort: refusal.clientPort,
    method: METHOD.test(refusal.method) ? refusal.method : 'OTHER',
    host: refusal.host || '-',
    path: refusal.path || '/',
    status: refusal.status,
    score: refusal.score,
    threshold: refusal.threshold,
    mode: refusal.mode,
    severity: SEVERITIES.find((each) => severities.has(each)) ?? 'notice',
    ruleIds: [...new Set(matches.map((match) => match.ruleId))].slice(0, 50),
    tags: [...new Set(matches.flatMap((match) => match.tags))].slice(0, 60),
    places: [...new Set(matches.map((match) => match.place))].slice(0, 50),
    ...(refusal.callbackHost === undefined ? {} : { callbackHost: refusal.callbackHost }),
    ...(refusal.callbackPort === undefined ? {} : { callbackPort: refusal.callbackPort }),
  }
}
