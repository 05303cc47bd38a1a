import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { toBase64 } from '../engine/bytes/base64.ts'
import type { RecordActs } from '../kit/act.ts'
import { type Clock, iso } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Database, Transaction } from '../storage/sql/index.ts'
import { type AuditRecord, recordText } from './entry.ts'
import { orderedIds } from './ids.ts'
import { makeProof } from './proof.ts'
import { type Integration, publisher } from './publisher.ts'
import type { Depth, Reconciliation } from './reconcile.ts'
import {
  type AuditFilter,
  type AuditTables,
  BUCKET,
  FORGOTTEN,
  newestBucket,
  nextLeaf,
  forgetSubject,
  insertRows,
  leafRows,
  newestRows,
  oneRow,
} from './store.ts'
import { logSigner, type LogSigner } from './tree.ts'
import { rowEntry } from './writer.ts'

export type AuditOptions = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  /** The node's folder; the log lies in `log/` under it. */
  readonly folder: string
  /** The log's name: the address it is served under, without scheme, spaces or plus signs. */
  readonly origin: string
  readonly signer: LogSigner
  readonly log: Log
  /** The folder is a further copy of the log, kept by a process beside the node on the same PostgreSQL. */
  readonly copy?: boolean
  /** A test throws here to see what a crash at this point leaves behind. */
  readonly step?: (name: string) => void
}
export type AuditItem = AuditRecord & {
  /** Its place in the log; null until it is taken in. */
  readonly index: number | null
}
export type AuditList = AuditFilter & { readonly before?: string | undefined; readonly limit: number }
export type LogHead = { readonly size: number; readonly root: string; readonly signedAt: number }

export type Audit = AsyncDisposable & {
  /**
   * Records acts in the caller's transaction, so that they stand or fall with what they describe. Answers their ids.
   * Throws `audit/bad-entry` (400), and `audit/log-altered` (503) once the log was found altered.
   */
  readonly record: RecordActs
  /** Takes everything recorded into the log and publishes it. */
  integrate(): Promise<Integration>
  /** To be awaited before the node serves. Throws `audit/log-altered`. */
  reconcile(depth?: Depth): Promise<Reconciliation>
  /** The tlog-proof text of one record; `audit/unknown` (404), `audit/not-published` (409, for half a second or so). */
  proofOf(id: string): Promise<string>
  /** One record, undefined when there is none. */
  find(id: string): Promise<AuditItem | undefined>
  /** Newest first; `limit` 1–500; `next` is the cursor for `before`, null at the end. */
  list(wish: AuditList): Promise<{ readonly items: readonly AuditItem[]; readonly next: string | null }>
  head(): Promise<LogHead>
  /** Records by their place in the log, `from` and on, `limit` at most; those not placed yet are not among them. */
  leaves(from: number, limit: number): Promise<readonly (AuditRecord & { readonly leaf: number })[]>
  /** What records say of a person is taken out of the store; their leaves stay, and records of the kinds to `keep`. */
  forget(subject: string, keep: readonly string[]): Promise<number>
  /** Publishes from now on, at most every half second, until disposed. */
  start(): void
  /** The text that anyone needs to check this log. */
  readonly verifierKey: string
}

const PERIOD_MS = 500
const SALT_SIZE = 16

