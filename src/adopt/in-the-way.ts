import { list, sql, type Source } from '../source/index.ts'

/** A view that must go before a column can be made wider, and how it comes back. */
export type ViewInTheWay = {
  readonly view: string
  /** `users.phone` */
  readonly over: string[]
  readonly drop: string
  readonly create: string
}

/**
 * Views over columns that must be widened, and the views over those, in the order in which they can be dropped. PostgreSQL
 * changes no type under a view (ALTER TABLE, Notes); MySQL and MariaDB do.
 */
export async function viewsInTheWay(
  source: Source,
  columns: readonly { readonly schema: string; readonly table: string; readonly column: string }[],
): Promise<ViewInTheWay[]> {
  if (source.kind !== 'postgres' || columns.length === 0) return []
  const asked = list(
    columns.map(({ schema, table, column }) => sql`(${schema}::text, ${table}::text, ${column}::text)`),
  )
  const rows = await source.read((s) =>
    s.rows(sql`
      with recursive asked (schema, tbl, col) as (values ${asked}),
      found (oid, over, depth) as (
        select r.ev_class, asked.tbl || '.' || asked.col, 1
          from asked
          join pg_namespace n on n.nspname = asked.schema
          join pg_class c on c.relnamespace = n.oid and c.relname = asked.tbl
          join pg_attribute a on a.attrelid = c.oid and a.attname = asked.col
          join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum
          join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
        union
        select r.ev_class, found.over, found.depth + 1
          from found
          join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = found.oid
          join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
         where r.ev_class <> found.oid and found.depth < 20)
      select format('%I.%I', n.nspname, v.relname) as name, v.relkind = 'm' as stored,
             pg_get_viewdef(v.oid) as text, json_agg(distinct found.over) as over, max(found.depth) as depth
        from found join pg_class v on v.oid = found.oid join pg_namespace n on n.oid = v.relnamespace
       where v.relkind in ('v', 'm')
       group by v.oid, n.nspname, v.relname, v.relkind order by max(found.depth) desc, 1`),
  )
  return rows.map((row) => {
    const what = row['stored'] === 't' ? 'materialized view' : 'view'
    return {
      view: row['name']!,
      over: JSON.parse(row['over']!) as string[],
      drop: `drop ${what} ${row['name']}`,
      create: `create ${what} ${row['name']} as ${row['text']!.replace(/;\s*$/, '')}`,
    }
  })
}
