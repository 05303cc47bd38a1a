import { isToken } from '../client/columns.ts'
import { KhienError } from '../kit/errors.ts'
import {
  keyFrom,
  keyText,
  list,
  lockRows,
  name,
  rowsAt,
  setColumn,
  sql,
  type Key,
  type Row,
  type Session,
  type Table,
} from '../source/index.ts'
import { parts } from './door.ts'
import { own, type Move, type Moving } from './move.ts'
import { columnsOf, place, placeOf, subjectsBy, type Place, type Placed } from './places.ts'
import { columnsIn, type Hop, type PlanTable } from './plan.ts'
import { mark, unleave } from './state.ts'
import { tokenOf } from './tokens.ts'

type Gone = {
  readonly id: string
  readonly key: Key
  readonly target: Key
  readonly subject: string
  readonly row: Row
}

/**
 * Rows that went: what was put for them is erased. Rows that only got another key, person or record, or were deleted and
 * written anew (REPLACE): their values go to the new place first. Gives the changes that are done with; the others wait.
 */
export async function forget(move: Move, moving: Moving, changes: readonly Row[]): Promise<string[]> {
  const { source } = move
  const { table, planned } = moving
  const all = await goneOf(move, moving, changes)
  const there = new Set((await source.read((s) => rowsAt(s, table, source.kind, all.map((g) => g.target), []))).map(({ key }) => keyText(key)))
  const waiting = new Set<string>()
  for (const gone of all)
    if (there.has(keyText(gone.target)) && !(await relocate(move, moving, gone))) waiting.add(gone.id)
  const wanted: Place[] = []
  for (const gone of all) {
    if (there.has(keyText(gone.target))) continue
    for (const column of planned.columns) {
      const at = placeOf(column, gone.subject, gone.row)
      if (at && !(await source.read((s) => liesElsewhere(s, moving, column.record, gone)))) wanted.push(at)
    }
  }
  await eraseAll(move, wanted)
  if (planned.person === 'row' && source.kind === 'mysql')
    for (const gone of all) if (!there.has(keyText(gone.target))) await forgetHanging(move, moving, gone.subject)
  const left = all.filter((gone) => !there.has(keyText(gone.target))).map((gone) => keyText(gone.key))
  if (left.length > 0) await own(source, (s) => unleave(s, table.label, left))
  const done = changes.map((change) => change['id']!).filter((id) => !waiting.has(id))
  const led = move.tables.some(({ planned: { person } }) => person !== 'row' && person.some((hop) => hop.table === table.label))
  if (!led) return done
  // Kept for a day: rows that hung on these and go later ask whose they were.
  const kept = changes.filter((change) => change['op'] === 'd' && done.includes(change['id']!)).map((change) => change['id']!)
  if (kept.length > 0)
    await own(source, (s) => s.run(sql`update khien_adopt_change set op = 'g' where id in (${list(kept.map((id) => sql`${id}`))})`))
  return done.filter((id) => !kept.includes(id))
} // prettier-ignore

/** Changes whose person is known; of the others nothing was put. */
async function goneOf(move: Move, { table, planned }: Moving, changes: readonly Row[]): Promise<Gone[]> {
  const rows = changes.map((change) => {
    const key = keyFrom(change['k']!)
    const old = change['o'] === null ? {} : (JSON.parse(change['o']!) as Row)
    return { ...Object.fromEntries(table.key!.map((column, n) => [column, key[n]!])), ...old } as Row
  })
  const subjects = await move.source.read(async (s): Promise<Map<string, string>> =>
    planned.person === 'row'
      ? new Map()
      : subjectsOnce(
          s,
          move,
          planned.person,
          rows.map((row) => row[hopOf(planned).column] ?? null),
        ),
  )
  return changes.flatMap((change, i) => {
    const hop = planned.person === 'row' ? undefined : hopOf(planned)
    const subject = change['s'] ?? (hop ? subjects.get(rows[i]![hop.column] ?? '') : undefined)
    if (!subject) return []
    const key = keyFrom(change['k']!)
    return [
      { id: change['id']!, key, target: change['n'] === null ? key : keyFrom(change['n']!), subject, row: rows[i]! },
    ]
  })
}

/**
 * MySQL deletes by cascade without firing triggers: when a person went, so did every row that cascades from there, and what
 * the vault still holds for such rows is erased. Safe because a person who is gone gets no new rows.
 */
async function forgetHanging(move: Move, { table }: Moving, subject: string): Promise<void> {
  const hanging = move.tables.filter(
    ({ planned: { person } }) => person !== 'row' && person.at(-1)!.table === table.label,
  )
  const all = new Map(move.tables.map((each) => [each.table.label, each.table]))
  const columns = hanging
    .filter(({ planned, table }) => {
      let at: Table | undefined = table
      return (planned.person as Hop[]).every((hop) => {
        const link: Table['foreignKeys'][number] | undefined = at?.foreignKeys.find(
          (each) => each.columns[0] === hop.column,
        )
        at = all.get(hop.table)
        return link?.cascades === true
      })
    })
    .flatMap(({ planned }) => planned.columns)
  if (columns.length === 0) return
  const held = await move.door.heldOf(move.plan.purpose, move.plan.reason, subject)
  await eraseAll(
    move,
    held.flatMap(({ collection, record, fields }) =>
      fields
        .filter((field) =>
          columns.some((column) => column.to === `${collection}.${field}` && mayBe(column.record, record)),
        )
        .map((field) => ({ subject, collection, record, field })),
    ),
  )
}

