import type { Persistent } from './variables/names.ts'

/** One variable of a collection that outlives a request. Times are seconds since 1970. */
export type Kept = { readonly value: string; readonly changed: number; readonly expires: number }
/** All variables of one collection under one key, by name in lower case. */
export type KeptRecord = Map<string, Kept>

/** Where IP, GLOBAL, SESSION, USER and RESOURCE live between requests. */
export type PersistentCollections = {
  /** The record under that key, made when it is not there. `now` in seconds. */
  open(collection: Persistent, key: string, now: number): KeptRecord
}

/** Variables of one record; setvar beyond it is dropped. */
export const MOST_KEPT = 200

export type MemoryCollections = PersistentCollections & {
  counts(): { readonly records: number; readonly evicted: number }
}

/** In this process's memory: at most `most` records, the one unused longest goes first and is counted. */
export function memoryCollections(most = 10_000): MemoryCollections {
  const records = new Map<string, KeptRecord>()
  let evicted = 0
  return {
    open(collection, key, now) {
      const name = `${collection}:${key.slice(0, 512)}`
      const record = records.get(name) ?? new Map<string, Kept>()
      for (const [variable, { expires }] of record) if (expires <= now) record.delete(variable)
      records.delete(name)
      records.set(name, record)
      for (const oldest of records.keys()) {
        if (records.size <= most) break
        records.delete(oldest)
        evicted++
      }
      return record
    },
    counts: () => ({ records: records.size, evicted }),
  }
}
