/** Longest text shown of a match. */
const SHOWN = 40

const WORDS = /[A-Za-z]{3,}/g

/** Words of three letters and more that a rule itself spells out; escapes such as `\b` are not letters of a word. */
export const vocabularyOf = (param: string): ReadonlySet<string> =>
  new Set((param.replace(/\\[A-Za-z]/g, ' ').match(WORDS) ?? []).map((word) => word.toLowerCase()))

/**
 * What may be shown of a matched value: the part that matched, with every word the rule does not itself spell, every digit and every byte
 * above ASCII as `•` (one for a run), and its length. Whatever a person typed can so appear only if the published rule already says it.
 */
export function maskMatch(matched: string, vocabulary: ReadonlySet<string>, valueLength: number): string {
  const shown = matched
    .slice(0, 400)
    .replace(/[A-Za-z]+|[^A-Za-z]/g, (piece) => {
      if (/^[A-Za-z]/.test(piece)) return vocabulary.has(piece.toLowerCase()) ? piece.toLowerCase() : '•'
      if (/[\t-\r ]/.test(piece)) return ' '
      return /[!-/:-?[-`{-~]/.test(piece) ? piece : '•'
    })
    .replace(/•[• ]*•/g, '•')
    .replace(/ {2,}/g, ' ')
  return `${shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown} (${valueLength} bytes)`
}

/** A name of an argument, header or cookie as it may be shown: names are mostly the application's own, but anyone may send one. */
export function maskName(name: string): string {
  if (name.includes('@')) return '•'
  const shown = name
    .slice(0, 256)
    .replace(/[^A-Za-z0-9_.\-[\]]+/g, '•')
    .replace(/\d{6,}/g, '•')
  return shown.length > 64 ? `${shown.slice(0, 64)}…` : shown
}

/** `ARGS:q`, `REQUEST_HEADERS:user-agent`; of the *_NAMES collections only the collection, since there the name is the value. */
export function placeOf(collection: string, key: string): string {
  if (key === '' || collection.endsWith('_NAMES')) return collection
  const shown = collection.startsWith('REQUEST_HEADERS') ? key.toLowerCase() : key
  return `${collection}:${maskName(shown)}`
}
