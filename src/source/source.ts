import type { Kind, Query } from './query.ts'

/** Everything is text as the server prints it, so that a key or a number keeps all its digits. */
export type Row = Readonly<Record<string, string | null>>

export type Session = {
  /** Rows of a query. */
  readonly rows: (query: Query) => Promise<Row[]>
  /** How many rows a change touched. */
  readonly run: (query: Query) => Promise<number>
}

export type Source = AsyncDisposable & {
  readonly kind: Kind
  /** `PostgreSQL at 10.0.0.5:5432/shop`; never a user or password. */
  readonly place: string
  /** In one read-only transaction, so that all it reads is of one moment. */
  readonly read: <T>(work: (session: Session) => Promise<T>) => Promise<T>
  /** In one transaction (read committed) that waits for a lock no longer than a second. Rolled back when `work` throws. */
  readonly write: <T>(work: (session: Session) => Promise<T>) => Promise<T>
  /** Statements each by itself, for what no transaction takes; locks are waited for as in `write`. */
  readonly alone: <T>(work: (session: Session) => Promise<T>) => Promise<T>
  /** A lock by name that the server drops with its connection, however its holder dies; undefined when another has it. */
  readonly claim: (name: string) => Promise<AsyncDisposable | undefined>
  readonly tables: () => Promise<Table[]>
}

/** `text` can hold a token; the others cannot. */
export type Shape = 'text' | 'number' | 'time' | 'bytes' | 'other'

export type Column = {
  readonly name: string
  /** As the server spells it: `character varying(20)`. */
  readonly type: string
  readonly shape: Shape
  /** Characters; undefined without a limit. */
  readonly longest?: number
  /** Padded to its length: `char(10)`. */
  readonly padded: boolean
  readonly nullable: boolean
  /** Computed by the server from other columns. */
  readonly generated: boolean
  /** MySQL sets it by itself at each change of the row. */
  readonly touched: boolean
}

export type Index = {
  readonly name: string
  readonly columns: readonly string[]
  readonly unique: boolean
  readonly primary: boolean
}

export type ForeignKey = {
  readonly name: string
  readonly columns: readonly string[]
  readonly table: string
  readonly to: readonly string[]
  /** Rows go with the row they point to. */
  readonly cascades: boolean
}

export type Table = {
  readonly schema: string
  readonly name: string
  /** `users`, or `sales.users` outside the usual schema: what people and plans call it. */
  readonly label: string
  /** An estimate of the server's own statistics. */
  readonly rows: number
  readonly bytes: number
  readonly columns: readonly Column[]
  /** Columns that name a row: the primary key, or a unique index over columns that are never null. */
  readonly key: readonly string[] | undefined
  readonly indexes: readonly Index[]
  readonly foreignKeys: readonly ForeignKey[]
  readonly views: readonly { readonly name: string; readonly column: string; readonly stored: boolean }[]
  readonly triggers: readonly string[]
  readonly checks: readonly { readonly name: string; readonly text: string }[]
}

export const columnOf = (table: Table, name: string): Column | undefined => table.columns.find((c) => c.name === name)

/** The primary key, or a unique index that can stand for it. */
export function keyOf(indexes: readonly Index[], columns: readonly Column[]): readonly string[] | undefined {
  const firm = (index: Index): boolean =>
    index.unique &&
    index.columns.length > 0 &&
    index.columns.every((name) => columns.some((c) => c.name === name && !c.nullable && c.shape !== 'bytes'))
  return (indexes.find((index) => index.primary && firm(index)) ?? indexes.find(firm))?.columns
}
