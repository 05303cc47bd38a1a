import type { Asked } from './bind.ts'
import type { Html } from './html.ts'

export type Page = {
  readonly title: string
  readonly path: string
  readonly body: Html
  readonly script?: string
  readonly status?: number
  readonly cookies?: readonly string[]
}

/** Puts a slice's page into the console's or the citizen's frame; the composition root knows rail, names and state. */
export type Frame = (asked: Asked, page: Page) => Promise<Response>
