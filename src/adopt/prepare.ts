import { setTimeout as sleep } from 'node:timers/promises'
import { KhienError } from '../kit/errors.ts'
import { columnOf, faultOf, name, sql, told, words, type Query, type Source, type Table } from '../source/index.ts'
import { SUBJECT, note, type Move } from './move.ts'
import { needsWidening, type PlanColumn } from './plan.ts'
import { createState, recall, remember } from './state.ts'
import { allTriggers, type Trigger } from './triggers.ts'

const DDL_TRIES = 40

/** Gives the source what moving needs, and nothing else: our three tables, the subject column, the triggers. Harmless to repeat. */
export async function prepare(move: Move): Promise<void> {
  const { source } = move
  await createState(source).catch((error: unknown) => {
    throw told(error, 'making the tables of the move', source.place)
  })
  const begun = await source.read((s) => recall(s, 'plan'))
  const ours = JSON.stringify(move.plan)
  if (begun !== undefined && begun !== ours)
    throw new KhienError(
      'adopt/other-plan',
      'A move by another plan is under way here: go on with it without --plan, or end it with khien adopt abandon.',
      { field: 'plan' },
    )
  await note(move, (s) => remember(s, source.kind, 'plan', ours))
  for (const { planned, table } of move.tables) if (planned.person === 'row') await addSubject(source, table)
  const there = new Set((await source.tables()).flatMap((table) => table.triggers))
  for (const { table, trigger } of await allTriggers(move)) {
    if (!there.has(trigger.name)) await makeTrigger(source, table, trigger)
  }
}

/** A statement the app prepared is made anew at most three times while it runs; triggers must not come or go faster. */
const BETWEEN_TRIGGERS_MS = 100

/** Makes a trigger, and lets running statements come to their end. */
export async function makeTrigger(source: Source, table: Table, trigger: Trigger): Promise<void> {
  await createTrigger(source, table, trigger)
  if (source.kind === 'mysql') await sleep(BETWEEN_TRIGGERS_MS)
}

/**
 * MariaDB 10.11 now and then takes an app's prepared statement for up to date that was prepared while CREATE TRIGGER was
 * at work: it does not know the trigger's table then and fails with 1146. It compares the time of its preparing with the
 * trigger's, which is when the making began; so the trigger is dated some seconds ahead. Found with test/adopt/prepared.
 */
const AHEAD = sql`set timestamp = unix_timestamp(sysdate(6)) + 3`

export async function createTrigger(source: Source, table: Table, trigger: Trigger): Promise<void> {
  const before = source.kind === 'mysql' ? AHEAD : undefined
  for (const create of trigger.create) await change(source, create, `making a trigger on ${table.label}`, before)
}

/** Takes a trigger, and on PostgreSQL its function, away. */
export async function dropTrigger(source: Source, table: Table, trigger: Trigger, schema: string): Promise<void> {
  await change(source, trigger.drop, `dropping a trigger of ${table.label}`)
  if (source.kind === 'postgres')
    await change(source, sql`drop function if exists ${name(schema, trigger.name)}()`, 'dropping its function')
  else await sleep(BETWEEN_TRIGGERS_MS)
}

async function addSubject(source: Source, table: Table): Promise<void> {
  const mine = name(table.schema, table.name)
  const known = (await source.tables()).find((t) => t.label === table.label)!
  if (!columnOf(known, SUBJECT)) {
    const quick = source.kind === 'mysql' ? words(', lock=none') : sql``
    await change(
      source,
      sql`alter table ${mine} add column ${name(SUBJECT)} varchar(24)${quick}`,
      `adding ${SUBJECT} to ${table.label}`,
    )
  }
  const index = `${table.name}_${SUBJECT}`.slice(0, 60)
  if (known.indexes.some((each) => each.columns.length === 1 && each.columns[0] === SUBJECT)) return
  const create =
    source.kind === 'postgres'
      ? sql`create unique index concurrently if not exists ${name(index)} on ${mine} (${name(SUBJECT)})`
      : sql`alter table ${mine} add unique index ${name(index)} (${name(SUBJECT)}), algorithm=inplace, lock=none`
  await change(source, create, `an index over ${table.label}.${SUBJECT}`)
}

/**
 * A change of definitions that waits for its lock a moment only, so that nobody queues behind it for long, and comes back
 * when the table was in use. Errors: `source/*` in words.
 */
export async function change(source: Source, statement: Query, doing: string, before?: Query): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await source.alone(async (s) => {
        if (source.kind === 'postgres') await s.run(words('set lock_timeout = 300'))
        // A server may forbid it (secure_timestamp); the change itself goes on.
        if (before) await s.run(before).catch(() => 0)
        try {
          await s.run(statement)
        } finally {
          if (before) await s.run(words('set timestamp = default')).catch(() => 0)
        }
      })
      return
    } catch (error) {
      if (faultOf(error) !== 'busy' || tries === DDL_TRIES) throw told(error, doing, source.place)
      await sleep(100 + 50 * tries)
    }
  }
}

/** Makes room for tokens in a column, without rewriting its table. Errors: `adopt/widen` with the statement a person may run instead. */
export async function widen(move: Move, table: Table, column: PlanColumn): Promise<void> {
  const { source } = move
  const now = columnOf(
    (await source.tables()).find((t) => t.label === table.label)!,
    column.column,
  )!
  if (column.widen === undefined || !needsWidening(now)) return
  const mine = name(table.schema, table.name)
  const statement =
    source.kind === 'postgres'
      ? sql`alter table ${mine} alter column ${name(column.column)} type ${words(column.widen)}`
      : sql`alter table ${mine} modify ${words(await definitionOf(source, table, column))}, lock=none`
  const views = table.views.filter((view) => view.column === column.column).map((view) => view.name)
  if (source.kind === 'postgres' && (now.padded || views.length > 0))
    throw new KhienError(
      'adopt/widen',
      `${table.label}.${column.column} must become ${column.widen} first: ${now.padded ? 'that rewrites the table, so choose a quiet hour' : `the views ${views.join(', ')} must be dropped and made anew around it`}.`,
    )
  await change(source, statement, `making ${table.label}.${column.column} ${column.widen}`)
}

/** The column as SHOW CREATE TABLE spells it, with another type: MySQL forgets whatever MODIFY does not repeat. */
async function definitionOf(source: Source, table: Table, column: PlanColumn): Promise<string> {
  const [row] = await source.read((s) => s.rows(sql`show create table ${name(table.schema, table.name)}`))
  const text = row?.['Create Table'] ?? ''
  const start = `  \`${column.column.replaceAll('`', '``')}\` `
  const line = text.split('\n').find((each) => each.startsWith(start))
  if (line === undefined)
    throw new KhienError('adopt/widen', `The definition of ${table.label}.${column.column} cannot be read.`)
  const rest = line
    .slice(start.length)
    .replace(/,$/, '')
    .replace(/^\w+(?:\([^)]*\))?/, column.widen!)
  return start.trim() + ' ' + rest
}
