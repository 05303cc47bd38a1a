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
  /**
   * Goes along the key's index whatever the server expects of `where`. Its statistics are of before when a whole column
   * changes: it would take the next page for the last few rows and look for them in all of the table, page after page.
   */
  readonly alongKey?: boolean
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
  const forced = read.alongKey === true && read.where !== undefined
  if (forced && kind === 'postgres') await session.run(words('set local enable_sort = off'))
  const index = forced && kind === 'mysql' ? sql` force index (${name(keyIndex(table))})` : sql``
  return keyed(
    table,
    await session.rows(
      sql`select ${picked(table, read.columns)} from ${own(table)}${index}${where} order by ${order} limit ${words(String(read.limit))}`,
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

/** What cells of a row become, in the order of the columns named; undefined: the cell stays. */
export type Change = { readonly key: Key; readonly value: string | readonly (string | undefined)[] }

/**
 * Sets one column, or several, of several rows in one statement: one new version of a row. Rows should be locked before. On
 * MariaDB it waits for no row and no gap either (the neighbour in a unique index, say) and fails as busy instead, so that the
 * app is no deadlock's victim; MySQL waits a second. It goes by the key's index: a scan would meet rows that others hold.
 * Returns how many were changed.
 */
export async function setColumn(
  session: Session, table: Table, kind: Kind, columns: string | readonly string[], changes: readonly Change[],
): Promise<number> {
  if (changes.length === 0) return 0
  const names = typeof columns === 'string' ? [columns] : columns
  const rows = changes.map(({ key, value }) => ({ key, cells: typeof value === 'string' ? [value] : value }))
  return session.run(kind === 'postgres' ? joined(table, names, rows) : cased(table, names, rows))
} // prettier-ignore

type Cells = { readonly key: Key; readonly cells: readonly (string | undefined)[] }

/** Joined with a list of rows: PostgreSQL finds a value by hashing or by the key, not by trying one case after the other. */
function joined(table: Table, columns: readonly string[], rows: readonly Cells[]): Query {
  const parts = table.key!.map((column, i) => ({ column: name(column), as: words(`k${i}`), type: words(columnOf(table, column)!.type) }))
  // The first row says of which type the others are.
  const values = rows.map(({ key, cells }, n) => {
    const keys = parts.map(({ type }, i) => (n === 0 ? sql`cast(${key[i]!} as ${type})` : sql`${key[i]!}`))
    return sql`(${list([...keys, ...columns.map((_, i) => (n === 0 ? sql`cast(${cells[i] ?? null} as text)` : sql`${cells[i] ?? null}`))])})`
  })
  const sets = columns.map((column, i) => sql`${name(column)} = coalesce(khien.v${words(String(i))}, here.${name(column)})`)
  const heads = [...parts.map(({ as }) => as), ...columns.map((_, i) => words(`v${i}`))]
  const same = parts.map(({ column, as }) => sql`here.${column} = khien.${as}`)
  return sql`update ${own(table)} as here set ${list(sets)} from (values ${list(values)}) as khien (${list(heads)}) where ${list(same, ' and ')}`
} // prettier-ignore

/** Case by case: a join could begin at the other end, with rows that others hold. */
function cased(table: Table, columns: readonly string[], rows: readonly Cells[]): Query {
  const sets = columns.map((column, i) => {
    const cases = rows.flatMap(({ key, cells }) =>
      cells[i] === undefined ? [] : [sql`when ${isKey(table, key, 'mysql')} then ${cells[i]}`],
    )
    const others = cases.length === rows.length ? sql`` : sql` else ${name(column)}`
    return sql`${name(column)} = case ${list(cases, ' ')}${others} end`
  })
  // What MySQL would set by itself (`updated_at`) stays: the value has not changed, only the place where it lies.
  const kept = table.columns.filter((c) => c.touched && !columns.includes(c.name)).map((c) => sql`${name(c.name)} = ${name(c.name)}`)
  const where = isOneOf(table, rows.map(({ key }) => key), 'mysql')
  return sql`${words('/*M! set statement innodb_lock_wait_timeout = 0 for */')} update ${own(table)} force index (${name(keyIndex(table))}) set ${list([...sets, ...kept])} where ${where}`
} // prettier-ignore

const keyIndex = (table: Table): string =>
  table.indexes.find((each) => each.unique && each.columns.join() === table.key!.join())!.name

/** How many rows meet a condition, counted one by one. */
export async function countRows(session: Session, table: Table, where?: Query): Promise<number> {
  const [row] = await session.rows(
    sql`select count(*) as n from ${own(table)}${where === undefined ? sql`` : sql` where ${where}`}`,
  )
  return Number(row!['n'])
}
