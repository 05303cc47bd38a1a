import { list, literal, name, sql, words, type Kind, type Query, type Source, type Table } from '../source/index.ts'
import { SUBJECT, type Move, type Moving } from './move.ts'
import { columnsIn, type Hop } from './plan.ts'

/** Names of what the source gets for the time of moving; all of it goes with `purge`. */
export const triggerName = (n: number, when: string): string => `khien_adopt_${n}_${when}`

/**
 * Follows changes of a table into `khien_adopt_change`: `c` and the key for a row that came or whose columns of the plan
 * changed to something other than a token; `d` for a row that went, `m` for one that got another key, person or record,
 * with what is needed to find its place in the vault. Nothing an app does can fail by it: one insert without any constraint.
 */
export function triggersOf(move: Move, n: number, schema: string): { name: string; drop: Query; create: Query[] }[] {
  return move.source.kind === 'postgres' ? postgresTriggers(move, n, schema) : mysqlTriggers(move, n)
}

type Alias = 'OLD' | 'NEW' | 'c'
const cellOf = (alias: Alias, column: string): Query => sql`${words(alias)}.${name(column)}`
const asText = (cell: Query, kind: Kind): Query =>
  kind === 'postgres' ? sql`${cell}::text` : sql`cast(${cell} as char character set utf8mb4)`

function keyIn(table: Table, alias: Alias, kind: Kind): Query {
  const parts = table.key!.map((column) => asText(cellOf(alias, column), kind))
  return kind === 'postgres'
    ? sql`'[' || ${list(parts.map((part) => sql`to_json(${part})::text`), " || ',' || ")} || ']'`
    : sql`concat('[', ${list(parts.map((part) => sql`json_quote(${part})`), `, ',', `)}, ']')`
} // prettier-ignore

/** Columns besides the key that say where in the vault a row's values lie. */
export function placing({ planned }: Moving): string[] {
  const hop = planned.person === 'row' ? [] : [planned.person[0]!.column]
  return [...new Set([...hop, ...planned.columns.flatMap((column) => columnsIn(column.record))])]
}

function oldPlace(moving: Moving, alias: Alias, kind: Kind): Query {
  const columns = placing(moving)
  if (columns.length === 0) return sql`null`
  const pairs = list(columns.map((c) => sql`${literal(c, kind)}, ${asText(cellOf(alias, c), kind)}`))
  return kind === 'postgres' ? sql`json_build_object(${pairs})::text` : sql`json_object(${pairs})`
}

function subjectOf(move: Move, moving: Moving, alias: Alias): Query {
  const { person } = moving.planned
  if (person === 'row') return cellOf(alias, SUBJECT)
  const tableOf = (hop: Hop): Query => {
    const table = move.tables.find((each) => each.table.label === hop.table)?.table
    const [schema, own] = table ? [table.schema, table.name] : (hop.table.split('.') as [string, string | undefined])
    return own === undefined ? name(schema) : name(schema, own)
  }
  const joins = person
    .slice(1)
    .map((hop, i) => sql` join ${tableOf(hop)} h${words(String(i + 1))} on h${words(String(i + 1))}.${name(hop.to)} = h${words(String(i))}.${name(hop.column)}`)
  const last = words(`h${person.length - 1}`)
  const [first] = person as [Hop]
  return sql`(select ${last}.${name(SUBJECT)} from ${tableOf(first)} h0${list(joins, '')} where h0.${name(first.to)} = ${cellOf(alias, first.column)} limit 1)`
} // prettier-ignore

type Told = { readonly op: 'c' | 'd' | 'm'; readonly key: Query; readonly old?: readonly Query[] }
const insertOf = (moving: Moving, { op, key, old = [] }: Told, into: Query, kind: Kind): Query =>
  sql`insert into ${into} (tbl, k, op, s, o, n) values (${literal(moving.table.label, kind)}, ${key}, ${literal(op, kind)}, ${old[0] ?? sql`null`}, ${old[1] ?? sql`null`}, ${old[2] ?? sql`null`});`

/** A row changed in a way the vault must hear of: a column got something that is no token. */
function heard(moving: Moving, kind: Kind): Query {
  const differs = (a: Query, b: Query): Query =>
    kind === 'postgres' ? sql`${a} is distinct from ${b}` : sql`not (binary ${a} <=> binary ${b})`
  return list(
    moving.planned.columns.map(({ column }) => {
      const [before, now] = [cellOf('OLD', column), cellOf('NEW', column)]
      const noToken =
        kind === 'postgres'
          ? sql`(${now} is null or ${now} !~ '^kh_[a-z0-9]{16,20}$')`
          : sql`(${now} is null or not (${now} regexp '^kh_[a-z0-9]{16,20}$' and binary ${now} = binary lower(${now})))`
      return sql`(${differs(before, now)} and ${noToken})`
    }),
    ' or ',
  )
}

function moved(moving: Moving, kind: Kind): Query {
  return list(
    [...new Set([...moving.table.key!, ...placing(moving)])].map((column) =>
      kind === 'postgres'
        ? sql`${cellOf('OLD', column)} is distinct from ${cellOf('NEW', column)}`
        : sql`not (${cellOf('OLD', column)} <=> ${cellOf('NEW', column)})`,
    ),
    ' or ',
  )
}

