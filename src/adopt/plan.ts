import { z } from 'zod'
import { KhienError } from '../kit/errors.ts'
import { Reference } from '../kit/schema.ts'
import { columnOf, type Column, type Table } from '../source/index.ts'
import { LONGEST_TOKEN } from '../client/columns.ts'

/** What a person decides on before anything moves: a file of JSON that `adopt plan` proposes and anybody may edit. */
const Name = z.string().min(1).max(128)
const Hop = z.strictObject({
  /** Column that points to the next table. */
  column: Name,
  table: Name,
  /** Column of the next table it equals. */
  to: Name,
})
const PlanColumn = z.strictObject({
  column: Name,
  /** Where its values go: `person.phone`. */
  to: z.string().regex(/^[a-z][a-z-]{0,29}\.[a-z][a-z_]{0,29}$/, 'expected collection.field'),
  /** Names the record inside the collection: `-` for what a person has one of, or a text with `{columns}` of the row. */
  record: z.string().min(1).max(120),
  /** The type the column must get first so that a token fits; left out where it fits. */
  widen: z
    .string()
    .regex(/^(?:character varying|varchar)\((?:[2-9]\d|[1-9]\d{2,3})\)$|^text$/i, 'expected varchar(n) or text')
    .optional(),
  /** What `plan` saw; for people only. */
  seen: z.string().max(2_000).optional(),
  notes: z.array(z.string().max(1_000)).max(50).optional(),
})
const PlanTable = z.strictObject({
  table: Name,
  /** `row`: a row is a person. Otherwise the way from a row to its person, table by table. */
  person: z.union([z.literal('row'), z.array(Hop).min(1).max(4)]),
  rows: z.number().optional(),
  columns: z.array(PlanColumn).min(1).max(60),
  notes: z.array(z.string().max(1_000)).max(50).optional(),
})
/** `@column` of the row, or one word for all rows. */
const Told = z.string().min(1).max(130)
/** Where consents or agreements of before are, and which of their columns is which part of the evidence. */
export const ConsentMap = z
  .strictObject({
    /** A table of the source, or the path of a .csv file. */
    from: z.string().min(1).max(500),
    /** Column of the row and the column of the table of persons it equals: `customer_id=customers.id`. */
    person: z.string().regex(/^[^=]{1,128}=[^=]{1,128}\.[^=.]{1,128}$/, 'expected COLUMN=TABLE.COLUMN'),
    purpose: Told.optional(),
    version: Told.default('1'),
    kind: Told.optional(),
    ref: Told.optional(),
    given: Told.default('not-known'),
    method: Told.default('not-known'),
    text: Told.default('not-known'),
    kept: Told.default('not-known'),
    /** The day it was withdrawn or came to its end. */
    ended: Told.optional(),
    /** A row counts when this says yes. */
    agreed: Told.optional(),
    /** Who stands for it: a duty or a ticket, never a name. */
    statedBy: Reference,
    /** Of times without an offset. */
    zone: z
      .string()
      .regex(/^[+-]\d\d:\d\d$/, 'expected an offset such as +07:00')
      .default('+07:00'),
  })
  .refine((map) => (map.purpose === undefined) !== (map.kind === undefined), {
    message: 'expected a purpose (of consents) or a kind (of agreements)',
    path: ['purpose'],
  })
  .refine((map) => map.kind === undefined || map.ref !== undefined, {
    message: 'an agreement needs its reference',
    path: ['ref'],
  })
export type ConsentMap = z.output<typeof ConsentMap>

/** A mapping out of flags or a plan. Errors: `adopt/plan`, naming the field. */
export function readConsentMap(told: unknown): ConsentMap {
  const read = ConsentMap.safeParse(told)
  if (read.success) return read.data
  const issue = read.error.issues[0]!
  throw wrong(`consents.${issue.path.join('.')}`, issue.message)
}

export const Plan = z.strictObject({
  khien: z.literal('adopt/1'),
  /** For people only; never an address with a password. */
  source: z.string().max(300),
  made: z.string().max(40),
  /** The declared purpose and the ticket under which values are read back for comparing and for moving out. */
  purpose: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected the id of a purpose'),
  reason: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:#/-]{0,79}$/, 'expected a ticket or code'),
  tables: z.array(PlanTable).min(1).max(200),
  /** Fields the vault must be told of first (`PUT /api/vault/collections`). */
  declare: z.array(z.unknown()).optional(),
  /** Personal columns that this plan leaves where they are, and why. */
  left: z.array(z.strictObject({ table: Name, column: Name, why: z.string() })).optional(),
  /** Views that stand in the way of widening, in the order to drop them; for people only. */
  views: z
    .array(z.strictObject({ view: z.string(), over: z.array(z.string()), drop: z.string(), create: z.string() }))
    .optional(),
  estimate: z.unknown().optional(),
  /** Consents and agreements of before, for `khien adopt consents`. */
  consents: z.array(ConsentMap).max(20).optional(),
})
export type Plan = z.output<typeof Plan>
export type PlanTable = z.output<typeof PlanTable>
export type PlanColumn = z.output<typeof PlanColumn>
export type Hop = z.output<typeof Hop>

