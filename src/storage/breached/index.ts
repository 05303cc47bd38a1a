import { hash } from 'node:crypto'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { StartError } from '../../kit/errors.ts'

/** SHA-1 in capital hexadecimal, as the lists are written. */
const HASH = 40
/** A line is the hash and perhaps `:count`. */
const LONGEST_LINE = 64
/** Opened lists; a worker has few, and settings that are swapped often must not open ever more. */
const MOST_OPEN = 20

export type BreachedPasswords = AsyncDisposable & {
  has(password: string): Promise<boolean>
}

/**
 * A list of SHA-1 hashes of breached passwords, one a line, sorted, each perhaps with `:count`: the form in which Pwned Passwords is
 * published ("ordered by hash"). Looked up in place by halving, so that tens of gigabytes need no memory. Throws `StartError`.
 */
export async function openBreachedPasswords(path: string): Promise<BreachedPasswords> {
  const wrong = (why: string): StartError => new StartError('data/breached-passwords', `${path} ${why}`)
  const file = await open(path).catch(() => {
    throw wrong('cannot be read.')
  })
  try {
    const { size } = await file.stat()
    const first = size === 0 ? '' : await lineFrom(file, 0, size)
    if (!/^[0-9A-F]{40}(?::\d{1,12})?$/.test(first))
      throw wrong('is no list of SHA-1 hashes in capital letters, one a line, sorted.')
    return {
      has: async (password) => found(file, size, hash('sha1', password, 'hex').toUpperCase()),
      [Symbol.asyncDispose]: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** The line that begins at or, from the middle of one, after `at`; empty at the end. */
async function lineFrom(file: FileHandle, at: number, size: number): Promise<string> {
  const from = Math.max(0, at - 1)
  const buffer = Buffer.alloc(Math.min(2 * LONGEST_LINE, size - from))
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
  const text = buffer.toString('latin1', 0, bytesRead)
  const start = at === 0 ? 0 : text.indexOf('\n') + 1
  if (at !== 0 && start === 0) return ''
  const end = text.indexOf('\n', start)
  return text.slice(start, end < 0 ? undefined : end).trimEnd()
}

/** Halves the bytes until the window is one line: `low` always begins at or before the wanted line, `high` after it. */
async function found(file: FileHandle, size: number, wanted: string): Promise<boolean> {
  let [low, high] = [0, size]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const line = await lineFrom(file, middle, size)
    const key = line.slice(0, HASH)
    if (key === wanted) return true
    if (line === '' || key > wanted) high = middle
    else low = middle + 1
  }
  return false
}

/** A list that was put in place of another is taken within this time. */
const LOOK_MS = 60_000

/** Opens each list once; one that no settings name any more is closed. One that cannot be opened is told, and tried again. */
export class BreachedLists implements AsyncDisposable {
  private lists = new Map<string, Open>()
  private readonly clock: () => number
  private readonly complain: (detail: string) => void

  constructor(clock: () => number, complain: (detail: string) => void) {
    this.clock = clock
    this.complain = complain
  }

  async keep(paths: readonly string[]): Promise<void> {
    const wanted = [...new Set(paths)].slice(0, MOST_OPEN)
    const next = new Map<string, Open>()
    for (const path of wanted) next.set(path, this.lists.get(path) ?? (await this.open(path)))
    const gone = [...this.lists].filter(([path]) => !next.has(path)).map(([, list]) => list)
    this.lists = next
    await closeAll(gone)
  }

  /** Whether the password is in the list; undefined when it could not be told. */
  async says(path: string, password: string): Promise<boolean | undefined> {
    const open = this.lists.get(path)
    if (open === undefined) return undefined
    if (this.clock() - open.looked >= LOOK_MS) {
      open.looked = this.clock()
      await this.renew(path, open).catch(() => undefined)
    }
    return this.lists
      .get(path)
      ?.list?.has(password)
      .catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.keep([])
  }

  private async open(path: string): Promise<Open> {
    const looked = this.clock()
    try {
      const seen = await marksOf(path)
      return { list: await openBreachedPasswords(path), seen, looked }
    } catch (error) {
      this.complain(error instanceof StartError ? error.message : `${path} cannot be read.`)
      return { list: undefined, seen: '', looked }
    }
  }

  private async renew(path: string, known: Open): Promise<void> {
    if ((await marksOf(path)) === known.seen) return
    const next = await this.open(path)
    if (next.list === undefined) return
    if (this.lists.get(path) !== known) return closeAll([next])
    this.lists.set(path, next)
    // Who is in the middle of a look-up in the old one is given time.
    setTimeout(() => void closeAll([known]), 5_000).unref()
  }
}

type Open = { readonly list: BreachedPasswords | undefined; readonly seen: string; looked: number }

async function marksOf(path: string): Promise<string> {
  const { ino, mtimeMs, size } = await stat(path)
  return `${ino} ${mtimeMs} ${size}`
}

async function closeAll(lists: Iterable<Open>): Promise<void> {
  await Promise.allSettled([...lists].map(({ list }) => list?.[Symbol.asyncDispose]()))
}
