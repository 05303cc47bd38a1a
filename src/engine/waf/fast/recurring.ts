import type { Text } from './text.ts'

/** Longest text kept for the next request, and how many of them. */
export const SHORT = 128
const KEPT = 1_000
/** Places for what was met once; a power of two. */
const MET = 4_096

/**
 * Short texts of the last requests. Most requests bring the same names and headers again; what is known of a text depends on nothing but
 * the text. Only what comes a second time is kept: values that never come again would each outlive their request, and the collector would
 * carry them all into old space. What then does not come again is forgotten within two thousand others.
 */
export class Recurring {
  private young = new Map<string, Text>()
  private old = new Map<string, Text>()
  private readonly met = new Int32Array(MET)

  find(value: string): Text | undefined {
    const text = this.young.get(value)
    if (text !== undefined) return text
    const before = this.old.get(value)
    if (before !== undefined) this.keep(value, before)
    return before
  }

  /** Whether the value has been met lately, or one so like it that it had better be kept; a first meeting is noted. */
  hasMet(value: string): boolean {
    const hash = hashOf(value)
    const place = hash & (MET - 1)
    if (this.met[place] === hash) return true
    this.met[place] = hash
    return false
  }

  keep(value: string, text: Text): void {
    if (this.young.size >= KEPT) {
      this.old = this.young
      this.young = new Map()
    }
    this.young.set(value, text)
  }
}

/** FNV-1a; never 0, which is what no place holds. */
function hashOf(value: string): number {
  let hash = 0x811c9dc5 | 0
  for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193)
  return hash ^ (hash >>> 15) || 1
}
