import { setTimeout as sleep } from 'node:timers/promises'
import { KhienError } from '../kit/errors.ts'
import { list, name, passes, sql, words, type Query, type Session, type Source, type Table } from '../source/index.ts'
import { isAway, type Door } from './door.ts'
import { checkPlan, readPlan, type Plan, type PlanColumn, type PlanTable } from './plan.ts'
import { hasState, recall } from './state.ts'

/** Column of the tables of persons that holds their subject token. */
export const SUBJECT = 'khien_subject'

/** A table of the plan with what the source says of it. */
export type Moving = { readonly planned: PlanTable; readonly table: Table }

/** A move under way: whose data, where to, by which plan. */
export type Move = {
  readonly source: Source
  readonly door: Door
  readonly plan: Plan
  /** Tables of persons first, so that others find whose they are. */
  readonly tables: readonly Moving[]
  /** Of the vault: has this field tokens by value? */
  readonly stable: (to: string) => boolean
  readonly signal: AbortSignal
  /** A sentence for the person who waits. */
  readonly say: (text: string) => void
}

export type MoveOptions = Pick<Move, 'source' | 'door'> & Partial<Pick<Move, 'signal' | 'say'>>

/** Opens a move: by the plan given, or by the one that `copy` left in the source. Errors: `adopt/plan`, `adopt/not-begun`. */
export async function openMove(options: MoveOptions, given?: Plan): Promise<Move> {
  const { source, door } = options
  const plan = given ?? (await planIn(source))
  const tables = await source.tables()
  checkPlan(plan, tables)
  const fields = await patiently(options, 'reading the collections', () => door.fields())
  const stable = new Set<string>()
  for (const [t, planned] of plan.tables.entries())
    for (const [c, column] of planned.columns.entries()) {
      const field = fields.find((each) => `${each.collection}.${each.field}` === column.to)
      const at = `tables.${t}.columns.${c}.to`
      if (!field) throw bad(at, `the vault has no field ${column.to}; declare it first (see “declare” in the plan)`)
      if (field.writeOnly) throw bad(at, `${column.to} is never given out, so it could not be compared or brought back`)
      if (field.token === 'digits')
        throw bad(at, `${column.to} has tokens of digits, which nobody can tell from values; declare token "stable"`)
      if (field.token === 'stable') stable.add(column.to)
    }
  const moving = plan.tables.map((planned): Moving => ({
    planned,
    table: tables.find((t) => t.label === planned.table)!,
  }))
  return {
    source,
    door,
    plan,
    tables: moving.toSorted((a, b) => Number(b.planned.person === 'row') - Number(a.planned.person === 'row')),
    stable: (to) => stable.has(to),
    signal: options.signal ?? new AbortController().signal,
    say: options.say ?? (() => {}),
  }
}

const bad = (field: string, why: string): KhienError =>
  new KhienError('adopt/plan', `plan: ${field}: ${why}.`, { field })

async function planIn(source: Source): Promise<Plan> {
  const text = (await hasState(source)) ? await source.read((s) => recall(s, 'plan')) : undefined
  if (text === undefined)
    throw new KhienError(
      'adopt/not-begun',
      `Nothing is being moved from ${source.place}; begin with khien adopt copy --plan FILE.`,
    )
  return readPlan(text)
}

/** One transaction of ours: the triggers pass over what it writes, because the vault knows it already. */
export const own = <T>(source: Source, work: (session: Session) => Promise<T>): Promise<T> =>
  source.write(async (session) => {
    if (source.kind === 'postgres') {
      await session.run(words(`set local khien.own = '1'`))
      return work(session)
    }
    // A variable of MySQL outlives its transaction.
    await session.run(words('set @khien_own = 1'))
    try {
      return await work(session)
    } finally {
      await session.run(words('set @khien_own = null')).catch(() => {})
    }
  })

/**
 * Tries again while the database is busy or the vault away, with growing pauses up to five seconds, and says so. Ends
 * with the error when told to stop, or when it is of another kind.
 */