export function audit(options: AuditOptions): Audit {
  const { db, clock, entropy, log, step } = options
  const folder = join(options.folder, 'log')
  const signer = logSigner(options.origin, options.signer)
  const publish = publisher({ db, folder, signer, copy: options.copy, step })
  const newIds = orderedIds(clock, entropy)
  let timer: NodeJS.Timeout | undefined
  let bucket: number | undefined
  let inBucket = 0

  /** The bucket that rows written now belong to. PostgreSQL may have several writers, which one order cannot bind: there all is one. */
  async function bucketOf(trx: Transaction<AuditTables>, rows: number): Promise<number> {
    if (db.dialect === 'postgres') return 0
    let now = bucket ?? (await newestBucket(trx)) + 1
    if (inBucket + rows > BUCKET) [now, inBucket] = [now + 1, 0]
    inBucket += rows
    bucket = now
    return now
  }

  async function tick(): Promise<void> {
    await publish.integrate().catch((error: unknown) => {
      log.error('audit.integrate-failed', { code: error instanceof KhienError ? error.code : 'internal' })
    })
    if (timer !== undefined) timer = setTimeout(tick, PERIOD_MS).unref()
  }

  return {
    verifierKey: signer.vkey,
    async record(trx, entries) {
      const { broken } = publish
      if (broken !== undefined) throw new KhienError(broken.code, broken.message, { status: 503, cause: broken })
      const at = clock()
      const time = iso(at)
      const ids = newIds(entries.length)
      const salts = entropy(SALT_SIZE * entries.length)
      const within = await bucketOf(trx as Transaction<AuditTables>, entries.length)
      const leaf = db.dialect === 'sqlite' ? await nextLeaf(trx as Transaction<AuditTables>) : undefined
      const rows = entries.map((entry, i) => {
        const { kind, actor, subject = null } = entry
        const record = recordText(entry, ids[i]!, time)
        const salt = toBase64(salts.subarray(SALT_SIZE * i, SALT_SIZE * (i + 1)))
        return {
          id: ids[i]!,
          at,
          kind,
          actor,
          subject,
          record,
          salt,
          leaf_index: leaf === undefined ? null : leaf + i,
          bucket: within,
        }
      })
      await insertRows(trx as Transaction<AuditTables>, db.dialect, rows)
      return ids
    },
    integrate: () => publish.integrate(),
    async reconcile(depth = 'full') {
      const found = await publish.reconcile(depth)
      log.info('audit.reconciled', found)
      return found
    },
    async proofOf(id) {
      const now = await publish.published()
      const row = await oneRow(db, id)
      if (row === undefined) throw new KhienError('audit/unknown', 'There is no such audit record.', { status: 404 })
      if (row.leaf_index === null || row.leaf_index >= now.head.size) {
        const detail = 'The record is not in the published log yet; ask again in a second.'
        throw new KhienError('audit/not-published', detail, { status: 409, retryAfter: 1 })
      }
      const extra = row.salt.startsWith(FORGOTTEN)
        ? { entry: Buffer.from(rowEntry(row)).toString() }
        : { record: JSON.parse(row.record) as AuditRecord, salt: row.salt }
      return makeProof(now.read, now, row.leaf_index, extra)
    },
    async find(id) {
      const row = await oneRow(db, id)
      return row && { ...(JSON.parse(row.record) as AuditRecord), index: row.leaf_index }
    },
    async list({ before, limit, ...filter }) {
      const most = Math.min(500, Math.max(1, Math.floor(limit)))
      const rows = await newestRows(db, filter, before === undefined ? undefined : idOfCursor(before), most + 1)
      const items = rows.slice(0, most).map((row) => {
        return { ...(JSON.parse(row.record) as AuditRecord), index: row.leaf_index }
      })
      const more = rows.length > most
      return { items, next: more ? Buffer.from(items.at(-1)!.id).toString('base64url') : null }
    },
    async leaves(from, limit) {
      const rows = await leafRows(db, from, limit)
      return rows.map((row) => ({ ...(JSON.parse(row.record) as AuditRecord), leaf: Number(row.leaf_index) }))
    },
    forget: (subject, keep) => forgetSubject(db, subject, keep),
    async head() {
      const { head } = await publish.published()
      const { mtimeMs } = await stat(join(folder, 'checkpoint'))
      return { size: head.size, root: toBase64(head.root), signedAt: Math.floor(mtimeMs) }
    },
    start() {
      timer ??= setTimeout(tick, 0).unref()
    },
    async [Symbol.asyncDispose]() {
      const ran = timer !== undefined
      clearTimeout(timer)
      timer = undefined
      await publish.idle()
      // What was recorded last is published too, unless the files must not be touched any more.
      if (ran && publish.broken === undefined) await publish.integrate().catch(() => undefined)
    },
  }
}

function idOfCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^aud_[0-9A-Z]{26}$/.test(id)) throw badRequest('audit/bad-cursor', 'The cursor is not one of ours.', 'before')
  return id
}
