import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { z } from 'zod'
import { KhienError } from '../kit/errors.ts'
import { Reference, Subject } from '../kit/schema.ts'
import {
  columnOf,
  keyFrom,
  keyText,
  list,
  name,
  page,
  sql,
  type Row,
  type Source,
  type Table,
} from '../source/index.ts'
import { readCsv } from './csv.ts'
import { parts, type Door, type OldConsent, type TakenAnswer } from './door.ts'
import { SUBJECT } from './move.ts'
import type { ConsentMap } from './plan.ts'
import { hasState, recall, remember } from './state.ts'

const PAGE = 200
/** Rows that were not taken are named up to here; beyond they are counted. What is remembered must fit a MySQL text. */
const NAMED = 300
const METHODS: ReadonlySet<string> = new Set(['web-form', 'app', 'paper', 'call', 'sms', 'email', 'settings'])
const YES = /^(?:1|t|true|y|yes|on|có|x)$/i
const NOT_KNOWN = 'not-known'
const WORD = /^[a-z][a-z0-9-]{0,39}$/
const HIGHEST_VERSION = 2_147_483_647

type Counts = Record<string, number>
export type ConsentReport = {
  readonly rows: number
  readonly live: number
  /** Recorded without carrying reads, by why. */
  readonly kept: Counts
  /** Recorded as over. */
  readonly ended: number
  /** Nothing new, by why. */
  readonly known: Counts
  /** Rows that say the person did not agree. */
  readonly notGiven: number
  /** Not taken, by why. */
  readonly left: Counts
  /** Rows that were not taken or carry nothing: key of the row or line of the file. */
  readonly named: readonly { readonly row: string; readonly why: string }[]
}
export type ConsentOptions = {
  readonly source: Source
  readonly door: Pick<Door, 'takeOver'>
  readonly map: ConsentMap
  readonly signal?: AbortSignal
  readonly onProgress?: (rows: number) => void
}

type Place = { readonly at: string; readonly row: Row }
type Reached = { after: string | null; report: ConsentReport; done: boolean }
const SEVERAL = Symbol('several people')
/** Of a value in the table of persons: the one person it is of. */
type Found = string | typeof SEVERAL
type Person = { readonly column: string; readonly table: Table; readonly to: string }

/**
 * Brings consents or agreements of before for people who were adopted, out of a table of the source or a CSV file, with
 * the evidence that the mapping names (Law 91/2025 art. 39; what lacks evidence is recorded and carries no read). Goes on
 * where it was when it was ended; what was taken once is known when it comes again. Errors: `adopt/plan`, `adopt/csv`,
 * `adopt/not-begun`, `adopt/stopped`, the vault's.
 */
export async function takeConsents(options: ConsentOptions): Promise<ConsentReport> {
  const { source, door, map } = options
  const tables = await source.tables()
  const person = personOf(map, tables)
  const isFile = /\.csv$/i.test(map.from)
  const table = isFile ? undefined : tableOf(map, tables)
  const columns = columnsOf(map)
  const memory = await memoryOf(source, map, isFile)
  const reached = await memory.recall()
  let report = reached.report
  const places = table ? rowsOf(source, table, columns, reached.after) : linesOf(map.from, columns, reached.after)
  for await (const batch of places) {
    const subjects = await subjectsOf(source, person, batch)
    report = await takeBatch(door, map, person, batch, subjects, report)
    await memory.remember({ after: batch.at(-1)!.at, report, done: false })
    options.onProgress?.(report.rows)
    if (options.signal?.aborted) throw new KhienError('adopt/stopped', 'Stopped; the same command goes on from here.')
  }
  await memory.remember({ after: null, report, done: true })
  return report
}

