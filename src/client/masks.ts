/** Where a mask belongs. The purpose is part of it: what one purpose may show, another may not. */
export type MaskPlace = {
  readonly subject: string
  readonly purpose: string
  readonly collection: string
  readonly record: string
}
export type CachedMasks = { readonly masks: Record<string, string | null>; readonly at: number }

/** Masks of earlier reads, in memory alone: the ones unused longest go first. Never a plain value. */
export function maskCache(most: number, longestMs: number) {
  const kept = new Map<string, CachedMasks>()
  const nameOf = ({ subject, purpose, collection, record }: MaskPlace): string =>
    `${subject} ${purpose} ${collection} ${record}`

  return {
    keep(place: MaskPlace, masks: Record<string, string | null>): void {
      const name = nameOf(place)
      const before = kept.get(name)
      kept.delete(name)
      if (most > 0) kept.set(name, { masks: { ...before?.masks, ...masks }, at: Date.now() })
      if (kept.size > most) kept.delete(kept.keys().next().value!)
    },
    /** The masks of all these fields, or undefined when one is not here or is too old. */
    find(place: MaskPlace, fields: readonly string[]): CachedMasks | undefined {
      const name = nameOf(place)
      const found = kept.get(name)
      if (found === undefined) return undefined
      kept.delete(name)
      if (Date.now() - found.at > longestMs) return undefined
      kept.set(name, found)
      if (!fields.every((field) => Object.hasOwn(found.masks, field))) return undefined
      return { masks: Object.fromEntries(fields.map((field) => [field, found.masks[field]!])), at: found.at }
    },
    forget: (place: MaskPlace): void => void kept.delete(nameOf(place)),
    /** Everything of a person: they were erased, or changed their mind. */
    forgetPerson(subject: string): void {
      for (const name of kept.keys()) if (name.startsWith(`${subject} `)) kept.delete(name)
    },
    size: (): number => kept.size,
  }
}