/** A record by this name may be one of these rows'; renamed keys (`x-…`) look alike. */
const mayBe = (template: string, record: string): boolean =>
  record.startsWith('x-') ||
  new RegExp(
    `^${template
      .split(/\{[^{}]+\}/)
      .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.+')}$`,
  ).test(record)

const hopOf = (planned: PlanTable): Hop => (planned.person as Hop[])[0]!

/** Subjects as they are or were: rows on the way that went too are known by the changes that told of them. */
async function subjectsOnce(
  session: Session, move: Move, hops: readonly Hop[], values: readonly (string | null)[],
): Promise<Map<string, string>> {
  const found = await subjectsBy(session, move, hops, values)
  const lost = [...new Set(values)].filter((value): value is string => value !== null && !found.get(value))
  if (lost.length === 0) return found
  const [hop, next] = hops
  const gone = await session.rows(
    sql`select k, s, o from khien_adopt_change where tbl = ${hop!.table} and op in ('d', 'g') and k in (${list(lost.map((value) => sql`${keyText([value])}`))})`,
  )
  const further = new Map<string, string>()
  for (const row of gone) {
    const [value] = keyFrom(row['k']!) as [string]
    const old = row['o'] === null ? {} : (JSON.parse(row['o']!) as Row)
    if (row['s'] !== null) found.set(value, row['s']!)
    else if (next !== undefined && old[next.column]) further.set(value, old[next.column]!)
  }
  if (further.size > 0) {
    const beyond = await subjectsOnce(session, move, hops.slice(1), [...further.values()])
    for (const [value, key] of further) if (beyond.has(key)) found.set(value, beyond.get(key)!)
  }
  return found
} // prettier-ignore

/** Carries values of one row from where they were to where they belong now. False when somebody holds the row. */
function relocate(move: Move, moving: Moving, gone: Gone): Promise<boolean> {
  const { source } = move
  return own(source, async (s) => {
    const locked = await lockRows(s, moving.table, source.kind, [gone.target], columnsOf(moving))
    const [row] = await place(s, move, moving, locked)
    if (!row || row.waits) return false
    const old: Place[] = []
    for (const column of moving.planned.columns) {
      const before = placeOf(column, gone.subject, gone.row)
      const now = row.subject === undefined ? undefined : placeOf(column, row.subject, row.row)
      if (!before || (now && samePlace(before, now))) continue
      if (now && isToken(row.row[column.column])) await carryOver(move, moving, column.column, row, before, now, s)
      old.push(before)
    }
    await eraseAll(move, old)
    // What lies here as it is has only to be put at its new place.
    if (old.length > 0) await mark(s, moving.table.label, [keyText(row.key)])
    return true
  })
}

async function carryOver(
  move: Move, moving: Moving, column: string, row: Placed, before: Place, now: Place, session: Session,
): Promise<void> {
  const { subject, collection, record, field } = before
  const [held] = await move.door.get(move.plan.purpose, move.plan.reason, [{ subject, collection, record, fields: [field] }])
  if (!held?.ok) throw new KhienError(held?.code ?? 'adopt/no-answer', held?.detail ?? 'The vault gave no answer.')
  const value = held.fields[field]
  if (value === null || value === undefined) return
  const [answer] = await move.door.put([{ subject: now.subject, collection, record: now.record, fields: { [field]: value } }])
  if (!answer?.ok) throw new KhienError(answer?.code ?? 'adopt/no-answer', answer?.detail ?? 'The vault gave no answer.')
  const token = answer.tokens?.[field] ?? tokenOf(now)
  await setColumn(session, moving.table, move.source.kind, column, [{ key: row.key, value: token }])
} // prettier-ignore

const samePlace = (a: Place, b: Place): boolean => a.subject === b.subject && a.record === b.record

/** Another row has taken this place meanwhile: same person, same record, another key. */
async function liesElsewhere(
  session: Session,
  { table, planned }: Moving,
  record: string,
  gone: Gone,
): Promise<boolean> {
  const columns = columnsIn(record)
  if (columns.length > 0 && columns.every((column) => table.key!.includes(column))) return false
  const same =
    planned.person === 'row'
      ? [sql`khien_subject = ${gone.subject}`]
      : [sql`${name(planned.person[0]!.column)} = ${gone.row[planned.person[0]!.column] ?? null}`]
  for (const column of columns) same.push(sql`${name(column)} = ${gone.row[column] ?? null}`)
  const rows = await session.rows(
    sql`select 1 from ${name(table.schema, table.name)} where ${list(same, ' and ')} limit 1`,
  )
  return rows.length > 0
}

async function eraseAll(move: Move, places: readonly Place[]): Promise<void> {
  for (const part of parts(places))
    await move.door.erase(
      move.plan.reason,
      part.map(({ subject, collection, record, field }) => ({ subject, collection, record, fields: [field] })),
    )
}