function postgresTriggers(move: Move, n: number, schema: string) {
  const moving = move.tables[n]!
  const { table } = moving
  const kind = 'postgres'
  const called = triggerName(n, 'change')
  const into = name(schema, 'khien_adopt_change')
  const [old, fresh] = [keyIn(table, 'OLD', kind), keyIn(table, 'NEW', kind)]
  const place = [subjectOf(move, moving, 'OLD'), oldPlace(moving, 'OLD', kind)]
  const gone = insertOf(moving, { op: 'd', key: old, old: place }, into, kind)
  const went = insertOf(moving, { op: 'm', key: old, old: [...place, fresh] }, into, kind)
  const came = insertOf(moving, { op: 'c', key: fresh }, into, kind)
  const body = sql`
begin
  if coalesce(current_setting('khien.own', true), '') = '1' then return null; end if;
  if tg_op = 'DELETE' then ${gone} return null; end if;
  if tg_op = 'UPDATE' then
    if ${moved(moving, kind)} then ${went} ${came}
    elsif ${heard(moving, kind)} then ${came} end if;
    return null;
  end if;
  ${came}
  return null;
end`
  return [
    {
      name: called,
      drop: sql`drop trigger if exists ${name(called)} on ${name(table.schema, table.name)}`,
      create: [
        // As its owner: the app's own database user needs no right on our table.
        sql`create or replace function ${name(schema, called)}() returns trigger language plpgsql security definer
            set search_path = ${name(schema)}, pg_temp as $khien$ ${body} $khien$`,
        sql`create trigger ${name(called)} after insert or update or delete on ${name(table.schema, table.name)}
            for each row execute function ${name(schema, called)}()`,
      ],
    },
  ]
}

function mysqlTriggers(move: Move, n: number) {
  const moving = move.tables[n]!
  const { table } = moving
  const kind = 'mysql'
  const into = name('khien_adopt_change')
  const [old, fresh] = [keyIn(table, 'OLD', kind), keyIn(table, 'NEW', kind)]
  const place = [subjectOf(move, moving, 'OLD'), oldPlace(moving, 'OLD', kind)]
  const gone = insertOf(moving, { op: 'd', key: old, old: place }, into, kind)
  const went = insertOf(moving, { op: 'm', key: old, old: [...place, fresh] }, into, kind)
  const came = insertOf(moving, { op: 'c', key: fresh }, into, kind)
  const bodies: readonly [string, string, Query][] = [
    ['insert', 'after insert', came],
    [
      'update',
      'after update',
      sql`if ${moved(moving, kind)} then ${went} ${came} elseif ${heard(moving, kind)} then ${came} end if;`,
    ],
    ['delete', 'before delete', gone],
  ]
  return bodies.map(([when, event, body]) => made(table, triggerName(n, when), event, body))
}

const made = (table: Table, called: string, event: string, body: Query) => ({
  name: called,
  drop: sql`drop trigger if exists ${name(called)}`,
  create: [
    sql`create trigger ${name(called)} ${words(event)} on ${name(table.name)} for each row
        begin if @khien_own is null then ${body} end if; end`,
  ],
})

/**
 * MySQL deletes by cascade without firing triggers, so the table that rows hang on tells of them before they go, through
 * up to three tables. PostgreSQL fires them.
 */
export function cascadeTriggers(move: Move, all: readonly Table[]): { name: string; drop: Query; create: Query[] }[] {
  if (move.source.kind === 'postgres') return []
  const bodies = new Map<Table, Query[]>()
  for (const moving of move.tables) climb(moving, moving.table, [])
  function climb(
    moving: Moving,
    here: Table,
    below: readonly { table: Table; link: Table['foreignKeys'][number] }[],
  ): void {
    if (below.length === 3) return
    for (const link of here.foreignKeys.filter((each) => each.cascades)) {
      const parent = all.find((table) => table.label === link.table)
      if (!parent || parent === here) continue
      const way = [...below, { table: here, link }]
      bodies.set(parent, [...(bodies.get(parent) ?? []), tellOf(moving, way)])
      climb(moving, parent, way)
    }
  }
  function tellOf(moving: Moving, way: readonly { table: Table; link: Table['foreignKeys'][number] }[]): Query {
    const alias = (i: number): Query => words(i === 0 ? 'c' : `p${i}`)
    const joins = way.slice(1).map(({ table }, i) => {
      const { link } = way[i]!
      const on = link.columns.map(
        (column, k) => sql`${alias(i)}.${name(column)} = ${alias(i + 1)}.${name(link.to[k]!)}`,
      )
      return sql` join ${name(table.name)} ${alias(i + 1)} on ${list(on, ' and ')}`
    })
    const { link } = way.at(-1)!
    const where = link.columns.map((c, k) => sql`${alias(way.length - 1)}.${name(c)} = OLD.${name(link.to[k]!)}`)
    return sql`insert into khien_adopt_change (tbl, k, op, s, o)
      select ${literal(moving.table.label, 'mysql')}, ${keyIn(moving.table, 'c', 'mysql')}, 'd',
             ${subjectOf(move, moving, 'c')}, ${oldPlace(moving, 'c', 'mysql')}
        from ${name(moving.table.name)} c${list(joins, '')} where ${list(where, ' and ')};`
  }
  return [...bodies].map(([table, inserts], i) =>
    made(table, triggerName(i, 'cascade'), 'before delete', list(inserts, ' ')),
  )
}

export type Trigger = ReturnType<typeof triggersOf>[number]

/** Every trigger of a move, in the order they are made. */
export async function allTriggers(move: Move): Promise<{ table: Table; trigger: Trigger }[]> {
  const { source } = move
  const schema = await schemaOf(source)
  const own = move.tables.flatMap(({ table }, n) => triggersOf(move, n, schema).map((trigger) => ({ table, trigger })))
  const tables = await source.tables()
  const cascades = cascadeTriggers(move, tables).map((trigger) => ({ table: move.tables[0]!.table, trigger }))
  return [...own, ...cascades]
}

export async function schemaOf(source: Source): Promise<string> {
  const text = source.kind === 'postgres' ? 'current_schema()' : 'database()'
  const [row] = await source.read((s) => s.rows(sql`select ${words(text)} as here`))
  return row!['here']!
}
