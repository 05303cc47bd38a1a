import { KhienRefusal } from './error.ts'

/** One item as it waits: nothing in it can be read but by the vault. */
export type SpoolItem = { readonly id: string; readonly key: string; readonly at: number; readonly sealed: string }
export type SpoolCounts = { readonly pending: number; readonly refused: number }

/**
 * Where sealed items wait for the vault. `folderSpool` of `khien-client/node` is durable; `storageSpool` is as durable
 * as what it is given; `memorySpool` ends with the process.
 */
export type Spool = {
  /** Resolves when all of them are kept for good. Throws KhienRefusal `client/spool-full`, and keeps none then. */
  add(items: readonly SpoolItem[]): Promise<void>
  /** The oldest items, at most so many and so many characters; they are this caller's until they are settled. */
  take(most: number, characters: number): Promise<SpoolItem[]>
  /** `done` are forgotten, `refused` kept apart with their code, all else waits again. */
  settle(
    taken: readonly SpoolItem[],
    results: { readonly done: ReadonlySet<string>; readonly refused: ReadonlyMap<string, string> },
  ): Promise<void>
  counts(): Promise<SpoolCounts>
  /** A small note beside the items: the public key of the vault. */
  note(name: string): Promise<string | undefined>
  keepNote(name: string, text: string): Promise<void>
  close?(): Promise<void>
}

export type SpoolLimit = {
  /** Items that may wait, refused ones included. 50,000 unless said; one has at most 64 KiB. */
  readonly maxItems?: number
}
export const MAX_ITEMS = 50_000

export const spoolFull = (most: number): KhienRefusal =>
  new KhienRefusal(0, {
    code: 'client/spool-full',
    detail: `The spool holds ${most} items, its limit; nothing of this call was kept. Bring the vault back or empty its folder “refused”.`,
  })

/** What `localStorage` offers, or an asynchronous store of the same shape. */
export type KeyValueStorage = {
  getItem(name: string): string | null | undefined | Promise<string | null | undefined>
  setItem(name: string, text: string): unknown
  removeItem(name: string): unknown
}

/** A spool in memory: what waits is lost with the process. */
export function memorySpool(limit: SpoolLimit = {}): Spool {
  const kept = new Map<string, string>()
  return storageSpool(
    {
      getItem: (name) => kept.get(name),
      setItem: (name, text) => kept.set(name, text),
      removeItem: (name) => kept.delete(name),
    },
    limit,
  )
}

const PREFIX = 'khien-spool:'

/** A spool in a storage of one process (or page): the list of ids stands under one name, each item under its own. */
export function storageSpool(storage: KeyValueStorage, { maxItems = MAX_ITEMS }: SpoolLimit = {}): Spool {
  const taken = new Set<string>()
  let loaded: Promise<{ waiting: string[]; refused: string[] }> | undefined
  // One at a time: two changes of the list at once would lose one of them.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }
  const list = () =>
    (loaded ??= (async () => {
      const text = await storage.getItem(`${PREFIX}list`)
      return text ? (JSON.parse(text) as { waiting: string[]; refused: string[] }) : { waiting: [], refused: [] }
    })())
  const saveList = async (): Promise<void> =>
    void (await storage.setItem(`${PREFIX}list`, JSON.stringify(await list())))

  return {
    add: (items) =>
      inTurn(async () => {
        const { waiting, refused } = await list()
        if (waiting.length + refused.length + items.length > maxItems) throw spoolFull(maxItems)
        for (const item of items) await storage.setItem(PREFIX + item.id, JSON.stringify(item))
        waiting.push(...items.map((item) => item.id))
        await saveList()
      }),
    take: (most, characters) =>
      inTurn(async () => {
        const out: SpoolItem[] = []
        let size = 0
        for (const id of (await list()).waiting) {
          if (taken.has(id)) continue
          const text = await storage.getItem(PREFIX + id)
          if (!text) continue
          if (out.length === most || (out.length > 0 && size + text.length > characters)) break
          size += text.length
          out.push(JSON.parse(text) as SpoolItem)
        }
        for (const item of out) taken.add(item.id)
        return out
      }),
    settle: (items, { done, refused }) =>
      inTurn(async () => {
        const now = await list()
        for (const { id } of items) taken.delete(id)
        now.waiting = now.waiting.filter((id) => !done.has(id) && !refused.has(id))
        for (const item of items) {
          const code = refused.get(item.id)
          if (code === undefined) continue
          now.refused.push(item.id)
          await storage.setItem(PREFIX + item.id, JSON.stringify({ ...item, refused: code }))
        }
        await saveList()
        for (const id of done) await storage.removeItem(PREFIX + id)
      }),
    counts: () =>
      inTurn(async () => {
        const { waiting, refused } = await list()
        return { pending: waiting.length, refused: refused.length }
      }),
    note: async (name) => (await storage.getItem(`${PREFIX}note:${name}`)) ?? undefined,
    keepNote: async (name, text) => void (await storage.setItem(`${PREFIX}note:${name}`, text)),
  }
}
