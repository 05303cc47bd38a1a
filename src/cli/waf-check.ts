import { createInterface } from 'node:readline'
import { openTransaction, type Plan } from '../engine/waf/index.ts'
import { parseRequest } from './waf-request.ts'
import type { Io } from './verb.ts'

type Answer = {
  readonly id: unknown
  readonly action: 'pass' | 'block'
  readonly status: number
  readonly score: number
  readonly rules: readonly number[]
  /** Microseconds of inspection, without reading the request. */
  readonly us: number
}

/** NDJSON `{"id","raw_base64"}` in, NDJSON answers out, in the same order; 1 when a line is not understood. */
export async function checkRequests(plan: Plan, io: Io): Promise<number> {
  let wrong = 0
  let at = 0
  let out = ''
  for await (const line of createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    at++
    if (line.trim() === '') continue
    const asked = readLine(line)
    if (asked === undefined) {
      wrong++
      io.err(`line ${at}: expected {"id": …, "raw_base64": "…"}\n`)
      continue
    }
    out += `${JSON.stringify(answer(plan, asked.id, asked.raw))}\n`
    if (out.length > 65_536) {
      io.out(out)
      out = ''
    }
  }
  io.out(out)
  return wrong === 0 ? 0 : 1
}

function readLine(line: string): { id: unknown; raw: Uint8Array } | undefined {
  try {
    const read: unknown = JSON.parse(line)
    if (typeof read !== 'object' || read === null || !('raw_base64' in read) || typeof read.raw_base64 !== 'string')
      return undefined
    return { id: 'id' in read ? read.id : null, raw: Buffer.from(read.raw_base64, 'base64') }
  } catch {
    return undefined
  }
}

/** A request no front end would pass on is blocked with the status it would get. */
function answer(plan: Plan, id: unknown, raw: Uint8Array): Answer {
  const read = parseRequest(raw)
  if ('status' in read) return { id, action: 'block', status: read.status, score: 0, rules: [], us: 0 }
  const began = process.hrtime.bigint()
  const transaction = openTransaction(plan, read.head)
  let verdict = transaction.inspectHead()
  if (!verdict.refused) verdict = transaction.inspectBody(read.body)
  const us = Number((process.hrtime.bigint() - began) / 1000n)
  const { refused, score, threshold, ruleIds } = verdict
  // Rules that only detect still say what they would have refused.
  const wouldRefuse = plan.engine === 'detection-only' && threshold > 0 && score >= threshold
  const isBlocked = refused || wouldRefuse
  const status = refused ? verdict.status : wouldRefuse ? 403 : 200
  return { id, action: isBlocked ? 'block' : 'pass', status, score, rules: [...new Set(ruleIds)], us }
}
