import { findPersonalData, type FindOptions } from './find.ts'
import type { Kind } from './kinds.ts'

/** Different values of each kind in a text: about how many people it speaks of. Only counts leave; the values do not. */
export function countSubjects(text: string, options: FindOptions): Readonly<Partial<Record<Kind, number>>> {
  const seen = new Map<Kind, Set<string>>()
  for (const { kind, value } of findPersonalData(text, options)) {
    const values = seen.get(kind) ?? new Set<string>()
    seen.set(kind, values.add(value))
  }
  return Object.fromEntries([...seen].map(([kind, values]) => [kind, values.size]))
}