async function takeBatch(
  door: Pick<Door, 'takeOver'>,
  map: ConsentMap,
  person: Person,
  batch: readonly Place[],
  subjects: ReadonlyMap<string, Found>,
  before: ConsentReport,
): Promise<ConsentReport> {
  const tally = tallyFrom(before)
  tally.rows(batch.length)
  const items: { place: Place; item: OldConsent }[] = []
  for (const place of batch) {
    const subject = subjects.get(place.row[person.column] ?? '')
    if (map.agreed !== undefined && !YES.test(cell(place.row, map.agreed)?.trim() ?? '')) tally.notGiven()
    else if (subject === undefined) tally.left(place.at, 'adopt/no-person')
    else if (subject === SEVERAL) tally.left(place.at, 'adopt/many-people')
    else {
      const made = itemOf(map, place.row, subject)
      if (typeof made === 'string') tally.left(place.at, made)
      else items.push({ place, item: made })
    }
  }
  for (const part of parts(items)) {
    const what = map.purpose === undefined ? 'agreements' : 'consents'
    const answers = await door.takeOver(what, map.statedBy, part.map(({ item }) => item))
    for (const [i, answer] of answers.entries()) tally.answered(part[i]!.place.at, answer)
  }
  return tally.report()
} // prettier-ignore

function tallyFrom(before: ConsentReport) {
  const report = structuredClone(before) as { -readonly [K in keyof ConsentReport]: ConsentReport[K] }
  const add = (counts: Counts, why: string): Counts => ({ ...counts, [why]: (counts[why] ?? 0) + 1 })
  const named = (row: string, why: string): void => {
    if (report.named.length < NAMED) report.named = [...report.named, { row: row.slice(0, 100), why }]
  }
  const left = (row: string, why: string): void => {
    report.left = add(report.left, why)
    named(row, why)
  }
  return {
    rows: (n: number): void => void (report.rows += n),
    notGiven: (): void => void report.notGiven++,
    left,
    answered(row: string, answer: TakenAnswer): void {
      if (!answer.ok) return left(row, answer.code)
      const why = answer.why ?? ''
      if (answer.state === 'live') report.live++
      else if (answer.state === 'ended') report.ended++
      else if (answer.state === 'known') report.known = add(report.known, why)
      else {
        report.kept = add(report.kept, why)
        named(row, why)
      }
    },
    report: (): ConsentReport => report,
  }
}

/** What goes to the vault of one row; or the code of why it cannot. */
function itemOf(map: ConsentMap, row: Row, subject: string): OldConsent | string {
  const given = timeOf(cell(row, map.given), map.zone)
  const over = timeOf(cell(row, map.ended), map.zone)
  if (given === undefined || over === undefined) return 'adopt/time'
  const [text, kept] = [nameOf(cell(row, map.text)), nameOf(cell(row, map.kept))]
  if (text === undefined || kept === undefined) return 'adopt/name'
  const way = cell(row, map.method)?.trim().toLowerCase().replaceAll(/[_ ]+/g, '-') ?? ''
  const evidence = { given, method: METHODS.has(way) ? way : NOT_KNOWN, text, kept }
  const ended = over === NOT_KNOWN ? undefined : over
  if (map.purpose !== undefined) {
    const purpose = cell(row, map.purpose) ?? ''
    const version = Number(cell(row, map.version) ?? Number.NaN)
    if (!WORD.test(purpose) || !Number.isInteger(version) || version < 1 || version > HIGHEST_VERSION)
      return 'adopt/purpose'
    return { subject, purpose, version, evidence, ...(ended === undefined ? {} : { withdrawn: ended }) }
  }
  const [kind, ref] = [cell(row, map.kind) ?? '', nameOf(cell(row, map.ref))]
  if (!WORD.test(kind) || ref === undefined || ref === NOT_KNOWN) return 'adopt/agreement'
  return { subject, kind, ref, evidence, ...(ended === undefined ? {} : { ended }) }
}

/** `@column` is what the row says there; anything else stands for every row. */
function cell(row: Row, told: string | undefined): string | null {
  if (told === undefined) return null
  return told.startsWith('@') ? (row[told.slice(1)] ?? null) : told
}

