import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { toBase64 } from '../engine/bytes/base64.ts'
import { type Clock, iso } from '../kit/clock.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { type Entropy, newId } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Database, Transaction } from '../storage/sql/index.ts'
import { type AuditEntry, type AuditRecord, recordText } from './entry.ts'
import { logFiles, type LogFiles } from './files.ts'
import { makeProof } from './proof.ts'
import { type Depth, loadState, type Reconciliation } from './reconcile.ts'
import { type AuditFilter, type AuditTables, insertRows, newestRows, oneRow } from './store.ts'
import { logSigner, type LogSigner } from './tree.ts'
import { appendBatch, BATCH, type LogState } from './writer.ts'

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
  readonly step?: (name: string) => void
}
export type AuditItem = AuditRecord & {
  /** Its place in the log; null until it is taken in. */ readonly index: number | null
}
export type AuditList = AuditFilter & { readonly before?: string | undefined; readonly limit: number }
export type LogHead = { readonly size: number; readonly root: string; readonly signedAt: number }

export type Audit = AsyncDisposable & {
  /** Records acts in the caller's transaction, so that they stand or fall with what they describe. Returns their ids. */
  record<T>(trx: Transaction<T>, entries: readonly AuditEntry[]): Promise<readonly string[]>
  /** Takes everything recorded into the log and publishes it. */
  integrate(): Promise<{ readonly size: number; readonly appended: number }>
  /** To be awaited before the node serves. Throws `audit/log-altered`. */
  reconcile(depth?: Depth): Promise<Reconciliation>
  /** The tlog-proof text of one record; `audit/unknown` (404), `audit/not-published` (409, for half a second or so). */
  proofOf(id: string): Promise<string>
  /** Newest first; `limit` 1–500; `next` is the cursor for `before`, null at the end. */
  list(wish: AuditList): Promise<{ readonly items: readonly AuditItem[]; readonly next: string | null }>
  head(): Promise<LogHead>
  /** Publishes from now on, at most every half second, until disposed. */
  start(): void
  /** The text that anyone needs to check this log. */
  readonly verifierKey: string
}

const PERIOD_MS = 500
const SALT_SIZE = 16
/** Random bytes of an id: the 80 bits of `newId` less 16 that count. */
const ID_RANDOM = 8

