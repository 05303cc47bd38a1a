import type { Act, RecordActs } from './act.ts'

/** Keeps acts in memory where a test looks at them; the real log has tests of its own. */
export function recordedActs(): { readonly acts: Act[]; readonly record: RecordActs } {
  const acts: Act[] = []
  return {
    acts,
    record: async (_trx, given) => {
      acts.push(...given)
      return given.map((_, i) => `aud_${acts.length + i}`)
    },
  }
}
