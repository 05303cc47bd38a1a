import { sql } from './query.ts'
import {
  keyOf,
  type Column,
  type ForeignKey,
  type Index,
  type Row,
  type Session,
  type Shape,
  type Table,
} from './source.ts'

const TEXT = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'])
const NUMBER = new Set([
  'tinyint',
  'smallint',
  'mediumint',
  'int',
  'bigint',
  'decimal',
  'float',
  'double',
  'bit',
  'year',
])
const TIME = new Set(['date', 'datetime', 'timestamp', 'time'])
const BYTES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'])
const names = (text: string | null | undefined): string[] => JSON.parse(text ?? '[]') as string[]

/** Base tables of the database of the address, as information_schema tells of them. */
export async function mysqlTables(session: Session): Promise<Table[]> {
  const tables = await session.rows(sql`
    select table_schema as 's', table_name as 'name', coalesce(table_rows, 0) as 'rows',
           coalesce(data_length + index_length, 0) as 'bytes'
      from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE' order by table_name`)
  const columns = await session.rows(sql`
    select table_name as 'table', column_name as 'name', column_type as 'type', data_type as 'base',
           character_maximum_length as 'longest', is_nullable as 'nullable', extra as 'extra',
           coalesce(generation_expression, '') as 'expression'
      from information_schema.columns where table_schema = database() order by table_name, ordinal_position`)
  const indexes = await session.rows(sql`
    select table_name as 'table', index_name as 'name', min(non_unique) as 'loose',
           concat('[', group_concat(json_quote(coalesce(column_name, '(expression)')) order by seq_in_index), ']') as 'columns',
           max(sub_part is not null) as 'parts'
      from information_schema.statistics where table_schema = database() group by table_name, index_name`)
  const links = await session.rows(sql`
    select k.table_name as 'table', k.constraint_name as 'name', k.referenced_table_name as 'target',
           max(r.delete_rule) as 'rule',
           concat('[', group_concat(json_quote(k.column_name) order by k.ordinal_position), ']') as 'columns',
           concat('[', group_concat(json_quote(k.referenced_column_name) order by k.ordinal_position), ']') as 'to'
      from information_schema.key_column_usage k
      join information_schema.referential_constraints r
        on r.constraint_schema = k.constraint_schema and r.constraint_name = k.constraint_name and r.table_name = k.table_name
     where k.table_schema = database() and k.referenced_table_name is not null
     group by k.table_name, k.constraint_name, k.referenced_table_name`)
  const views = await session.rows(sql`
    select table_name as 'name', lower(view_definition) as 'text' from information_schema.views where table_schema = database()`)
  const triggers = await session.rows(sql`
    select event_object_table as 'table', trigger_name as 'name' from information_schema.triggers
     where trigger_schema = database() order by trigger_name`)
  const checks = await session.rows(sql`
    select t.table_name as 'table', c.constraint_name as 'name', c.check_clause as 'text'
      from information_schema.check_constraints c join information_schema.table_constraints t
        on t.constraint_schema = c.constraint_schema and t.constraint_name = c.constraint_name
     where c.constraint_schema = database() and t.constraint_type = 'CHECK'`)
  return tables.map((row): Table => {
    const mine = (rows: readonly Row[]): Row[] => rows.filter((each) => each['table'] === row['name'])
    const cols = mine(columns).map(columnFrom)
    const idx = mine(indexes).map((index): Index => ({
      name: index['name']!,
      columns: names(index['columns']),
      // An index over the first letters alone is unique over them, not over the column.
      unique: index['loose'] === '0' && index['parts'] === '0',
      primary: index['name'] === 'PRIMARY',
    }))
    return {
      schema: row['s']!,
      name: row['name']!,
      label: row['name']!,
      rows: Number(row['rows']),
      bytes: Number(row['bytes']),
      columns: cols,
      key: keyOf(idx, cols),
      indexes: idx,
      foreignKeys: mine(links).map((link): ForeignKey => ({
        name: link['name']!,
        columns: names(link['columns']),
        table: link['target']!,
        to: names(link['to']),
        cascades: link['rule'] === 'CASCADE',
      })),
      views: viewsOver(row['name']!, cols, views),
      triggers: mine(triggers).map((trigger) => trigger['name']!),
      checks: mine(checks).map((check) => ({ name: check['name']!, text: check['text']! })),
    }
  })
}

/** MySQL keeps a view as a text with every name quoted: what speaks of the table and the column uses it. */
const viewsOver = (table: string, columns: readonly Column[], views: readonly Row[]): Table['views'] =>
  views.flatMap((view) => {
    const text = view['text'] ?? ''
    if (!text.includes(`\`${table.toLowerCase()}\``)) return []
    return columns
      .filter((column) => text.includes(`\`${column.name.toLowerCase()}\``))
      .map((column) => ({ name: view['name']!, column: column.name, stored: false }))
  })

function columnFrom(row: Row): Column {
  const base = row['base']!.toLowerCase()
  const shape: Shape = TEXT.has(base)
    ? 'text'
    : NUMBER.has(base)
      ? 'number'
      : TIME.has(base)
        ? 'time'
        : BYTES.has(base)
          ? 'bytes'
          : 'other'
  const extra = (row['extra'] ?? '').toLowerCase()
  return {
    name: row['name']!,
    type: row['type']!,
    shape,
    ...(shape === 'text' && row['longest'] != null && base.endsWith('char') ? { longest: Number(row['longest']) } : {}),
    padded: base === 'char',
    nullable: row['nullable'] === 'YES',
    generated: row['expression'] !== '' && row['expression'] != null,
    touched: extra.includes('on update'),
  }
}