/** Reads a plan. Errors: `adopt/plan`, naming the field that is wrong. */
export function readPlan(text: string): Plan {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    throw new KhienError('adopt/plan', 'The plan is not JSON.', { field: 'plan' })
  }
  const read = Plan.safeParse(data)
  if (read.success) return read.data
  const issue = read.error.issues[0]!
  throw wrong(issue.path.join('.') || 'plan', issue.message)
}

export const wrong = (field: string, why: string): KhienError =>
  new KhienError('adopt/plan', `plan: ${field}: ${why}.`, { field })

/** `{column}` names inside a record's name. */
export const columnsIn = (record: string): string[] => [...record.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]!)

/**
 * Holds a plan against the tables that are there: every name exists, every row has a key, every type can hold a token, no
 * two columns write to one place. Errors: `adopt/plan`, naming the field.
 */
export function checkPlan(plan: Plan, tables: readonly Table[]): void {
  const seen = new Set<string>()
  const places = new Map<string, string>()
  for (const [t, planned] of plan.tables.entries()) {
    const at = `tables.${t}`
    const table = tables.find((each) => each.label === planned.table)
    if (!table) throw wrong(`${at}.table`, `the source has no table ${planned.table}`)
    if (seen.has(table.label)) throw wrong(`${at}.table`, `${table.label} stands twice`)
    seen.add(table.label)
    if (!table.key) throw wrong(`${at}.table`, `${table.label} has no primary key, so its rows cannot be told apart`)
    checkPerson(planned, table, tables, plan, `${at}.person`)
    for (const [c, column] of planned.columns.entries()) {
      const where = `${at}.columns.${c}`
      const found = columnOf(table, column.column)
      if (!found) throw wrong(`${where}.column`, `${table.label} has no column ${column.column}`)
      if (planned.columns.findIndex((each) => each.column === column.column) !== c)
        throw wrong(`${where}.column`, `${column.column} stands twice`)
      if (table.key.includes(column.column)) throw wrong(`${where}.column`, 'it is part of the key of the table')
      const why = whyNotMovable(found)
      if (why) throw wrong(`${where}.column`, why)
      if (needsWidening(found) && column.widen === undefined)
        throw wrong(
          `${where}.widen`,
          `${found.type} is too short for a token of ${LONGEST_TOKEN} signs; say the new type`,
        )
      const unknown = columnsIn(column.record).find((name) => !columnOf(table, name))
      if (unknown !== undefined) throw wrong(`${where}.record`, `${table.label} has no column ${unknown}`)
      if (planned.columns.some((each) => columnsIn(column.record).includes(each.column)))
        throw wrong(`${where}.record`, 'a column that moves cannot name a record')
      if (column.record === '-' && planned.person !== 'row')
        throw wrong(`${where}.record`, 'one person may have several of these rows; name the record by the key: {id}')
      const place = `${column.to} ${column.record}`
      const other = places.get(place)
      if (other !== undefined)
        throw wrong(
          `${where}.record`,
          `${column.to} of “${column.record}” is already where ${other} goes; give it another record`,
        )
      places.set(place, `${table.label}.${column.column}`)
    }
  }
}

function checkPerson(planned: PlanTable, table: Table, tables: readonly Table[], plan: Plan, field: string): void {
  if (planned.person === 'row') return
  let here = table
  for (const [h, hop] of planned.person.entries()) {
    if (!columnOf(here, hop.column)) throw wrong(`${field}.${h}.column`, `${here.label} has no column ${hop.column}`)
    const next = tables.find((each) => each.label === hop.table)
    if (!next) throw wrong(`${field}.${h}.table`, `the source has no table ${hop.table}`)
    if (!columnOf(next, hop.to)) throw wrong(`${field}.${h}.to`, `${next.label} has no column ${hop.to}`)
    here = next
  }
  if (!plan.tables.some((each) => each.table === here.label && each.person === 'row'))
    throw wrong(field, `it ends at ${here.label}, which is not a table of persons of this plan`)
}

export const needsWidening = (column: Column): boolean =>
  column.padded || (column.longest !== undefined && column.longest < LONGEST_TOKEN)

/** Why a column cannot hold tokens, or undefined. */
export function whyNotMovable(column: Column): string | undefined {
  if (column.generated) return 'the server computes it from other columns; move those'
  if (column.shape !== 'text') return `${column.type} cannot hold a token; not movable yet`
  return undefined
}
