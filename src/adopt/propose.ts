import { recognise, type Kind } from '../engine/pii/index.ts'
import { list, name, sql, words, type Column, type Row, type Source, type Table } from '../source/index.ts'
import { isToken, LONGEST_TOKEN } from '../client/columns.ts'
import { viewsInTheWay } from './in-the-way.ts'
import { BY_KIND, masked, plainName, TARGETS, type Target } from './fields.ts'
import { needsWidening, whyNotMovable, type Hop, type Plan, type PlanColumn, type PlanTable } from './plan.ts'

const SAMPLE = 200
/** Of the values that were looked at, so many must be of a kind before a column is taken for it without its name. */
const SHARE = 0.3
/** Rows a second that moving does on two ordinary cores (bench/results); the true one is shown while it runs. */
const ROWS_A_SECOND = 2_000
/** Rows of a table are counted up to here when the server has no statistics of it. */
const COUNTED = 100_000

export type ProposeOptions = { readonly now: number; readonly purpose?: string; readonly reason?: string }
type Found = { readonly column: Column; readonly target: Target; readonly seen: string }
type Left = { table: string; column: string; why: string }

/** Looks through a source, reading only, and proposes what to move where. Samples leave it as shapes, never as values. */
export async function propose(source: Source, options: ProposeOptions): Promise<Plan> {
  const tables = (await source.tables()).filter((table) => !table.name.startsWith('khien_adopt'))
  const left: Left[] = []
  const found = new Map<Table, Found[]>()
  for (const table of tables) {
    const personal = await personalColumns(source, table, options.now, left)
    if (personal.length > 0) found.set(table, personal)
  }
  const persons = new Set([...found.keys()].filter((table) => isOfPersons(table, found.get(table)!, [...found.keys()])))
  const planned: PlanTable[] = []
  for (const [table, columns] of found) {
    const lose = (why: string): void => {
      for (const { column } of columns) left.push({ table: table.label, column: column.name, why })
    }
    if (!table.key) {
      lose('the table has no primary key, so its rows cannot be told apart; give it one')
      continue
    }
    const person = persons.has(table) ? 'row' : wayToPerson(table, tables, persons)
    if (person === undefined) lose('no foreign key leads from here to a person; write the way into the plan by hand')
    else planned.push(planTable(table, person, columns, await rowsOf(source, table)))
  }
  const narrow = planned.flatMap(({ table: label, columns }) => {
    const { schema, name: table } = tables.find((each) => each.label === label)!
    return columns.flatMap(({ column, widen }) => (widen === undefined ? [] : [{ schema, table, column }]))
  })
  const views = await viewsInTheWay(source, narrow)
  const declared = declarations(planned)
  const rows = planned.reduce((sum, table) => sum + (table.rows ?? 0), 0)
  return {
    khien: 'adopt/1',
    source: source.place,
    made: new Date(options.now).toISOString(),
    purpose: options.purpose ?? 'moving-in',
    reason: options.reason ?? 'MOVE-1',
    tables: planned,
    ...(declared.length > 0 ? { declare: declared } : {}),
    left,
    ...(views.length > 0 ? { views } : {}),
    estimate: { rows, rowsPerSecond: ROWS_A_SECOND, minutes: Math.ceil(rows / ROWS_A_SECOND / 60) },
  }
}

async function personalColumns(source: Source, table: Table, now: number, left: Left[]): Promise<Found[]> {
  const looked = table.columns.filter((c) => !c.generated && c.name !== 'khien_subject' && !table.key?.includes(c.name))
  if (looked.length === 0) return []
  const rows = await sample(source, table, looked)
  const out: Found[] = []
  for (const column of looked) {
    const values = rows.map((row) => row[column.name]).filter((v): v is string => !!v && v.trim() !== '' && !isToken(v))
    const found = targetOf(table, column, values, now)
    if (!found) {
      const kinds = insideOf(column, values, now)
      if (kinds.length > 0)
        left.push({ table: table.label, column: column.name, why: `${kinds.join(', ')} inside longer values, which a plan of columns does not move` }) // prettier-ignore
      continue
    }
    const why =
      whyNotMovable(column) ??
      (found.target.to === 'account.password'
        ? 'a password is never given out by the vault, so it could be neither compared nor brought back; move it at sign-in'
        : undefined)
    if (why === undefined) out.push(found)
    else left.push({ table: table.label, column: column.name, why: `${found.target.kind}: ${why}` })
  }
  return out
}

