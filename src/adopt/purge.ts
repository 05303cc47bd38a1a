import { KhienError } from '../kit/errors.ts'
import { countRows, name, sql, words } from '../source/index.ts'
import { compare } from './compare.ts'
import { rewriteOf, survivingCopies, type Copy } from './copies.ts'
import { alone, demandCopied } from './copy.ts'
import { drain } from './follow.ts'
import { note, stateOf, tokens, type Move } from './move.ts'
import { change, dropTrigger, makeTrigger } from './prepare.ts'
import type { Progress } from './progress.ts'
import { STATE_TABLES } from './state.ts'
import { leftKeys } from './status.ts'
import { plaintextIn } from './switch.ts'
import { allTriggers, schemaOf } from './triggers.ts'

const TOLD_MS = 10_000

export type Purged = {
  readonly copies: readonly Copy[]
  /** Statements that rewrite the tables, so that no old row is left on their pages. */
  readonly rewrites: readonly string[]
  readonly rewritten: boolean
  /** What is left to be done when the app's connections have been renewed. */
  readonly later: readonly string[]
}
export type PurgeOptions = {
  /** Run the rewrites now: each locks its table for as long as it takes. */
  readonly rewrite?: boolean
  readonly onStep?: (words: string) => void
}

/**
 * The end of a move: demands that every column is switched, that both sides are equal, that nothing waits and no cell of
 * the plan is plaintext; takes everything of ours out of the source but the subject column; tells which copies survive.
 * Errors: `adopt/not-switched`, `adopt/differs`, `adopt/plaintext`.
 */
export async function purge(move: Move, { rewrite = false, onStep = () => {} }: PurgeOptions = {}): Promise<Purged> {
  await using _ = await alone(move, 'purge')
  await demandCopied(move)
  for (const { table, planned } of move.tables)
    for (const column of planned.columns)
      if ((await move.source.read((s) => stateOf(s, table, column))) !== 'switched')
        throw new KhienError(
          'adopt/not-switched',
          `${table.label}.${column.column} is not switched; run khien adopt switch.`,
        )
  await using _following = await alone(move, 'follow')
  await drain(move, { once: true })
  onStep('comparing both sides')
  const { differences } = await compare(move, nowAndThen(onStep))
  if (differences.length > 0)
    throw new KhienError('adopt/differs', `${differences.length} cells differ; khien adopt compare lists them.`)
  await demandClean(move)
  const triggers = await allTriggers(move)
  const schema = await schemaOf(move.source)
  onStep('dropping the triggers')
  for (const { table, trigger } of triggers) await dropTrigger(move.source, table, trigger, schema)
  try {
    // Whoever wrote plaintext between the last look and the dropping is seen now, while nothing is lost yet.
    await demandClean(move)
  } catch (error) {
    for (const { table, trigger } of triggers) await makeTrigger(move.source, table, trigger)
    throw error
  }
  // What was told before the triggers went, a deleted row perhaps.
  await drain(move, { once: true })
  const copies = await survivingCopies(move)
  onStep('dropping the tables of the move')
  const later = await dropState(move)
  const rewrites = rewriteOf(move)
  if (rewrite) await rewriteAll(move, rewrites, onStep)
  return { copies, rewrites, rewritten: rewrite, later }
}

function nowAndThen(onStep: (words: string) => void): (rows: number, progress: Progress) => void {
  let last = performance.now()
  return (rows, { of, seconds }) => {
    if (performance.now() - last < TOLD_MS) return
    last = performance.now()
    const left = seconds === undefined ? '' : `, about ${Math.ceil(seconds / 60)} min left`
    onStep(`comparing both sides: ${rows.toLocaleString('en-US')} of ${of.toLocaleString('en-US')} rows${left}`)
  }
}

/** Takes the tables of the move away. Gives the statements for what has to wait. */
async function dropState(move: Move): Promise<string[]> {
  // A statement that a connection of the app prepared while the triggers stood asks MySQL for their table once more.
  const kept = move.source.kind === 'mysql' ? ['khien_adopt_change'] : []
  for (const table of kept) await note(move, (s) => s.run(sql`delete from ${name(table)}`))
  for (const table of STATE_TABLES)
    if (!kept.includes(table)) await change(move.source, sql`drop table if exists ${name(table)}`, `dropping ${table}`)
  return kept.map((table) => `drop table ${table}`)
}

/**
 * Gives a move up: possible while no cell of the plan is a token, so that nothing is only in the vault. Takes triggers and
 * tables away; what was copied stays in the vault until it is erased there. Errors: `adopt/tokens`.
 */
export async function abandon(move: Move): Promise<string[]> {
  await using _ = await alone(move, 'copy')
  await using _following = await alone(move, 'follow')
  for (const { table, planned } of move.tables)
    for (const { column } of planned.columns) {
      const count = await move.source.read((s) => countRows(s, table, tokens(move.source, column)))
      if (count > 0)
        throw new KhienError(
          'adopt/tokens',
          `${table.label}.${column} holds ${count} tokens; run khien adopt back first.`,
        )
    }
  const schema = await schemaOf(move.source)
  for (const { table, trigger } of await allTriggers(move)) await dropTrigger(move.source, table, trigger, schema)
  return dropState(move)
}

async function rewriteAll(move: Move, rewrites: readonly string[], onStep: (words: string) => void): Promise<void> {
  for (const statement of rewrites) {
    onStep(statement)
    await change(move.source, words(statement), statement)
  }
}

/** Errors: `adopt/plaintext`, with how many cells of which column and, where it is known, why the vault does not take them. */
async function demandClean(move: Move): Promise<void> {
  for (const { table, planned } of move.tables)
    for (const column of planned.columns) {
      const count = await plaintextIn(move, { table, planned }, column)
      if (count === 0) continue
      const known = (await leftKeys(move.source, 1_000)).filter(
        (c) => c.table === table.label && c.column === column.column,
      )
      const some = known.slice(0, 5).map((cell) => `${cell.key} ${cell.code}`)
      throw new KhienError(
        'adopt/plaintext',
        `${table.label}.${column.column} holds ${count} cells that are no tokens${some.length > 0 ? ` (${some.join(', ')})` : '; somebody writes them still, or khien adopt switch has to run again'}.`,
      )
    }
}
