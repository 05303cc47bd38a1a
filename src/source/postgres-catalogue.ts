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

const SHAPES: Readonly<Record<string, Shape>> = { S: 'text', N: 'number', D: 'time', T: 'time' }
const yes = (text: string | null | undefined): boolean => text === 't'
const names = (text: string | null | undefined): string[] => JSON.parse(text ?? '[]') as string[]

/** Ordinary and partitioned tables of all schemas that are not the server's own, as pg_catalog tells of them. */
export async function postgresTables(session: Session): Promise<Table[]> {
  const tables = await session.rows(sql`
    select c.oid, n.nspname as schema, c.relname as name, greatest(c.reltuples, 0)::bigint as rows,
           pg_total_relation_size(c.oid) as bytes, n.nspname = current_schema() as usual
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and not c.relispartition
       and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
     order by n.nspname, c.relname`)
  const columns = await session.rows(sql`
    select a.attrelid as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
           t.typcategory as category, coalesce(b.typname, t.typname) as base, t.typname as typname,
           case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end as longest,
           not a.attnotnull as nullable, a.attgenerated <> '' as generated
      from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type b on b.oid = t.typbasetype
     where a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum`)
  const indexes = await session.rows(sql`
    select i.indrelid as table, c.relname as name, i.indisunique and i.indpred is null as unique, i.indisprimary as primary,
           (select json_agg(coalesce(a.attname, '') order by k.place)
              from unnest(i.indkey::int2[]) with ordinality k(num, place)
              left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.num and k.num > 0) as columns,
           coalesce(pg_get_expr(i.indexprs, i.indrelid), '') as expression
      from pg_index i join pg_class c on c.oid = i.indexrelid where i.indisvalid order by c.relname`)
  const links = await session.rows(sql`
    select f.conname as name, f.conrelid as table, f.confrelid as target, f.confdeltype = 'c' as cascades,
           (select json_agg(a.attname order by k.place) from unnest(f.conkey) with ordinality k(num, place)
              join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.num) as columns,
           (select json_agg(a.attname order by k.place) from unnest(f.confkey) with ordinality k(num, place)
              join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.num) as target_columns
      from pg_constraint f where f.contype = 'f' order by f.conname`)
  const views = await session.rows(sql`
    select distinct d.refobjid as table, a.attname as column, n.nspname || '.' || v.relname as name, v.relkind = 'm' as stored
      from pg_depend d join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
      join pg_class v on v.oid = r.ev_class join pg_namespace n on n.oid = v.relnamespace
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and v.relkind in ('v', 'm') order by 3`)
  const triggers = await session.rows(
    sql`select tgrelid as table, tgname as name from pg_trigger where not tgisinternal order by tgname`,
  )
  const checks = await session.rows(sql`
    select conrelid as table, conname as name, pg_get_constraintdef(oid) as text
      from pg_constraint where contype = 'c' and conrelid <> 0 order by conname`)
  const labels = new Map(tables.map((row) => [row['oid']!, labelOf(row)]))
  return tables.map((row): Table => {
    const mine = (rows: readonly Row[]): Row[] => rows.filter((each) => each['table'] === row['oid'])
    const cols = mine(columns).map(columnFrom)
    const idx = mine(indexes).map(indexFrom)
    return {
      schema: row['schema']!,
      name: row['name']!,
      label: labelOf(row),
      rows: Number(row['rows']),
      bytes: Number(row['bytes']),
      columns: cols,
      key: keyOf(idx, cols),
      indexes: idx,
      foreignKeys: mine(links).map((link): ForeignKey => ({
        name: link['name']!,
        columns: names(link['columns']),
        table: labels.get(link['target']!) ?? '',
        to: names(link['target_columns']),
        cascades: yes(link['cascades']),
      })),
      views: mine(views).map((v) => ({ name: v['name']!, column: v['column']!, stored: yes(v['stored']) })),
      triggers: mine(triggers).map((trigger) => trigger['name']!),
      checks: mine(checks).map((check) => ({ name: check['name']!, text: check['text']! })),
    }
  })
}

const labelOf = (row: Row): string => (yes(row['usual']) ? row['name']! : `${row['schema']}.${row['name']}`)

/** An index over an expression names what its expression speaks of, so that nobody overlooks it. */
function indexFrom(row: Row): Index {
  const plain = names(row['columns'])
  const inside = plain.includes('') ? [`(${row['expression']})`] : []
  return {
    name: row['name']!,
    columns: [...plain.filter((column) => column !== ''), ...inside],
    unique: yes(row['unique']),
    primary: yes(row['primary']),
  }
}

function columnFrom(row: Row): Column {
  const base = row['base']!
  const shape = base === 'bytea' ? 'bytes' : (SHAPES[row['category']!] ?? 'other')
  return {
    name: row['name']!,
    type: row['type']!,
    shape,
    ...(row['longest'] == null ? {} : { longest: Number(row['longest']) }),
    padded: base === 'bpchar',
    nullable: yes(row['nullable']),
    generated: yes(row['generated']),
    touched: false,
  }
}
