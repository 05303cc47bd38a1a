import type { Refusal } from './put.ts'

/** What items of the batches have in common; each batch has some of it. */
type Item = { readonly subject: string; readonly fields?: unknown; readonly agreement?: string | undefined }

/** What is wrong for the whole batch, told with each item. */
const OF_BATCH: Readonly<Record<string, string>> = {
  'vault/unknown-purpose': 'body.purpose',
  'vault/no-law': 'body.purpose',
}

/** Which part of an item a refusal is about, where whoever refused did not say. */
function partOf(code: string, item: Item): string {
  if (code === 'vault/unknown-field') return item.fields === undefined ? '.collection' : '.fields'
  if (code === 'vault/no-agreement' && item.agreement !== undefined) return '.agreement'
  return item.fields !== undefined && ABOUT_FIELDS.has(code) ? '.fields' : '.subject'
}
const ABOUT_FIELDS: ReadonlySet<string> = new Set([
  'vault/altered',
  'vault/field-outside-purpose',
  'vault/no-fields',
  'vault/nothing-held',
  'vault/twice',
  'vault/write-only',
])

/** Answers of a batch in which every refusal names its place in the request: `body.items.3.fields`, or `body.purpose`. */
export const placed = <R extends { readonly ok: true } | Refusal>(items: readonly Item[], answers: readonly R[]): R[] =>
  answers.map((answer, i) =>
    answer.ok || answer.field !== undefined
      ? answer
      : { ...answer, field: OF_BATCH[answer.code] ?? `body.items.${i}${partOf(answer.code, items[i]!)}` },
  )