export async function patiently<T>(
  { signal, say }: { readonly signal?: AbortSignal; readonly say?: (text: string) => void },
  doing: string,
  work: () => Promise<T>,
  times = Infinity,
): Promise<T> {
  for (let tries = 1, wait = 50; ; tries++, wait = Math.min(5_000, wait * 2)) {
    try {
      return await work()
    } catch (error) {
      const away = isAway(error)
      if ((!away && !passes(error)) || signal?.aborted || tries >= times) throw error
      if (tries % 8 === 0) say?.(`${doing}: ${away ? 'the vault does not answer' : 'the database is busy'}; waiting`)
      await sleep(wait, undefined, signal ? { signal } : {}).catch(() => {})
      if (signal?.aborted) throw error
    }
  }
}

/** One transaction of ours that keeps only what moving remembers: tried again while another of ours is at the same rows. */
export const note = (
  move: Pick<Move, 'source' | 'signal' | 'say'>,
  work: (session: Session) => Promise<unknown>,
): Promise<unknown> => patiently(move, 'noting how far', () => own(move.source, work))

/** `users.phone` → its table and column in the plan. Errors: `adopt/column`, naming what there is. */
export function columnIn(move: Move, text: string): Moving & { column: PlanColumn } {
  for (const moving of move.tables)
    for (const column of moving.planned.columns)
      if (`${moving.table.label}.${column.column}` === text) return { ...moving, column }
  const known = move.tables.flatMap((m) => m.planned.columns.map((c) => `${m.table.label}.${c.column}`))
  throw new KhienError('adopt/column', `The plan has no column ${text}; it has ${known.join(', ')}.`, {
    field: 'column',
  })
}

/** `users.phone,users.email` → columns of one table. Errors: `adopt/column`. */
export function columnsIn(move: Move, text: string): Moving & { columns: PlanColumn[] } {
  const found = text.split(',').map((each) => columnIn(move, each.trim()))
  const [first] = found as [(typeof found)[0]]
  if (found.some(({ table }) => table !== first.table))
    throw new KhienError('adopt/column', 'Columns of one table at a time.', { field: 'column' })
  return { table: first.table, planned: first.planned, columns: [...new Set(found.map(({ column }) => column))] }
}

export type ColumnState = 'copied' | 'switched' | 'back'
export const stateName = (table: Table, column: PlanColumn): string => `column:${table.label}.${column.column}`

export async function stateOf(session: Session, table: Table, column: PlanColumn): Promise<ColumnState> {
  return ((await recall(session, stateName(table, column))) as ColumnState | undefined) ?? 'copied'
}

/** Columns of a table whose cells get tokens. */
export async function switchedAmong(session: Session, { table, planned }: Moving): Promise<Set<PlanColumn>> {
  const names = list(planned.columns.map((column) => sql`${stateName(table, column)}`))
  const rows = await session.rows(
    sql`select name from khien_adopt where name in (${names}) and value = ${'switched' satisfies ColumnState}`,
  )
  const switched = new Set(rows.map((row) => row['name']))
  return new Set(planned.columns.filter((column) => switched.has(stateName(table, column))))
}

/** Cells that hold something that is no token. */
export function plaintext(source: Source, column: string): Query {
  const cell = name(column)
  return source.kind === 'postgres'
    ? sql`(${cell} ~ '\\S' and ${cell} !~ '^kh_[a-z0-9]{16,20}$')`
    : sql`(${cell} regexp '[^[:space:]]' and not (${cell} regexp '^kh_[a-z0-9]{16,20}$' and binary ${cell} = binary lower(${cell})))`
}
/** Cells that hold a token. */
export function tokens(source: Source, column: string): Query {
  const cell = name(column)
  return source.kind === 'postgres'
    ? sql`(${cell} ~ '^kh_[a-z0-9]{16,20}$')`
    : sql`(${cell} regexp '^kh_[a-z0-9]{16,20}$' and binary ${cell} = binary lower(${cell}))`
}
