import { z } from 'zod'

/** What every list of the console takes: an opaque cursor and how many. */
export const Page = {
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
}

/** One page of a list; `next` is there as long as there is more. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ items: z.array(item), next: z.string().nullable(), total: z.number().int().nullable() })

/** Times are UTC, ISO 8601. */
export const At = z.iso.datetime()
/** A sentence a member of staff writes. It stays in the control store, never in the log. */
export const Sentence = z.string().trim().min(1).max(4_000)
/** Both languages of a text of the law. */
export const Article = z.strictObject({ vi: z.string(), en: z.string() })

/** A deadline: which, from when, until when, met when. Computed from stored instants whenever it is asked for. */
export const Clock = z.strictObject({
  kind: z.string(),
  start: At,
  due: At,
  metAt: At.nullable(),
  /** Null when it is our own promise and not the law's. */
  article: Article.nullable(),
})
export type Clock = z.output<typeof Clock>
