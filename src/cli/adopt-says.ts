import type { Back, Compared, ConsentReport, Plan, Progress, Purged, Status, Switched } from '../adopt/index.ts'
import type { Io } from './verb.ts'

const whole = (n: number): string => Math.round(n).toLocaleString('en-US')
const clock = (seconds: number): string => {
  const s = Math.round(seconds)
  return s < 90 ? `${s} s` : s < 5_400 ? `${Math.round(s / 60)} min` : `${(s / 3_600).toFixed(1)} h`
}

/** Why a row carries nothing or was not taken, in words. */
const WHY: Readonly<Record<string, string>> = {
  'consent/no-time': 'when it was given is not known',
  'consent/before-the-decree': 'given before Decree 13/2023; Article 39 of Law 91/2025 keeps what was agreed under it',
  'consent/no-method': 'how it was given is not known',
  'consent/no-text': 'the text people were shown is not known',
  'consent/no-evidence': 'where the evidence is kept is not known',
  'consent/taken-over-already': 'the same was taken before',
  'consent/decided-here': 'the person has decided here since',
  'consent/runs-already': 'one runs already',
  'consent/end-in-future': 'its end is still to come',
  'consent/end-before-given': 'it would have ended before it was given',
  'adopt/many-people': 'several people share that key',
  'consent/agreement-known': 'the agreement is known',
  'adopt/no-person': 'no adopted person of that key',
  'adopt/time': 'a time that is none (2024-03-01, 01/03/2024, 2024-03-01 10:00:00+07)',
  'adopt/name': 'a name that could be a person’s number',
  'adopt/purpose': 'no purpose or version',
  'adopt/agreement': 'no kind or reference',
}

