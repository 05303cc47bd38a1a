import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { framesOf, syncFolder } from '../storage/segments/index.ts'
import { placeFile, unpack } from './archive.ts'
import { snapshotSqlite } from './copy-store.ts'
import type { EventCounts } from './copy-events.ts'
import { fillSqlite } from './load-store.ts'
import type { PartName } from './manifest.ts'
import { readRows } from './rows.ts'
import { altered } from './sealed-file.ts'

/**
 * Puts ledger, waiting segments and event store back, and counts them anew: received = stored + rejected + pending, each
 * as the manifest says. In a process of its own: chDB ends a process that opens it in a thread. Errors: `backup/altered`.
 */
export async function unpackEvents(
  part: (part: PartName) => AsyncIterable<Uint8Array>,
  expected: EventCounts,
  folder: string,
  name: string,
): Promise<void> {
  const segments = join(folder, 'segments')
  await mkdir(segments, { recursive: true, mode: 0o700 })
  const path = join(folder, 'ledger.db')
  {
    using sink = fillSqlite(path)
    await readRows(part('ledger'), sink)
    sink.finish()
  }
  await unpack(part('segments'), (file) => placeFile(segments, file))
  await syncFolder(segments)
  // Loaded where events are, and only there: it brings an engine of its own.
  const { ChdbEventStore } = await import('../storage/events/event-store.ts')
  await using store = await ChdbEventStore.open(folder)
  await unpack(part('event-store'), async (file) => {
    await placeFile(folder, { ...file, path: `.month-${file.path}` })
    await store.readMonth(join(folder, `.month-${file.path}`))
    await rm(join(folder, `.month-${file.path}`))
  })
  const found = await countAnew(path, segments, await store.count())
  const differs = (Object.keys(found) as (keyof EventCounts)[]).some((key) => found[key] !== expected[key])
  if (differs || found.received !== found.stored + found.rejected + found.pending) throw altered(name)
}

async function countAnew(path: string, segments: string, inStore: number): Promise<EventCounts> {
  const counts = { received: 0, stored: inStore, rejected: 0, pending: 0, segments: 0 }
  {
    await using ledger = snapshotSqlite(path)
    for (const { name, n } of await ledger.all('select name, n from total')) {
      if (name === 'received') counts.received += Number(n)
      else if (String(name).startsWith('rejected:')) counts.rejected += Number(n)
    }
  }
  for (const name of await readdir(segments)) {
    if (!name.endsWith('.seg')) continue
    counts.segments++
    for (const { header } of framesOf(await readFile(join(segments, name))).frames) {
      counts.received += header.lines
      counts.pending += header.events
      counts.rejected += header.lines - header.events
    }
  }
  return counts
}