/** Kinds that tell of a person in every tenth value or more, five at least, of a column that is none of them itself: json, remarks. */
function insideOf(column: Column, values: readonly string[], now: number): Kind[] {
  const counts = new Map<Kind, number>()
  for (const value of values)
    for (const kind of new Set(kindsIn(column, value, now).map((one) => one.kind)))
      if (BY_KIND[kind] !== undefined && kind !== 'name') counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].flatMap(([kind, n]) => (n >= 5 && n >= values.length / 10 ? [kind] : [])).toSorted()
}

const LOOKED_AT = 500
const kindsIn = (column: Column, value: string, now: number) =>
  recognise(`${column.name.replace(/[_-]+/g, ' ')}: ${value.slice(0, LOOKED_AT)}`, {
    year: new Date(now).getUTCFullYear(),
  })

/** The first rows and the last by their key, so that old and new habits are both seen. */
async function sample(source: Source, table: Table, columns: readonly Column[]): Promise<Row[]> {
  const picked = list(
    [...new Set([...(table.key ?? []), ...columns.map((column) => column.name)])].map((column) => name(column)),
  )
  const from = name(table.schema, table.name)
  return source.read(async (s) => {
    const half = words(String(SAMPLE / 2))
    if (!table.key) return s.rows(sql`select ${picked} from ${from} limit ${half}`)
    const order = (way: string) => list(table.key!.map((column) => sql`${name(column)} ${words(way)}`))
    const first = await s.rows(sql`select ${picked} from ${from} order by ${order('asc')} limit ${half}`)
    const last = await s.rows(sql`select ${picked} from ${from} order by ${order('desc')} limit ${half}`)
    const idOf = (row: Row): string => JSON.stringify(table.key!.map((column) => row[column]))
    return [...new Map([...first, ...last].map((row) => [idOf(row), row])).values()]
  })
}