/** What the steps of moving say to a person: results on the standard output, progress on the standard error. Never a value. */
export function adoptSays(io: Io) {
  let last = 0
  const nowAndThen = (text: () => string): void => {
    if (performance.now() - last < 1_000) return
    last = performance.now()
    io.err(`${text()}\n`)
  }
  return {
    waits: (text: string): void => io.err(`${text}\n`),
    step: (text: string): void => io.err(`${text}\n`),
    far: (p: Progress): void =>
      nowAndThen(
        () =>
          `${p.table}: ${whole(p.rows)} of ${whole(p.of)} rows${p.seconds === undefined ? '' : `, ${whole(p.perSecond)} rows/s, about ${clock(p.seconds)} left`}`,
      ),
    lag: (lag: { changes: number; seconds: number }, followed: number): void =>
      nowAndThen(
        () => `${whole(followed)} followed, ${whole(lag.changes)} waiting, ${lag.seconds.toFixed(1)} s behind`,
      ),
    taking: (n: number): void => nowAndThen(() => `${whole(n)} rows`),
    copied: (rows: number): void =>
      io.out(`${whole(rows)} rows copied. Now khien adopt follow, and leave it running.\n`),
    followed: (n: number): void => io.out(`${whole(n)} changes followed.\n`),

    plan(plan: Plan): void {
      for (const table of plan.tables) {
        const way =
          table.person === 'row'
            ? 'a row is a person'
            : `person by ${table.person.map((hop) => `${hop.column} → ${hop.table}`).join(', ')}`
        io.err(`${table.table} (${whole(table.rows ?? 0)} rows; ${way})\n`)
        for (const note of table.notes ?? []) io.err(`  ! ${note}\n`)
        for (const column of table.columns) {
          io.err(`  ${column.column} → ${column.to} ${column.record}\n    ${column.seen ?? ''}\n`)
          for (const note of column.notes ?? []) io.err(`    ! ${note}\n`)
        }
      }
      for (const { table, column, why } of plan.left ?? []) io.err(`left: ${table}.${column}: ${why}\n`)
      for (const { drop, over } of plan.views ?? [])
        io.err(`before the switch of ${over.join(', ')}: ${drop}; how to make it anew after stands in the plan\n`)
      if (plan.declare !== undefined)
        io.err(
          '\nBefore copy the vault must know the collections in “declare”: send them to PUT /api/vault/collections.\n',
        )
      const fields = [...new Set(plan.tables.flatMap((table) => table.columns.map((column) => column.to)))]
      io.err(
        `\nBefore copy the app must declare a purpose “${plan.purpose}” (PUT /api/processing; docs/moving-in.md has one to copy) with the fields ${fields.join(', ')}; values are read back under it to be compared.\n`,
      )
    },

    compared({ cells, differences, left }: Compared, limit: number): void {
      const columns = new Map<string, number>()
      for (const { table, column, what } of differences) {
        const name = `${table}.${column}: ${what}`
        columns.set(name, (columns.get(name) ?? 0) + 1)
      }
      for (const [name, count] of columns) io.out(`${name}: ${whole(count)}\n`)
      for (const { table, column, key, what } of differences.slice(0, limit))
        io.out(`  ${table}.${column} ${key} ${what}\n`)
      if (differences.length > limit) io.out(`  and ${whole(differences.length - limit)} more\n`)
      io.out(
        `${whole(cells)} cells compared, ${whole(differences.length)} differ${left > 0 ? `; ${whole(left)} stay as they are (khien adopt status)` : ''}.\n`,
      )
    },

    switched({ replaced, plaintext }: Switched): void {
      io.out(`${whole(replaced)} cells hold tokens now; ${whole(plaintext)} hold something else.\n`)
      if (plaintext > 0)
        io.out(
          'Those are cells the vault does not take, or that the app wrote just now; khien adopt follow replaces the latter.\n',
        )
    },

    back({ restored, tokens, left }: Back): void {
      io.out(`${whole(restored)} values are back; ${whole(tokens)} cells hold tokens still.\n`)
      for (const { table, column, key, code } of left.slice(0, 100)) io.out(`  ${table}.${column} ${key} ${code}\n`)
      if (tokens > left.length)
        io.out('The app goes on writing tokens: let it write values first, then give the command again.\n')
    },

    purged({ copies, rewrites, rewritten, later }: Purged): void {
      io.out(
        'No cell of the plan is plaintext in the live tables, and both sides are equal. Triggers and tables of the move are gone.\n',
      )
      if (!rewritten) {
        io.out('Old rows lie on the pages of the tables until they are rewritten, which locks each; in a quiet hour:\n')
        for (const statement of rewrites) io.out(`  ${statement};\n`)
      }
      for (const statement of later)
        io.out(`Once every connection of the app has been renewed (restart it): ${statement};\n`)
      io.out('Copies that may hold plaintext still:\n')
      for (const { what, found, todo } of copies) io.out(`  ${what} (${found}): ${todo}\n`)
    },

    taken(report: ConsentReport, limit: number): void {
      io.out(
        `${whole(report.rows)} rows read: ${whole(report.live)} carry reads now, ${whole(report.ended)} recorded as over, ${whole(report.notGiven)} did not agree.\n`,
      )
      for (const [what, counts] of [
        ['recorded, and carry nothing', report.kept],
        ['nothing new', report.known],
        ['not taken', report.left],
      ] as const)
        for (const [why, count] of Object.entries(counts))
          io.out(`${whole(count)} ${what}: ${why}${WHY[why] === undefined ? '' : `, ${WHY[why]}`}\n`)
      for (const { row, why } of report.named.slice(0, limit)) io.out(`  ${row} ${why}\n`)
      if (report.named.length > limit) io.out(`  and ${whole(report.named.length - limit)} more\n`)
    },

    abandoned(later: readonly string[]): void {
      io.out(
        'Triggers and tables of the move are gone; khien_subject stays. What was copied lies in the vault until it is erased there.\n',
      )
      for (const statement of later)
        io.out(`Once every connection of the app has been renewed (restart it): ${statement};\n`)
    },

    status(
      { tables, columns, lag, left }: Status,
      keys: readonly { table: string; column: string; key: string; code: string }[],
    ): void {
      for (const t of tables)
        io.out(
          `${t.table}: ${t.done ? 'copied' : `${whole(t.copied)} of ${whole(t.rows)} rows copied`} (${whole(t.rows)} rows)\n`,
        )
      for (const c of columns)
        io.out(`${c.column} → ${c.to}: ${c.state}, ${whole(c.tokens)} tokens, ${whole(c.plaintext)} values\n`)
      io.out(`${whole(lag.changes)} changes wait, the oldest ${lag.seconds.toFixed(1)} s\n`)
      for (const each of left) io.out(`${each.column}: ${whole(each.cells)} stay as they are: ${each.code}\n`)
      for (const { table, column, key, code } of keys) io.out(`  ${table}.${column} ${key} ${code}\n`)
      const more = left.reduce((sum, { cells }) => sum + cells, 0) - keys.length
      if (more > 0) io.out(`  and ${whole(more)} more (--limit)\n`)
    },
  }
}
