import { list, sql, words, type Kind, type Row, type Session, type Source } from '../source/index.ts'

/**
 * What moving remembers lies in the source database, so that it goes where the data goes and outlives every kill: `khien_adopt`
 * (plan, places reached, columns switched), `khien_adopt_change` (keys of rows that changed), `khien_adopt_left` (cells
 * the vault does not take, and why). Keys and reasons only, never a value of a person.
 */
export async function createState(source: Source): Promise<void> {
  const serial = source.kind === 'postgres' ? 'bigserial' : 'bigint auto_increment'
  const engine = source.kind === 'postgres' ? '' : ' engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin'
  const now =
    source.kind === 'postgres'
      ? 'timestamptz not null default clock_timestamp()'
      : 'timestamp(3) not null default current_timestamp(3)'
  for (const table of [
    `khien_adopt (name varchar(190) primary key, value text not null)`,
    `khien_adopt_change (id ${serial} primary key, tbl varchar(190) not null, k varchar(500) not null,
       op char(1) not null, s varchar(24), o text, n varchar(500), at ${now}${source.kind === 'mysql' ? ', key khien_adopt_change_k (tbl, k(100))' : ''})`,
    `khien_adopt_left (tbl varchar(130) not null, k varchar(300) not null, col varchar(100) not null,
       code varchar(80) not null, at ${now}, primary key (tbl, k, col))`,
  ])
    await source.alone((s) => s.run(words(`create table if not exists ${table}${engine}`)))
  if (source.kind === 'postgres')
    await source.alone((s) =>
      s.run(words('create index if not exists khien_adopt_change_k on khien_adopt_change (tbl, k)')),
    )
}

export const STATE_TABLES = ['khien_adopt_change', 'khien_adopt_left', 'khien_adopt'] as const

export async function hasState(source: Source): Promise<boolean> {
  const schema = source.kind === 'postgres' ? 'current_schema()' : 'database()'
  const rows = await source.read((s) =>
    s.rows(
      sql`select 1 from information_schema.tables where table_schema = ${words(schema)} and table_name = ${'khien_adopt'}`,
    ),
  )
  return rows.length > 0
}

export async function recall(session: Session, name: string): Promise<string | undefined> {
  const [row] = await session.rows(sql`select value from khien_adopt where name = ${name}`)
  return row?.['value'] ?? undefined
}

export async function remember(session: Session, kind: Kind, name: string, value: string): Promise<void> {
  const clash =
    kind === 'postgres'
      ? sql`on conflict (name) do update set value = excluded.value`
      : sql`on duplicate key update value = values(value)`
  await session.run(sql`insert into khien_adopt (name, value) values (${name}, ${value}) ${clash}`)
}

/** A cell that stays as it is, with the code of why. */
export type Left = { readonly table: string; readonly key: string; readonly column: string; readonly code: string }

export async function leave(session: Session, kind: Kind, cells: readonly Left[]): Promise<void> {
  if (cells.length === 0) return
  const clash =
    kind === 'postgres'
      ? sql`on conflict (tbl, k, col) do update set code = excluded.code`
      : sql`on duplicate key update code = values(code)`
  const rows = cells.map(
    ({ table, key, column, code }) => sql`(${table}, ${key.slice(0, 300)}, ${column}, ${code.slice(0, 80)})`,
  )
  await session.run(sql`insert into khien_adopt_left (tbl, k, col, code) values ${list(rows)} ${clash}`)
}

/** Which of these rows' cells stay as they are: key and column. */
export async function leftAmong(session: Session, table: string, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set()
  const rows = await session.rows(
    sql`select k, col from khien_adopt_left where tbl = ${table} and k in (${list(keys.map((k) => sql`${k}`))})`,
  )
  return new Set(rows.map((row) => `${row['k']} ${row['col']}`))
}

export async function countLeft(session: Session, table: string): Promise<number> {
  const [row] = await session.rows(sql`select count(*) as n from khien_adopt_left where tbl = ${table}`)
  return Number(row!['n'])
}

/** Takes cells off the list of those that stay: the vault has taken them, or they are gone. */
export async function unleave(
  session: Session,
  table: string,
  keys: readonly string[],
  columns?: readonly string[],
): Promise<void> {
  if (keys.length === 0) return
  const only = columns === undefined ? sql`` : sql` and col in (${list(columns.map((c) => sql`${c}`))})`
  await session.run(
    sql`delete from khien_adopt_left where tbl = ${table} and k in (${list(keys.map((k) => sql`${k}`))})${only}`,
  )
}

/** Rows to be looked at again by `follow`. */
export async function mark(session: Session, table: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await session.run(
    sql`insert into khien_adopt_change (tbl, k, op) values ${list(keys.map((k) => sql`(${table}, ${k}, 'c')`))}`,
  )
}

/** Which of these rows have changes that nobody has followed yet. */
export async function pendingAmong(session: Session, table: string, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set()
  const rows = await session.rows(
    sql`select distinct k from khien_adopt_change where tbl = ${table} and op <> 'g' and k in (${list(keys.map((k) => sql`${k}`))})`,
  )
  return new Set(rows.map((row) => row['k']!))
}

export type Lag = { readonly changes: number; readonly seconds: number }

/** How far following is behind: rows that wait, and the age of the oldest. */
export async function lagOf(session: Session, kind: Kind): Promise<Lag> {
  const age =
    kind === 'postgres'
      ? sql`coalesce(extract(epoch from clock_timestamp() - min(at)), 0)`
      : sql`coalesce(timestampdiff(microsecond, min(at), current_timestamp(3)) / 1000000, 0)`
  const [row] = (await session.rows(
    sql`select count(*) as n, ${age} as age from khien_adopt_change where op <> 'g'`,
  )) as [Row]
  return { changes: Number(row['n']), seconds: Math.max(0, Number(row['age'])) }
}