export function audit(options: AuditOptions): Audit {
  const { db, clock, entropy, log } = options
  const folder = join(options.folder, 'log')
  const signer = logSigner(options.origin, options.signer)
  const ids = orderedIds(clock, entropy)
  let state: LogState | undefined
  let files: LogFiles | undefined
  let broken: KhienError | undefined
  let timer: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  // One at a time: two writers would sign two different futures.
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const run = last.then(work, work)
    last = run.catch(() => undefined)
    return run
  }
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (broken !== undefined) throw broken
    try {
      return await work()
    } catch (error) {
      // Whatever failed half-way, the files decide: the next call reads them afresh.
      state = undefined
      if (error instanceof KhienError && error.code === 'audit/log-altered') broken = error
      throw error
    }
  }
  const load = async (depth: Depth): Promise<number> => {
    await mkdir(folder, { recursive: true })
    files = await logFiles(folder)
    const loaded = await loadState({ db, files, signer, step: options.step }, folder, depth)
    state = loaded.state
    return loaded.checked
  }
  const drain = async (): Promise<number> => {
    if (state === undefined) await load('edge')
    const before = state!.head.size
    for (;;) {
      const size = state!.head.size
      const next = await appendBatch({ db, files: files!, signer, step: options.step }, state!)
      state = next ?? state!
      if (state.head.size - size < BATCH) return state.head.size - before
    }
  }
  const published = (): Promise<LogState> =>
    state === undefined
      ? alone(() => guarded(async () => void (state ?? (await load('edge'))))).then(() => state!)
      : Promise.resolve(state)

  return {
    verifierKey: signer.vkey,
    async record(trx, entries) {
      if (broken !== undefined) throw new KhienError(broken.code, broken.message, { status: 503, cause: broken })
      const at = clock()
      const time = iso(at)
      const newIdOf = ids(entries.length)
      // One call for all salts: the system's randomness costs more a call than a byte.
      const salts = entropy(SALT_SIZE * entries.length)
      const rows = entries.map((entry, i) => {
        const id = newIdOf(i)
        const { kind, actor, subject = null } = entry
        const salt = toBase64(salts.subarray(SALT_SIZE * i, SALT_SIZE * (i + 1)))
        return { id, at, kind, actor, subject, record: recordText(entry, id, time), salt, leaf_index: null }
      })
      await insertRows(trx as unknown as Transaction<AuditTables>, rows)
      return rows.map((row) => row.id)
    },
    integrate: () =>
      alone(() =>
        guarded(async () => {
          const appended = await drain()
          return { size: state!.head.size, appended }
        }),
      ),
    reconcile: (depth = 'full') =>
      alone(() =>
        guarded(async () => {
          const checked = await load(depth)
          const appended = await drain()
          log.info('audit.reconciled', { size: state!.head.size, checked, appended })
          return { size: state!.head.size, checked, appended }
        }),
      ),
    async proofOf(id) {
      const now = await published()
      const row = await oneRow(db, id)
      if (row === undefined) throw new KhienError('audit/unknown', 'There is no such audit record.', { status: 404 })
      if (row.leaf_index === null || row.leaf_index >= now.head.size) {
        const detail = 'The record is not in the published log yet; ask again in a second.'
        throw new KhienError('audit/not-published', detail, { status: 409, retryAfter: 1 })
      }
      const record = JSON.parse(row.record) as AuditRecord
      return makeProof(files!.read, now, row.leaf_index, { record, salt: row.salt })
    },
    async list({ before, limit, ...filter }) {
      const most = Math.min(500, Math.max(1, Math.floor(limit)))
      const rows = await newestRows(db, filter, before === undefined ? undefined : idOfCursor(before), most + 1)
      const items = rows
        .slice(0, most)
        .map((row) => ({ ...(JSON.parse(row.record) as AuditRecord), index: row.leaf_index }))
      const more = rows.length > most
      return { items, next: more ? Buffer.from(items.at(-1)!.id).toString('base64url') : null }
    },
    async head() {
      const { head } = await published()
      const { mtimeMs } = await stat(join(folder, 'checkpoint'))
      return { size: head.size, root: toBase64(head.root), signedAt: Math.floor(mtimeMs) }
    },
    start() {
      const tick = async (): Promise<void> => {
        try {
          await this.integrate()
        } catch (error) {
          const code = error instanceof KhienError ? error.code : 'internal'
          log.error('audit.integrate-failed', { code })
        }
        if (timer !== undefined) timer = setTimeout(tick, PERIOD_MS).unref()
      }
      timer ??= setTimeout(tick, 0).unref()
    },
    async [Symbol.asyncDispose]() {
      const ran = timer !== undefined
      clearTimeout(timer)
      timer = undefined
      await last
      // What was recorded last is published too, unless the files must not be touched any more.
      if (ran && broken === undefined) await this.integrate().catch(() => undefined)
    },
  }
}

/** Ids that sort in the order they were given out, also within a millisecond and when the clock steps back. */
function orderedIds(clock: Clock, entropy: Entropy): (count: number) => (index: number) => string {
  let at = 0
  let given = 0
  return (count) => {
    const now = clock()
    if (now > at) [at, given] = [now, 0]
    const random = entropy(ID_RANDOM * count)
    return (index) => {
      if (++given > 0xffff) [at, given] = [at + 1, 0]
      const part = random.subarray(ID_RANDOM * index, ID_RANDOM * (index + 1))
      return newId('aud', at, () => Uint8Array.of(given >> 8, given & 255, ...part))
    }
  }
}

function idOfCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^aud_[0-9A-Z]{26}$/.test(id)) throw badRequest('audit/bad-cursor', 'The cursor is not one of ours.', 'before')
  return id
}
