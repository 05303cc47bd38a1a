import { join } from 'node:path'
import { parseTilePath, tilePath } from '../engine/tlog/index.ts'
import { answer, type Bound } from '../http/index.ts'
import { KhienError } from '../kit/errors.ts'
import { auditRoutes as rows, type ActView } from './contract.ts'
import { readIfThere } from './files.ts'
import type { Audit, AuditItem } from './service.ts'

export type StaticAnswer = {
  readonly status: 200 | 404
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const NOT_FOUND: StaticAnswer = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: Buffer.from('not found\n'),
}

/**
 * Answers `/checkpoint`, `/log.vkey` and `/tile/…` (C2SP tlog-tiles) from a node's folder. The path is parsed into a
 * tile and written anew from it, so no spelling of a path reaches any other file.
 */
export function logRoutes(folder: string): (path: string) => Promise<StaticAnswer> {
  const answer = async (file: string, type: string, cache: string): Promise<StaticAnswer> => {
    const body = await readIfThere(join(folder, 'log', file))
    const headers = { 'content-type': type, 'cache-control': cache, 'x-content-type-options': 'nosniff' }
    return body === undefined ? NOT_FOUND : { status: 200, headers, body }
  }
  return async (path) => {
    if (path === '/checkpoint') return answer('checkpoint', 'text/plain; charset=utf-8', 'no-cache')
    if (path === '/log.vkey') return answer('log.vkey', 'text/plain; charset=utf-8', 'no-cache')
    const tile = path.startsWith('/') ? parseTilePath(path.slice(1)) : undefined
    if (tile === undefined) return NOT_FOUND
    return answer(tilePath(tile), 'application/octet-stream', 'public, max-age=31536000, immutable')
  }
}

/** The log as data for the console. */
export const logApi = (audit: Audit): readonly Bound[] => [
  answer(rows.list, async ({ query }) => {
    const { cursor, ...wish } = query
    const { items, next } = await audit.list({ ...wish, before: cursor })
    return { items: items.map(viewOf), next, total: null }
  }),
  answer(rows.proof, async ({ params }) => {
    const found = await audit.find(params.id)
    if (!found) throw new KhienError('audit/unknown', 'There is no such act in the log.', { status: 404 })
    return { act: viewOf(found), proof: await audit.proofOf(params.id), vkey: audit.verifierKey }
  }),
]

const viewOf = (item: AuditItem): ActView => ({
  id: item.id,
  at: item.at,
  index: item.index,
  kind: item.kind,
  actor: item.actor,
  subject: item.subject ?? null,
  purpose: item.purpose ?? null,
  reason: item.reason ?? null,
  result: item.result,
  facts: { ...item.facts },
})