/** A name the vault takes, of letters, digits, dot, dash, colon; undefined for one that could be a person's number. */
function nameOf(told: string | null): string | undefined {
  const plain = (told ?? '')
    .normalize('NFD')
    .replaceAll(/\p{Diacritic}/gu, '')
    .replaceAll(/[đĐ]/g, 'd')
    .trim()
  if (plain === '') return NOT_KNOWN
  const name = plain.replaceAll(/[^A-Za-z0-9._:-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 64) // prettier-ignore
  return Reference.safeParse(name).success ? name : undefined
}

/** A day or an instant as the API takes it; undefined for what is neither. Without an offset it is of the mapping's zone. */
export function timeOf(told: string | null, zone: string): string | undefined {
  const text = told?.trim() ?? ''
  if (text === '' || text === NOT_KNOWN) return NOT_KNOWN
  const [, d, m, y] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text) ?? []
  const iso = y === undefined ? text : `${y}-${m!.padStart(2, '0')}-${d!.padStart(2, '0')}`
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)? ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/.exec(iso)
  if (!found) return undefined
  const [, day, clock, seconds, offset] = found
  if (clock === undefined) return z.iso.date().safeParse(day).success ? day : undefined
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)?$/.exec(offset ?? zone) ?? []
  const at = `${day}T${clock}${seconds ?? ':00'}${sign === undefined ? 'Z' : `${sign}${hours}:${minutes ?? '00'}`}`
  return z.iso.datetime({ offset: true }).safeParse(at).success ? at : undefined
}

function columnsOf(map: ConsentMap): string[] {
  const told = [map.purpose, map.version, map.kind, map.ref, map.given, map.ended, map.method, map.text, map.kept, map.agreed]
  return [...new Set([personColumn(map), ...told.flatMap((each) => (each?.startsWith('@') ? [each.slice(1)] : []))])]
} // prettier-ignore

const personColumn = (map: ConsentMap): string => map.person.split('=')[0]!

const wrong = (field: string, why: string): KhienError => new KhienError('adopt/plan', `${field}: ${why}.`, { field })

function tableOf(map: ConsentMap, tables: readonly Table[]): Table {
  const table = tables.find((each) => each.label === map.from)
  if (!table) throw wrong('from', `the source has no table ${map.from}, and it does not end in .csv`)
  if (!table.key) throw wrong('from', `${map.from} has no primary key, so its rows cannot be told apart`)
  const missing = columnsOf(map).find((column) => !columnOf(table, column))
  if (missing !== undefined) throw wrong('from', `${map.from} has no column ${missing}`)
  return table
}

function personOf(map: ConsentMap, tables: readonly Table[]): Person {
  const [column, at] = map.person.split('=') as [string, string]
  const dot = at.lastIndexOf('.')
  const table = tables.find((each) => each.label === at.slice(0, dot))
  const to = at.slice(dot + 1)
  if (!table) throw wrong('person', `the source has no table ${at.slice(0, dot)}`)
  if (!columnOf(table, to)) throw wrong('person', `${table.label} has no column ${to}`)
  if (!columnOf(table, SUBJECT))
    throw new KhienError('adopt/not-begun', `${table.label} has no ${SUBJECT}: its people are not adopted; run khien adopt copy first.`, { field: 'person' }) // prettier-ignore
  return { column, table, to }
}

async function* rowsOf(source: Source, table: Table, columns: readonly string[], after: string | null) {
  let last = after === null ? undefined : keyFrom(after)
  for (;;) {
    const rows = await source.read((s) => page(s, table, source.kind, { columns, after: last, limit: PAGE }))
    if (rows.length === 0) return
    last = rows.at(-1)!.key
    yield rows.map(({ key, row }): Place => ({ at: keyText(key), row }))
    if (rows.length < PAGE) return
  }
}

