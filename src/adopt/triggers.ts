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
export function triggersOf(move: Move, n: number, schema: string): Trigger[] {
  return move.source.kind === 'postgres' ? postgresTriggers(move, n, schema) : mysqlTriggers(move, n)
}

type Alias = 'OLD' | 'NEW'
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

function subjectOf(move: Move, { planned: { person } }: Moving, alias: Alias): Query {
  return person === 'row' ? cellOf(alias, SUBJECT) : subjectAlong(move, person, cellOf(alias, person[0]!.column))
}

function tableOf(move: Move, hop: Hop): Query {
  const table = move.tables.find((each) => each.table.label === hop.table)?.table
  return table ? name(table.schema, table.name) : name(...hop.table.split('.'))
}

/** Whose a value of the first hop's column is, as one value; table inside table, so that no name needs a qualifier. */
function subjectAlong(move: Move, hops: readonly Hop[], value: Query): Query {
  return hops.reduce(
    (inner, hop, i) =>
      sql`(select ${name(hops[i + 1]?.column ?? SUBJECT)} from ${tableOf(move, hop)} where ${name(hop.to)} = ${inner} limit 1)`,
    value,
  )
}

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
  const into = name(schema, 'khien_adopt_change')
  const [old, fresh] = [keyIn(table, 'OLD', kind), keyIn(table, 'NEW', kind)]
  const place = [subjectOf(move, moving, 'OLD'), oldPlace(moving, 'OLD', kind)]
  const gone = insertOf(moving, { op: 'd', key: old, old: place }, into, kind)
  const went = insertOf(moving, { op: 'm', key: old, old: [...place, fresh] }, into, kind)
  const came = insertOf(moving, { op: 'c', key: fresh }, into, kind)
  const body = sql`
    if tg_op = 'DELETE' then ${gone}
    elsif tg_op = 'INSERT' then ${came}
    elsif ${moved(moving, kind)} then ${went} ${came}
    elsif ${heard(moving, kind)} then ${came}
    end if;`
  return [definer(table, triggerName(n, 'change'), 'after insert or update or delete', body, schema)]
}

/** As its owner: the app's own database user needs no right on our table. */
const definer = (table: Table, called: string, events: string, body: Query, schema: string): Trigger => ({
  name: called,
  drop: sql`drop trigger if exists ${name(called)} on ${name(table.schema, table.name)}`,
  create: [
    sql`create or replace function ${name(schema, called)}() returns trigger language plpgsql security definer
        set search_path = ${name(schema)}, pg_temp as $khien$
        begin
          if coalesce(current_setting('khien.own', true), '') <> '1' then ${body} end if;
          return null;
        end $khien$`,
    sql`create trigger ${name(called)} ${words(events)} on ${name(table.schema, table.name)}
        for each row execute function ${name(schema, called)}()`,
  ],
})

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

const made = (table: Table, called: string, event: string, body: Query): Trigger => ({
  name: called,
  drop: sql`drop trigger if exists ${name(called)}`,
  create: [
    sql`create trigger ${name(called)} ${words(event)} on ${name(table.name)} for each row
        begin if @khien_own is null then ${body} end if; end`,
  ],
})

/**
 * A table on the way from a row to its person: when one of its rows gets another person (an order is booked over), the
 * rows that hang on it (its payments) have moved without having changed.
 */
export function wayTriggers(move: Move, all: readonly Table[], schema: string): { table: Table; trigger: Trigger }[] {
  const { kind } = move.source
  const out: { table: Table; trigger: Trigger }[] = []
  for (const moving of move.tables) {
    const { person } = moving.planned
    if (person === 'row') continue
    for (const [i, hop] of person.slice(0, -1).entries()) {
      const table = all.find((each) => each.label === hop.table)!
      const next = person[i + 1]!
      const tell = heldBy(move, moving, person, i, schema)
      const changed =
        kind === 'postgres'
          ? sql`${cellOf('OLD', next.column)} is distinct from ${cellOf('NEW', next.column)}`
          : sql`not (${cellOf('OLD', next.column)} <=> ${cellOf('NEW', next.column)})`
      const called = triggerName(out.length, 'way')
      const body = sql`if ${changed} then ${tell} end if;`
      out.push({
        table,
        trigger:
          kind === 'postgres'
            ? definer(table, called, 'after update', body, schema)
            : made(table, called, 'after update', body),
      })
    }
  }
  return out
}

/**
 * Tells that rows of a table whose way leads through this one have moved; `follow` looks which. The trigger reads no table
 * that cascades from here: MariaDB 10.11 now and then fails an app's prepared statement for it.
 */
function heldBy(move: Move, moving: Moving, hops: readonly Hop[], i: number, schema: string): Query {
  const { kind } = move.source
  const into = kind === 'postgres' ? name(schema, 'khien_adopt_change') : name('khien_adopt_change')
  const value = asText(cellOf('OLD', hops[i]!.to), kind)
  const key =
    kind === 'postgres' ? sql`'[' || to_json(${value})::text || ']'` : sql`concat('[', json_quote(${value}), ']')`
  const whose = subjectAlong(move, hops.slice(i + 1), cellOf('OLD', hops[i + 1]!.column))
  return sql`insert into ${into} (tbl, k, op, s, o)
    values (${literal(moving.table.label, kind)}, ${key}, 'w', ${whose}, ${literal(`{"hop":${i}}`, kind)});`
}

/** Rows of a table whose way to their person leads through the row of its hop `i` with this value. */
export function leadsThrough(move: Move, hops: readonly Hop[], i: number, value: string): Query {
  return hops
    .slice(0, i)
    .reduceRight(
      (inner, hop) => sql`${name(hop.column)} in (select ${name(hop.to)} from ${tableOf(move, hop)} where ${inner})`,
      sql`${name(hops[i]!.column)} = ${value}`,
    )
}

export type Trigger = { readonly name: string; readonly drop: Query; readonly create: readonly Query[] }

/** Every trigger of a move, with the table it stands on. */
export async function allTriggers(move: Move): Promise<{ table: Table; trigger: Trigger }[]> {
  const schema = await schemaOf(move.source)
  const all = await move.source.tables()
  const own = move.tables.flatMap(({ table }, n) => triggersOf(move, n, schema).map((trigger) => ({ table, trigger })))
  return [...own, ...wayTriggers(move, all, schema)]
}

export async function schemaOf(source: Source): Promise<string> {
  const text = source.kind === 'postgres' ? 'current_schema()' : 'database()'
  const [row] = await source.read((s) => s.rows(sql`select ${words(text)} as here`))
  return row!['here']!
}
