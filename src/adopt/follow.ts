import { setTimeout as sleep } from 'node:timers/promises'
import { keyFrom, keyText, list, page, rowsAt, sql, words, type Key, type Row } from '../source/index.ts'
import { alone } from './copy.ts'
import { parts } from './door.ts'
import { handle } from './handle.ts'
import { own, patiently, type Move, type Moving } from './move.ts'
import { forget } from './forget.ts'
import { columnsOf } from './places.ts'
import { leadsThrough, placing } from './triggers.ts'
import { lagOf, type Lag } from './state.ts'

const BATCH = 400
/** Rows handled in one transaction, and so locked together. */
const ROWS = 100
const IDLE_MS = 200

export type FollowOptions = {
  /** End when nothing waits any more. */
  readonly once?: boolean
  readonly onLag?: (lag: Lag, followed: number) => void
}

/** Applies what changed in the source since it was copied, until told to stop. Returns how many changes were applied. */
export async function follow(move: Move, options: FollowOptions = {}): Promise<number> {
  await using _ = await alone(move, 'follow')
  return drain(move, options)
}

/** `follow` for verbs that need everything followed first; does nothing while a `follow` is at work already. */
export async function followFirst(move: Move): Promise<void> {
  const claim = await move.source.claim('khien adopt follow')
  if (claim) {
    await using _ = claim
    await drain(move, { once: true })
  } else await sleep(2 * IDLE_MS)
}

/** Applies changes without asking for the claim; for verbs that hold it. */
export async function drain(move: Move, { once, onLag }: FollowOptions): Promise<number> {
  let followed = 0
  let told = 0
  // “Once” means up to here: a shop that is open never has nothing waiting.
  const until = once ? await lastChange(move) : undefined
  let stuck = 0
  while (!move.signal.aborted) {
    const changes = await patiently(move, 'reading changes', () =>
      move.source.read((s) =>
        s.rows(sql`select id, tbl, k, op, s, o, n from khien_adopt_change where op <> 'g' order by id limit ${words(String(BATCH))}`),
      ),
    )
    const before = followed
    const over = until !== undefined && changes.every((change) => BigInt(change['id']!) > until)
    for (const moving of move.tables) {
      const mine = changes.filter((change) => change['tbl'] === moving.table.label)
      if (mine.length > 0) followed += await apply(move, moving, mine)
    }
    followed += await drop(move, changes.filter((c) => !move.tables.some(({ table }) => table.label === c['tbl'])))
    if (performance.now() - told > 1_000 || over) {
      told = performance.now()
      await forgetOld(move)
      onLag?.(await patiently(move, 'reading the lag', () => move.source.read((s) => lagOf(s, move.source.kind))), followed)
    }
    if (over) return followed
    stuck = followed === before ? stuck + 1 : 0
    // What is left is locked by somebody: a moment, then again.
    if (stuck > 0) await sleep(Math.min(1_000, changes.length === 0 ? IDLE_MS : 20 * stuck), undefined, { signal: move.signal }).catch(() => {})
  }
  return followed
} // prettier-ignore

async function lastChange(move: Move): Promise<bigint> {
  const [row] = await move.source.read((s) => s.rows(sql`select coalesce(max(id), 0) as id from khien_adopt_change`))
  return BigInt(row!['id']!)
}

/** Rows that went and are a day past: whatever hung on them is gone as well. */
async function forgetOld(move: Move): Promise<void> {
  const day = words(move.source.kind === 'postgres' ? `interval '1 day'` : 'interval 1 day')
  await patiently(move, 'clearing old changes', () =>
    own(move.source, (s) =>
      s.run(sql`delete from khien_adopt_change where op = 'g' and at < current_timestamp - ${day}`),
    ),
  )
}

/** Changes of one table; those that could not be applied yet stay. Returns how many are done with. */
async function apply(move: Move, moving: Moving, changes: readonly Row[]): Promise<number> {
  let done = 0
  const gone = changes.filter((change) => change['op'] === 'd' || change['op'] === 'm')
  for (const change of changes.filter((each) => each['op'] === 'w'))
    done += await patiently(move, 'following the way', () => movedBy(move, moving, change))
  if (gone.length > 0) done += await clear(move, await patiently(move, 'erasing', () => forget(move, moving, gone)))
  const idsOf = new Map<string, string[]>()
  for (const change of changes) {
    if (change['op'] !== 'c') continue
    const key = keyText(keyFrom(change['k']!))
    idsOf.set(key, [...(idsOf.get(key) ?? []), change['id']!])
  }
  for (const keys of parts([...idsOf.keys()].map(keyFrom), ROWS)) {
    const handled = await patiently(move, `following ${moving.table.label}`, () => handle(move, moving, keys, true))
    const settled = new Set(handled.map(keyText))
    const rest = keys.filter((key) => !settled.has(keyText(key)))
    for (const key of await missing(move, moving, rest)) settled.add(keyText(key))
    done += await clear(move, [...settled].flatMap((key) => idsOf.get(key) ?? []))
  }
  return done
} // prettier-ignore

/** Rows whose person changed because a row on their way got another: each as if it had moved itself. */
async function movedBy(move: Move, moving: Moving, change: Row): Promise<number> {
  const { source } = move
  const { person } = moving.planned
  const { hop } = JSON.parse(change['o']!) as { hop: number }
  const [value] = keyFrom(change['k']!) as [string]
  if (person === 'row') return clear(move, [change['id']!])
  const where = leadsThrough(move, person, hop, value)
  let after: Key | undefined
  for (;;) {
    const rows = await source.read((s) =>
      page(s, moving.table, source.kind, { columns: columnsOf(moving), after, where, limit: ROWS }),
    )
    const told = rows.map(({ key, row }): Row => {
      const old = Object.fromEntries(placing(moving).map((column) => [column, row[column] ?? null]))
      return { ...change, op: 'm', k: keyText(key), n: keyText(key), o: JSON.stringify(old) }
    })
    // Somebody holds one of them: all of it again later, which does no harm.
    if (told.length > 0 && (await forget(move, moving, told)).length < told.length) return 0
    if (rows.length < ROWS) return clear(move, [change['id']!])
    after = rows.at(-1)!.key
  }
}

/** Rows that are not there any more; what is to be erased of them stands in a change of its own. */
async function missing(move: Move, moving: Moving, keys: readonly Key[]): Promise<Key[]> {
  if (keys.length === 0) return []
  const { source } = move
  const there = new Set(
    (await source.read((s) => rowsAt(s, moving.table, source.kind, keys, []))).map(({ key }) => keyText(key)),
  )
  return keys.filter((key) => !there.has(keyText(key)))
}

const drop = (move: Move, changes: readonly Row[]): Promise<number> =>
  clear(move, changes.map((change) => change['id']!)) // prettier-ignore

async function clear(move: Move, ids: readonly string[]): Promise<number> {
  for (const part of parts(ids, 500))
    await patiently(move, 'clearing changes', () =>
      own(move.source, (s) =>
        s.run(sql`delete from khien_adopt_change where id in (${list(part.map((id) => sql`${id}`))})`),
      ),
    )
  return ids.length
}
