import type { Khien } from '../../src/client/index.ts'
import type { Safe, Page } from './html.ts'
import type { Answer, Asked } from './http.ts'
import type { Session, Store } from './store.ts'
import type { Words } from './words.ts'

export type Declared = Awaited<ReturnType<Khien['declare']>>
/** Khiên as the pages use it; throws Stop(503) while the node cannot serve. */
export type OpenKhien = () => { readonly khien: Khien; readonly declared: Declared }

export type Context = { readonly store: Store; readonly khien: OpenKhien; readonly folder: string }

export type Visit = {
  readonly asked: Asked
  readonly w: Words
  readonly session: Session | undefined
  /** The signed-in member's token, or empty. */
  readonly subject: string
  readonly page: (page: Page) => Answer
  /** Opens a session in place of the present one, so that nobody keeps an id from before; answers the cookie. */
  readonly begin: (kind: Session['kind'], subject: string) => string
  readonly end: () => string
}

export type Row = {
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  readonly who?: 'member' | 'staff'
  readonly run: (visit: Visit, id: string) => Promise<Answer>
}
export type { Safe }