async function* linesOf(path: string, columns: readonly string[], after: string | null): AsyncGenerator<Place[]> {
  let batch: Place[] = []
  for await (const { line, row } of readCsv(path)) {
    const missing = columns.find((column) => !Object.hasOwn(row, column))
    if (missing !== undefined) throw wrong('from', `the heading has no column ${missing}`)
    if (after !== null && line <= Number(after)) continue
    batch.push({ at: String(line), row })
    if (batch.length === PAGE) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}

/** A value that the column cannot hold, or that no adopted person has, is left out. */
async function subjectsOf(source: Source, person: Person, batch: readonly Place[]): Promise<Map<string, Found>> {
  const values = [...new Set(batch.flatMap(({ row }) => row[person.column] ?? []))]
  const number = columnOf(person.table, person.to)!.shape === 'number'
  return lookUp(source, person, number ? values.filter((value) => /^\d{1,19}$/.test(value)) : values)
}

async function lookUp(source: Source, person: Person, values: readonly string[]): Promise<Map<string, Found>> {
  if (values.length === 0) return new Map()
  const number = columnOf(person.table, person.to)!.shape === 'number'
  const bound = values.map((value) =>
    number && source.kind === 'mysql' ? sql`cast(${value} as decimal(30))` : sql`${value}`,
  )
  const [to, subject] = [name(person.to), name(SUBJECT)]
  try {
    // Counted there: a column that was mistaken for a key may hold one value a million times.
    const rows = await source.read((s) =>
      s.rows(
        sql`select ${to} as a, min(${subject}) as b, count(distinct coalesce(${subject}, '')) as n from ${name(person.table.schema, person.table.name)} where ${to} in (${list(bound)}) group by ${to}`,
      ),
    )
    return new Map(
      rows.flatMap(({ a, b, n }) => (Subject.safeParse(b).success ? [[a!, n === '1' ? b! : SEVERAL] as const] : [])),
    )
  } catch (error) {
    if (!isOddValue(error)) throw error
    // One value that the column cannot hold must not stop the others: the halves are asked for by themselves.
    if (values.length === 1) return new Map()
    const middle = Math.ceil(values.length / 2)
    const first = await lookUp(source, person, values.slice(0, middle))
    return new Map([...first, ...(await lookUp(source, person, values.slice(middle)))])
  }
}

const ODD: ReadonlySet<unknown> = new Set(['ER_WRONG_VALUE', 'ER_CANT_AGGREGATE_2COLLATIONS', 'ER_CANT_AGGREGATE_NCOLLATIONS']) // prettier-ignore
/** What a server says of a value its column cannot hold: SQLSTATE class 22, data exception, and MySQL's own names. */
function isOddValue(error: unknown): boolean {
  const { code, sqlState } = (error ?? {}) as { code?: unknown; sqlState?: unknown }
  return ODD.has(code) || [code, sqlState].some((each) => /^22\w{3}$/.test(String(each)))
}

const NOTHING: ConsentReport = { rows: 0, live: 0, kept: {}, ended: 0, known: {}, notGiven: 0, left: {}, named: [] }

/** How far it is lies beside the move, while there is one; the mapping and the file's size tell one run from another. */
async function memoryOf(source: Source, map: ConsentMap, isFile: boolean) {
  const there = await hasState(source)
  const file = isFile ? await stat(map.from).catch(() => undefined) : undefined
  if (isFile && !file) throw new KhienError('adopt/csv', `The file ${map.from} cannot be read.`, { field: 'from' })
  const about = JSON.stringify([map, file?.size, file?.mtimeMs])
  const key = `consents:${createHash('sha256').update(about).digest('hex').slice(0, 32)}`
  return {
    async recall(): Promise<Reached> {
      const text = there ? await source.read((s) => recall(s, key)) : undefined
      const reached = text === undefined ? undefined : (JSON.parse(text) as Reached)
      return reached === undefined || reached.done ? { after: null, report: NOTHING, done: false } : reached
    },
    async remember(reached: Reached): Promise<void> {
      if (there) await source.write((s) => remember(s, source.kind, key, JSON.stringify(reached)))
    },
  }
}
