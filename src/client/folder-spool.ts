import { constants } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rmdir, stat, unlink, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { KhienRefusal } from './error.ts'
import { MAX_ITEMS, spoolFull, type Spool, type SpoolItem, type SpoolLimit } from './spool.ts'

// waiting/ID.json · taken/OWNER/ID.json while somebody delivers it · refused/ID.json with the code · new/ while it is
// written · NAME.json notes. Ids sort by time. Clients of other languages share the folder (clients/php/Khien.php).

/** An owner that was not seen for so long has died; what it took waits again. The vault takes an item once all the same. */
const LEASE_MS = 60_000
/** Names that other processes added or took are seen after so long. */
const FRESH_MS = 2_000
const WIDTH = 16
/** A file that is still being written after so long belongs to a process that has died; nobody was told it was kept. */
const UNFINISHED_MS = 3_600_000

/**
 * A spool in a folder (mode 0700), one file an item: written, fsynced, renamed into its place, the folder fsynced, and
 * only then kept. Any number of processes may share it: whoever renames a file out of `waiting` delivers it.
 */
export async function folderSpool(folder: string, { maxItems = MAX_ITEMS }: SpoolLimit = {}): Promise<Spool> {
  const at = (...names: string[]): string => join(folder, ...names)
  const owner = `${hostname().replace(/[^\w-]/g, '_')}.${process.pid}.${Math.random().toString(36).slice(2, 10)}`
  const mine = at('taken', owner)
  for (const name of ['waiting', 'refused', 'new']) await mkdir(at(name), { recursive: true, mode: 0o700 })
  await mkdir(mine, { recursive: true, mode: 0o700 })
  await syncFolder(folder)
  const sync = sharedSync(at('waiting'))
  const count = { waiting: 0, taken: 0, refused: 0, at: 0 }
  let names: string[] = []
  let looking: Promise<void> | undefined
  let adding = 0

  /** Looks at the folder itself: other processes add and take too. Those who ask while one looks share what it finds. */
  const recount = (): Promise<void> => (looking ??= look().finally(() => (looking = undefined)))
  async function look(): Promise<void> {
    const [waiting, refused] = [await readdir(at('waiting')), await readdir(at('refused'))]
    let taken = 0
    for (const each of await readdir(at('taken'))) taken += (await readdir(at('taken', each)).catch(() => [])).length
    Object.assign(count, { waiting: waiting.length, refused: refused.length, taken, at: Date.now() })
    names = waiting.filter((name) => name.endsWith('.json')).sort()
  }
  const held = (): number => count.waiting + count.taken + count.refused

  /** Brings back what processes took that are no more, and clears away what they never finished writing. */
  async function reclaim(): Promise<void> {
    for (const name of await readdir(at('new'))) {
      const began = await stat(at('new', name)).catch(() => undefined)
      if (began && Date.now() - began.mtimeMs > UNFINISHED_MS) await unlink(at('new', name)).catch(ignoreMissing)
    }
    for (const each of await readdir(at('taken'))) {
      if (each === owner) continue
      const from = at('taken', each)
      const seen = await stat(from).catch(() => undefined)
      if (seen === undefined || !(dead(each) || Date.now() - seen.mtimeMs > LEASE_MS)) continue
      for (const name of await readdir(from).catch(() => []))
        await rename(join(from, name), at('waiting', name)).catch(ignoreMissing)
      await rmdir(from).catch(() => undefined)
    }
  }

  async function write(item: SpoolItem): Promise<void> {
    const file = await open(at('new', `${item.id}.json`), 'wx', 0o600)
    try {
      await file.writeFile(JSON.stringify(item))
      await file.sync()
    } finally {
      await file.close()
    }
  }

  await reclaim()
  await recount()
  return {
    async add(items) {
      if (Date.now() - count.at > FRESH_MS) await recount()
      if (held() + adding + items.length > maxItems) throw spoolFull(maxItems)
      adding += items.length
      try {
        await inParallel(items, write)
        for (const { id } of items) await rename(at('new', `${id}.json`), at('waiting', `${id}.json`))
        await sync()
      } catch (cause) {
        throw unwritten(cause)
      } finally {
        adding -= items.length
      }
      count.waiting += items.length
    },
    async take(most, characters) {
      await mkdir(mine, { recursive: true, mode: 0o700 })
      const now = new Date()
      await utimes(mine, now, now)
      if (names.length === 0) {
        await reclaim()
        await recount()
      }
      const wanted = names.splice(0, most)
      const texts = await inParallel(wanted, async (name) => {
        try {
          await rename(at('waiting', name), join(mine, name))
        } catch (error) {
          // Another process was faster.
          ignoreMissing(error)
          return undefined
        }
        return readFile(join(mine, name), 'utf8')
      })
      const out: SpoolItem[] = []
      const beyond: string[] = []
      let size = 0
      for (const [i, text] of texts.entries()) {
        const name = wanted[i]!
        if (text === undefined) continue
        if (beyond.length > 0 || (out.length > 0 && size + text.length > characters)) {
          beyond.push(name)
          continue
        }
        const item = parsed(text, name)
        if (item === undefined) {
          await rename(join(mine, name), at('refused', name))
          count.refused++
          continue
        }
        size += text.length
        out.push(item)
      }
      await inParallel(beyond, (name) => rename(join(mine, name), at('waiting', name)))
      names.unshift(...beyond)
      count.taken += out.length
      count.waiting -= out.length
      return out
    },
    async settle(items, { done, refused }) {
      const again: string[] = []
      await inParallel(items, async ({ id }) => {
        const [name, code] = [`${id}.json`, refused.get(id)]
        if (done.has(id)) await unlink(join(mine, name)).catch(ignoreMissing)
        else {
          const to =
            code === undefined ? at('waiting', name) : at('refused', `${id}.${code.replace(/[^\w-]+/g, '_')}.json`)
          await rename(join(mine, name), to).catch(ignoreMissing)
          if (code === undefined) again.push(name)
        }
      })
      if (again.length > 0) names = [...again, ...names].sort()
      count.taken -= items.length
      count.waiting += again.length
      count.refused += refused.size
    },
    async counts() {
      await recount()
      return { pending: count.waiting + count.taken, refused: count.refused }
    },
    note: (name) => readFile(at(`${name}.json`), 'utf8').catch(() => undefined),
    async keepNote(name, text) {
      const path = at(`${name}.json`)
      const file = await open(`${path}.${owner}`, constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY, 0o600)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${path}.${owner}`, path)
      await syncFolder(folder)
    },
    async close() {
      for (const name of await readdir(mine).catch(() => [])) await rename(join(mine, name), at('waiting', name))
      await rmdir(mine).catch(() => undefined)
    },
  }
}

function unwritten(cause: unknown): KhienRefusal {
  const code = String((cause as { code?: unknown }).code ?? '')
  const detail = `The spool could not be written (${code}): is its disk full, is its folder ours?`
  return Object.assign(new KhienRefusal(0, { code: 'client/spool', detail }), { cause })
}

/** A few files at a time: one after another they wait for the disk more than they work. */
async function inParallel<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const out: R[] = []
  for (let i = 0; i < list.length; i += WIDTH) out.push(...(await Promise.all(list.slice(i, i + WIDTH).map(work))))
  return out
}

function parsed(text: string, name: string): SpoolItem | undefined {
  try {
    const { id, key, at, sealed } = JSON.parse(text) as SpoolItem
    const whole = `${id}.json` === name && typeof key === 'string' && Number.isInteger(at) && typeof sealed === 'string'
    return whole ? { id, key, at, sealed } : undefined
  } catch {
    return undefined
  }
}

/** A process of this very machine that has ended. */
function dead(owner: string): boolean {
  const [host, pid] = owner.split('.')
  if (host !== hostname().replace(/[^\w-]/g, '_') || !/^\d+$/.test(pid ?? '')) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH'
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as { code?: string }).code !== 'ENOENT') throw error
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Those who ask while a sync runs share the next one. */
function sharedSync(folder: string): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const start = (): Promise<void> => {
    const sync = syncFolder(folder)
    const over = (): void => {
      running = undefined
    }
    running = sync.then(over, over)
    return sync
  }
  return () => {
    if (running === undefined) return start()
    next ??= running.then(() => {
      next = undefined
      return start()
    })
    return next
  }
}