function targetOf(table: Table, column: Column, values: readonly string[], now: number): Found | undefined {
  const called = plainName(column.name)
  const byName = TARGETS.find(({ words }) => words.test(called))
  const counts = new Map<Kind, number>()
  for (const value of values) {
    const kinds = new Set<Kind>()
    for (const { kind, start, end } of kindsIn(column, value, now))
      if (end - start >= 0.4 * Math.min(value.length, LOOKED_AT)) kinds.add(kind)
    for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const [best, count] = [...counts].toSorted((a, b) => b[1] - a[1])[0] ?? [undefined, 0]
  const seenAs = best !== undefined && BY_KIND[best] !== undefined && count / values.length >= SHARE ? best : undefined
  // Free text is told by its column's name alone; so are names, which look like much else.
  const bySeen =
    seenAs === undefined || column.shape !== 'text' ? undefined : TARGETS.find(({ to }) => to === BY_KIND[seenAs])
  if (byName === undefined && bySeen === undefined) return undefined
  if (byName && column.shape === 'number' && !['phone', 'personal-id', 'bank'].includes(byName.kind)) return undefined
  if (byName?.kind === 'message' && !holdsPeople(table)) return undefined
  const target = byName ?? bySeen!
  if (values.length === 0 && byName === undefined) return undefined
  const share = best === undefined ? '' : `; ${count} of ${values.length} look like ${best}`
  const shapes = [...new Set(values.map(masked))].slice(0, 3).join(' | ')
  return {
    column,
    target,
    seen: `${byName ? 'by its name' : 'by its values'}${share}${shapes === '' ? '' : `: ${shapes}`}`,
  }
}

/** A note or a text in a table that leads to nobody (products, settings) is nobody's. */
const holdsPeople = (table: Table): boolean => table.foreignKeys.length > 0

/** A row is a person when the table holds contact data and does not itself point to another such table. */
function isOfPersons(table: Table, found: readonly Found[], all: readonly Table[]): boolean {
  const own = found.some(({ target }) => ['email', 'phone', 'personal-id'].includes(target.kind))
  const pointed = all.some((each) => each.foreignKeys.some((link) => link.table === table.label))
  const named = /(user|customer|member|person|people|client|account|khach|nguoi|thanh_vien|hoi_vien)/.test(
    plainName(table.name),
  )
  const leads = table.foreignKeys.some((link) => all.some((each) => each !== table && each.label === link.table))
  return own && !leads && (named || pointed)
}

/** The shortest way over foreign keys of one column, at most four tables. */
function wayToPerson(table: Table, tables: readonly Table[], persons: ReadonlySet<Table>): Hop[] | undefined {
  let ways: { at: Table; hops: Hop[] }[] = [{ at: table, hops: [] }]
  for (let far = 0; far < 4; far++) {
    const next: typeof ways = []
    for (const { at, hops } of ways)
      for (const link of at.foreignKeys) {
        const to = tables.find((each) => each.label === link.table)
        if (!to || link.columns.length !== 1 || to === at) continue
        const more = [...hops, { column: link.columns[0]!, table: to.label, to: link.to[0]! }]
        if (persons.has(to)) return more
        next.push({ at: to, hops: more })
      }
    ways = next
  }
  return undefined
}

type Rows = { readonly rows: number; readonly note?: string }

/** The server's own estimate; where it has none, what can be counted quickly. */
async function rowsOf(source: Source, table: Table): Promise<Rows> {
  if (table.rows > 0) return { rows: table.rows }
  const some = sql`select 1 from ${name(table.schema, table.name)} limit ${words(String(COUNTED))}`
  const [counted] = await source.read((s) => s.rows(sql`select count(*) as n from (${some}) as counted`))
  const rows = Number(counted!['n'])
  return rows < COUNTED
    ? { rows }
    : {
        rows,
        note: `not analysed: at least ${rows} rows, the estimate of time is too short; run ANALYZE and plan again`,
      }
}

function planTable(table: Table, person: 'row' | Hop[], found: readonly Found[], { rows, note }: Rows): PlanTable {
  const taken = new Map<string, number>()
  const columns = found.map(({ column, target, seen }): PlanColumn => {
    const to = person === 'row' && target.to === 'order.address' ? 'profile.address' : target.to
    const n = taken.get(to) ?? 0
    taken.set(to, n + 1)
    const notes = notesOn(table, column)
    const suffix = n === 0 ? '' : `.${recordWord(column.name)}`
    const record = person === 'row' ? (n === 0 ? '-' : recordWord(column.name)) : `${recordOfRow(table)}${suffix}`
    return {
      column: column.name,
      to,
      record,
      ...(needsWidening(column)
        ? { widen: column.type.startsWith('character') ? 'character varying(32)' : 'varchar(32)' }
        : {}),
      seen,
      ...(notes.length > 0 ? { notes } : {}),
    }
  })
  return { table: table.label, person, rows, columns, ...(note === undefined ? {} : { notes: [note] }) }
}

const recordWord = (column: string): string => plainName(column).replaceAll('_', '-').replace(/^-|-$/g, '') || 'other'
const recordOfRow = (table: Table): string =>
  `${plainName(table.name).replaceAll('_', '-')}.${table.key!.map((column) => `{${column}}`).join('.')}`

/** What moving this column means for the rest of the database. */
function notesOn(table: Table, column: Column): string[] {
  const notes: string[] = []
  if (needsWidening(column))
    notes.push(`${column.type} is too short for a token of ${LONGEST_TOKEN} signs: it is widened at the switch`)
  if (column.padded) notes.push('a padded type: widening rewrites the table; choose a quiet hour')
  for (const index of table.indexes.filter((each) =>
    each.columns.some((c) => c === column.name || c.includes(column.name)),
  ))
    notes.push(
      index.unique
        ? `unique index ${index.name}: holds for tokens too; while some rows are plaintext and some are not, it does not see that two of them mean the same`
        : `index ${index.name}: equality works on tokens; prefixes, ranges and sorting do not`,
    )
  for (const link of table.foreignKeys.filter((each) => each.columns.includes(column.name)))
    notes.push(`foreign key ${link.name} to ${link.table}: both ends must be switched together`)
  for (const view of table.views.filter((each) => each.column === column.name))
    notes.push(
      `${view.stored ? 'materialised view' : 'view'} ${view.name} shows it: it will show tokens${needsWidening(column) ? '; on PostgreSQL it must be dropped before the switch and made anew after (see “views”)' : ''}`,
    )
  for (const check of table.checks.filter((each) => each.text.includes(column.name)))
    notes.push(`check ${check.name} must allow tokens: ${check.text.slice(0, 200)}`)
  return notes
}

/** The declaration of fields the vault does not know of itself, as `PUT /api/vault/collections` takes it. */
function declarations(tables: readonly PlanTable[]): unknown[] {
  const fields: Record<string, { kind: string; token?: 'stable' }> = {}
  for (const { to } of tables.flatMap((table) => table.columns)) {
    if (!to.startsWith('profile.')) continue
    const target = TARGETS.find((each) => each.to === to)
    fields[to.slice('profile.'.length)] = target ? { kind: target.kind, token: 'stable' } : { kind: 'address' }
  }
  return Object.keys(fields).length === 0 ? [] : [{ name: 'profile', fields }]
}
