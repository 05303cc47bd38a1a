import { existsSync } from 'node:fs'
import { link, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { monthWriter } from '../storage/events/index.ts'
import { framesOf } from '../storage/segments/index.ts'
import { pack, type Packed } from './archive.ts'
import { snapshotSqlite } from './copy-store.ts'
import { packed } from './log-copy.ts'
import type { MakeJob } from './make.ts'
import type { DataManifest, PartName } from './manifest.ts'
import { writeRows } from './rows.ts'
import type { SealedFile } from './sealed-file.ts'

type Seal = (part: PartName, source: AsyncIterable<Uint8Array>) => Promise<SealedFile>
export type Parts = Partial<Record<PartName, SealedFile>>
export type EventCounts = NonNullable<DataManifest['events']>

const SEGMENT = /^(\d{10})-[0-9A-Z]{8}\.seg$/
/** What a backup that was killed left. */
const LEFT = /^\.(?:backup|month)-/

/**
 * Every event that was acknowledged before it began, each once: segments are held by links first, then the ledger says
 * which of them are in the event store. Of the store only what the ledger counts is taken, of the segments only the rest.
 * Null for a node that has never taken events in. Errors: `events/store-away`.
 */
export async function copyEvents(job: MakeJob, seal: Seal, parts: Parts): Promise<EventCounts | null> {
  const folder = join(job.folder, 'events')
  if (!existsSync(join(folder, 'ledger.db'))) return null
  for (const name of await readdir(folder)) if (LEFT.test(name)) await rm(join(folder, name), { recursive: true })
  const held = join(folder, `.backup-${job.id}`)
  await mkdir(held, { mode: 0o700 })
  try {
    await holdSegments(join(folder, 'segments'), held)
    const { last, totals } = await copyLedger(join(folder, 'ledger.db'), seal, parts)
    const counts = {
      received: totals.received,
      stored: totals.stored,
      rejected: totals.rejected,
      pending: 0,
      segments: 0,
    }
    parts.segments = await seal('segments', pack(segmentFiles(held, last, counts)))
    parts['event-store'] = await seal('event-store', pack(storeFiles(job, last + 1)))
    return counts
  } finally {
    await rm(held, { recursive: true, force: true })
  }
}

/** The names in another folder: whoever removes a segment now takes nothing away. */
async function holdSegments(from: string, held: string): Promise<void> {
  for (const name of await readdir(from).catch(() => []))
    await link(join(from, name), join(held, name)).catch((error: NodeJS.ErrnoException) => {
      // Loaded and removed since: then the ledger and the store have it.
      if (error.code !== 'ENOENT') throw error
    })
}

async function copyLedger(path: string, seal: Seal, parts: Parts) {
  await using ledger = snapshotSqlite(path, true)
  const last = Number((await ledger.one('select max(seq) as seq from segment'))?.['seq'] ?? 0)
  const totals = { received: 0, stored: 0, rejected: 0 }
  for (const { name, n } of await ledger.all('select name, n from total')) {
    if (name === 'received' || name === 'stored') totals[name] = Number(n)
    else if (String(name).startsWith('rejected:')) totals.rejected += Number(n)
  }
  parts.ledger = await seal('ledger', writeRows(ledger.tables(), {}))
  return { last, totals }
}

/** Whole frames of what is not in the store, counted; and what lies aside, damaged or torn, as it is. */
async function* segmentFiles(
  held: string,
  last: number,
  counts: { -readonly [K in keyof EventCounts]: EventCounts[K] },
) {
  for (const name of (await readdir(held)).toSorted()) {
    const seq = SEGMENT.exec(name)?.[1]
    if (seq !== undefined && Number(seq) <= last) continue
    const bytes = await readFile(join(held, name))
    if (seq === undefined) {
      yield packed(name, bytes)
      continue
    }
    const { frames, end } = framesOf(bytes)
    if (frames.length === 0) continue
    counts.segments++
    for (const { header } of frames) {
      counts.received += header.lines
      counts.pending += header.events
      counts.rejected += header.lines - header.events
    }
    yield packed(name, bytes.subarray(0, end))
  }
}

/** One month at a time through a file beside the store, so that a backup needs room for one month and no more. */
async function* storeFiles(job: MakeJob, below: number): AsyncGenerator<Packed> {
  await using store = monthWriter(join(job.folder, 'run', 'store.sock'))
  for (const { month } of await store.months(below)) {
    const { path } = await store.write(month, below, `.month-${job.id.slice(4)}-${month}.native.zst`)
    try {
      const { size } = await stat(path)
      yield { path: `${month}.native.zst`, size, content: createReadStream(path, { highWaterMark: 1 << 20 }) }
    } finally {
      await rm(path, { force: true })
    }
  }
}
