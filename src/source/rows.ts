import { list, name, sql, words, type Kind, type Query } from './query.ts'
import { columnOf, type Row, type Session, type Table } from './source.ts'

/** The values of a row's key, in the order of the key's columns, as text. */
export type Key = readonly string[]
/** One text for a key: what a change table holds and a person reads. */
export const keyText = (key: Key): string => JSON.stringify(key)
export const keyFrom = (text: string): Key => JSON.parse(text) as string[]

const own = (table: Table): Query => name(table.schema, table.name)

/** A key's part as its column wants it: MySQL would compare a text with a large integer as floating point. */
function bound(table: Table, column: string, value: string, kind: Kind): Query {
  const type = columnOf(table, column)!
  if (kind === 'mysql' && type.shape === 'number' && /int/i.test(type.type))
    return sql`cast(${value} as ${words(/unsigned/i.test(type.type) ? 'unsigned' : 'signed')})`
  return sql`${value}`
}

function isKey(table: Table, key: Key, kind: Kind): Query {
  const parts = table.key!.map((column, i) => sql`${name(column)} = ${bound(table, column, key[i]!, kind)}`)
  return sql`(${list(parts, ' and ')})`
}

function isOneOf(table: Table, keys: readonly Key[], kind: Kind): Query {
  const [column, ...more] = table.key!
  if (more.length > 0)
    return sql`(${list(
      keys.map((key) => isKey(table, key, kind)),
      ' or ',
    )})`
  return sql`${name(column!)} in (${list(keys.map((key) => bound(table, column!, key[0]!, kind)))})`
}

/** Written out, because MySQL takes no index for `(a, b) > (x, y)`. */
function after(table: Table, key: Key, kind: Kind): Query {
  const columns = table.key!
  const steps = columns.map((column, i) => {
    const same = columns.slice(0, i).map((c, n) => sql`${name(c)} = ${bound(table, c, key[n]!, kind)}`)
    return sql`(${list([...same, sql`${name(column)} > ${bound(table, column, key[i]!, kind)}`], ' and ')})`
  })
  return sql`(${list(steps, ' or ')})`
}

export type Read = {
  readonly columns: readonly string[]
  /** The last key of the page before. */
  readonly after?: Key | undefined
  readonly where?: Query | undefined
  readonly limit: number
}
export type KeyedRow = { readonly key: Key; readonly row: Row }

const keyed = (table: Table, rows: readonly Row[]): KeyedRow[] =>
  rows.map((row) => ({ key: table.key!.map((column) => row[column]!), row }))
const picked = (table: Table, columns: readonly string[]): Query =>
  list([...new Set([...table.key!, ...columns])].map((column) => name(column)))

/** The next rows of a table in the order of its key. */
export async function page(session: Session, table: Table, kind: Kind, read: Read): Promise<KeyedRow[]> {
  const conditions = [
    ...(read.after === undefined ? [] : [after(table, read.after, kind)]),
    ...(read.where === undefined ? [] : [read.where]),
  ]
  const where = conditions.length === 0 ? sql`` : sql` where ${list(conditions, ' and ')}`
  const order = list(table.key!.map((column) => name(column)))
  return keyed(
    table,
    await session.rows(
      sql`select ${picked(table, read.columns)} from ${own(table)}${where} order by ${order} limit ${words(String(read.limit))}`,
    ),
  )
}

/** Rows by their keys, without a lock. */
export const rowsAt = async (
  session: Session, table: Table, kind: Kind, keys: readonly Key[], columns: readonly string[],
): Promise<KeyedRow[]> =>
  keys.length === 0
    ? []
    : keyed(
        table,
        await session.rows(
          sql`select ${picked(table, columns)} from ${own(table)} where ${isOneOf(table, keys, kind)}`,
        ),
      ) // prettier-ignore

/**
 * Rows by their keys, locked until the transaction ends; those that another holds are left out. Whoever never waits for a
 * row cannot be part of a deadlock.
 */
export async function lockRows(
  session: Session, table: Table, kind: Kind, keys: readonly Key[], columns: readonly string[],
): Promise<KeyedRow[]> {
  if (keys.length === 0) return []
  const how = words(kind === 'postgres' ? 'for no key update skip locked' : 'for update skip locked')
  return keyed(
    table,
    await session.rows(
      sql`select ${picked(table, columns)} from ${own(table)} where ${isOneOf(table, keys, kind)} ${how}`,
    ),
  )
} // prettier-ignore

/**
 * Sets one column of several rows in one statement. Rows should be locked before. On MariaDB it waits for no row and no
 * gap either (the neighbour in a unique index, say) and fails as busy instead, so that the app is no deadlock's victim; MySQL
 * waits a second. It goes by the key's index: a scan would meet rows that others hold. Returns how many were changed.
 */
export async function setColumn(
  session: Session, table: Table, kind: Kind, column: string, changes: readonly { key: Key; value: string | null }[],
): Promise<number> {
  if (changes.length === 0) return 0
  const cases = changes.map(({ key, value }) => sql`when ${isKey(table, key, kind)} then ${value}`)
  // What MySQL would set by itself (`updated_at`) stays: the value has not changed, only the place where it lies.
  const kept = table.columns.filter((c) => c.touched && c.name !== column).map((c) => sql`, ${name(c.name)} = ${name(c.name)}`)
  const where = isOneOf(table, changes.map(({ key }) => key), kind)
  if (kind === 'postgres') return session.run(sql`update ${own(table)} set ${name(column)} = case ${list(cases, ' ')} end where ${where}`)
  const index = table.indexes.find((each) => each.unique && each.columns.join() === table.key!.join())!
  return session.run(
    sql`${words('/*M! set statement innodb_lock_wait_timeout = 0 for */')} update ${own(table)} force index (${name(index.name)}) set ${name(column)} = case ${list(cases, ' ')} end${list(kept, '')} where ${where}`,
  )
} // prettier-ignore

/** How many rows meet a condition, counted one by one. */
export async function countRows(session: Session, table: Table, where?: Query): Promise<number> {
  const [row] = await session.rows(
    sql`select count(*) as n from ${own(table)}${where === undefined ? sql`` : sql` where ${where}`}`,
  )
  return Number(row!['n'])
}
