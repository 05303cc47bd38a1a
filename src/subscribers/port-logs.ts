import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { attributionTable, type Attributor, type LogSpan } from '../engine/intel/index.ts'
import { iso } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import type { Attribution } from './contract.ts'
import type { SubscriberContext, Trx } from './context.ts'
import { readPortLog, type LineFault, type LogLine, type Refused } from './port-log-lines.ts'
import type { References } from './people.ts'
import type { PortBlockRow, SubscriberTables } from './store.ts'

export const SKEW_MS = 2_000
const A_TRANSACTION = 500
const AN_INSERT = 100
const A_READ = 500
const A_HASH = 1 << 20
const ERRORS_TOLD = 100
/** About 60 bytes each in memory. */
const MOST_BLOCKS = 5_000_000
const MOST_SPANS = 100_000
const nextTurn = promisify(setImmediate)

type Span = SubscriberTables['port_span']
export type PortLogs = Awaited<ReturnType<typeof openPortLogs>>

/** Port-block logs: imported line by line, kept, and asked who held an address and port at a time. */
export async function openPortLogs(ctx: SubscriberContext, people: References) {
  const { db } = ctx
  const tables = () => db.tables<SubscriberTables>()
  const skew = ctx.skewMs ?? SKEW_MS
  const tokens = ordinals()
  const devices = ordinals()
  const table = attributionTable(ctx.ownRanges)
  let spans: LogSpan[] = []
  let attributor: Attributor = table.build([])
  const take = (row: PortBlockRow): void =>
    table.add({
      address: row.address,
      from: row.port_from,
      to: row.port_to,
      subscriber: tokens.of(row.subscriber),
      start: row.start_at,
      end: row.end_at,
      device: devices.of(row.device),
    })
  await forgetBroken()
  await load()

  /** What a crash left of an import that was not answered. */
  async function forgetBroken(): Promise<void> {
    const broken = await tables().selectFrom('port_log').select('id').where('whole', '=', 0).execute()
    for (const { id } of broken) await forget(id)
  }
  async function forget(log: string): Promise<void> {
    await db.transaction<SubscriberTables, void>(async (trx) => {
      for (const name of ['port_block', 'port_span'] as const)
        await trx.deleteFrom(name).where('log', '=', log).execute()
      await trx.deleteFrom('port_log').where('id', '=', log).execute()
    })
  }

  async function load(only?: string): Promise<void> {
    for (let log = only ?? '', line = -1; ;) {
      let query = tables().selectFrom('port_block').selectAll()
      if (only !== undefined) query = query.where('log', '=', only)
      const rows = await query
        .where((eb) => eb.or([eb('log', '>', log), eb.and([eb('log', '=', log), eb('line', '>', line)])]))
        .orderBy('log')
        .orderBy('line')
        .limit(A_READ)
        .execute()
      rows.forEach(take)
      const last = rows.at(-1)
      if (last === undefined) break
      log = last.log
      line = last.line
      await nextTurn()
    }
    await renew()
  }
  async function renew(): Promise<void> {
    const rows = await tables().selectFrom('port_span').selectAll().execute()
    spans = rows.map(({ device, kind, from_at, to_at }) => ({
      device: devices.of(device),
      kind,
      from: from_at,
      to: to_at,
    }))
    const steps = table.buildInSteps(spans)
    for (;;) {
      const { done, value } = steps.next()
      if (done) return void (attributor = value)
      await nextTurn()
    }
  }

  /**
   * Imports a log; lines that cannot be used are named and left out. The same file again answers what it answered first.
   * Errors: 400 `subscribers/port-log` when no line can be used, 409 `subscribers/full`.
   */
  async function bringIn(name: string, bytes: Uint8Array, actor: string) {
    const digest = await digestOf(bytes)
    const before = await tables()
      .selectFrom('port_log')
      .selectAll()
      .where('digest', '=', digest)
      .where('whole', '=', 1)
      .executeTakeFirst()
    if (before) return shown(before, await spansOf(before.id))
    const now = ctx.clock()
    const id = newId('plg', now, ctx.entropy)
    const found = { rows: 0, refused: 0, from: Infinity, to: 0, errors: [] as LineFault[] }
    const reach = new Map<string, { from: number; to: number; covered: boolean }>()
    const newSpans: Span[] = []
    let count = 0
    /** Devices of which a line was refused; `''`, of one that cannot be read. */
    const broken = new Set<string>()
    const refuse = ({ fault, device = '', start, end }: Refused): void => {
      if (++found.refused <= ERRORS_TOLD) found.errors.push(fault)
      for (const at of [start, end]) if (at !== undefined) stretch(Math.min(now, at))
      broken.add(device)
    }
    const stretch = (at: number): void => {
      found.from = Math.min(found.from, at)
      found.to = Math.max(found.to, at)
    }
    await db.transaction<SubscriberTables, void>((trx) =>
      trx
        .insertInto('port_log')
        .values({
          id,
          name,
          digest,
          imported_at: now,
          rows: 0,
          refused: 0,
          errors: '[]',
          from_at: null,
          to_at: null,
          whole: 0,
        })
        .execute()
        .then(() => undefined),
    )
    try {
      let seenLines = 0
      let part: Extract<LogLine, { kind: 'block' }>[] = []
      for (const one of readPortLog(bytes)) {
        if (++seenLines % AN_INSERT === 0) await nextTurn()
        if ('fault' in one) {
          refuse(one)
          continue
        }
        found.from = Math.min(found.from, one.kind === 'block' ? one.start : one.from)
        // A planned end is no sign that the log reaches that far.
        const to = Math.min(now, one.kind === 'block' ? lastOf(one, now) : one.to)
        found.to = Math.max(found.to, to)
        const seen = reach.get(one.device) ?? { from: Infinity, to: 0, covered: false }
        reach.set(one.device, seen)
        if (one.kind !== 'block') {
          if (newSpans.length + spans.length >= MOST_SPANS) throw full('spans')
          seen.covered ||= one.kind === 'covers'
          newSpans.push({ log: id, device: one.device, kind: one.kind, from_at: one.from, to_at: one.to })
          continue
        }
        seen.from = Math.min(seen.from, to)
        seen.to = Math.max(seen.to, to)
        part.push(one)
        if (part.length === A_TRANSACTION) {
          count = await keep(id, part, count)
          part = []
        }
      }
      count = await keep(id, part, count)
      for (const [device, { from, to, covered }] of reach)
        if (!covered && to > 0) newSpans.push({ log: id, device, kind: 'seen', from_at: Math.min(from, to), to_at: to })
      // A refused line may have ended a block, or begun another: what the file says of its device is not whole.
      for (const device of broken.has('') ? new Set([...reach.keys(), ...broken]) : broken)
        if (device !== '' && count + newSpans.length > 0)
          newSpans.push({ log: id, device, kind: 'gap', from_at: found.from, to_at: found.to + 1 })
      if (newSpans.length + spans.length > MOST_SPANS) throw full('spans')
      if (count + newSpans.length === 0) {
        const [first] = found.errors
        const why = first ? ` Line ${first.line}, ${first.field}: ${first.detail}.` : ''
        throw new KhienError('subscribers/port-log', `No line of this port-block log can be used.${why}`, {
          status: 400,
          field: 'body',
        })
      }
      found.rows = count
      await db.transaction<SubscriberTables, void>(async (trx) => {
        for (let at = 0; at < newSpans.length; at += AN_INSERT)
          await trx
            .insertInto('port_span')
            .values(newSpans.slice(at, at + AN_INSERT))
            .execute()
        await trx
          .updateTable('port_log')
          .set({
            whole: 1,
            rows: found.rows,
            refused: found.refused,
            errors: JSON.stringify(found.errors),
            from_at: found.from === Infinity ? null : found.from,
            to_at: found.to === 0 ? null : found.to,
          })
          .where('id', '=', id)
          .execute()
        const facts = { log: id, rows: found.rows, refused: found.refused }
        await ctx.record(trx, [{ kind: 'subscribers.port-log-imported', actor, result: 'done', facts }])
      })
    } catch (error) {
      await forget(id)
      throw error
    }
    await load(id)
    const row = await tables().selectFrom('port_log').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    return shown(row, newSpans)
  }

  async function keep(log: string, part: readonly Extract<LogLine, { kind: 'block' }>[], before: number) {
    if (part.length === 0) return before
    if (before + part.length + table.size > MOST_BLOCKS) throw full('port blocks')
    await db.transaction<SubscriberTables, void>(async (trx) => {
      const tokenOf = await people.tokensOf(
        trx,
        part.map((one) => one.reference),
      )
      const made = part.map((one, i) => ({
        log,
        line: before + i,
        address: one.address,
        port_from: one.from,
        port_to: one.to,
        subscriber: tokenOf.get(one.reference)!,
        start_at: one.start,
        end_at: one.end,
        device: one.device,
      }))
      for (let at = 0; at < made.length; at += AN_INSERT)
        await trx
          .insertInto('port_block')
          .values(made.slice(at, at + AN_INSERT))
          .execute()
          .then(() => nextTurn())
    })
    await nextTurn()
    return before + part.length
  }

  const spansOf = (log: string): Promise<Span[]> =>
    tables().selectFrom('port_span').selectAll().where('log', '=', log).execute()
  const gapsOf = (rows: readonly Span[]) =>
    rows
      .filter((span) => span.kind === 'gap')
      .slice(0, ERRORS_TOLD)
      .map((span) => ({ device: span.device, from: iso(span.from_at), to: iso(span.to_at) }))
  const shown = (row: SubscriberTables['port_log'], rows: readonly Span[]) => ({
    id: row.id,
    rows: Number(row.rows),
    refused: Number(row.refused),
    errors: JSON.parse(row.errors) as LineFault[],
    gaps: gapsOf(rows),
  })

  async function list() {
    const logs = await tables()
      .selectFrom('port_log')
      .selectAll()
      .where('whole', '=', 1)
      .orderBy('id', 'desc')
      .limit(200)
      .execute()
    const all = await tables().selectFrom('port_span').selectAll().where('kind', '=', 'gap').execute()
    return {
      items: logs.map((log) => ({
        id: log.id,
        name: log.name,
        importedAt: iso(log.imported_at),
        rows: Number(log.rows),
        refused: Number(log.refused),
        from: log.from_at === null ? null : iso(log.from_at),
        to: log.to_at === null ? null : iso(log.to_at),
        gaps: gapsOf(all.filter((span) => span.log === log.id)),
      })),
      rows: table.size,
    }
  }

  /** Never a guess: see the engine's rules. `at` in milliseconds. */
  function attribute(address: string, port: number | null, at: number): Attribution {
    const { result, subscriber, candidates, why } = attributor.attribute(address, port, at, skew)
    return { result, subscriber: subscriber < 0 ? null : tokens.name(subscriber), candidates, why }
  }

  /** The same, asked by a person: the question stands in the log, the address does not. */
  async function ask(asked: { address: string; port: number | null; at: number; reason: string }, actor: string) {
    const answer = attribute(asked.address, asked.port, asked.at)
    await db.transaction<SubscriberTables, void>(async (trx: Trx) => {
      const about = answer.subscriber === null ? {} : { subject: answer.subscriber }
      const facts = { result: answer.result, ...(answer.why === null ? {} : { why: answer.why }) }
      await ctx.record(trx, [
        { kind: 'subscribers.attributed', actor, ...about, reason: asked.reason, result: 'allowed', facts },
      ])
    })
    return answer
  }
  return { import: bringIn, list, attribute, ask, skew }
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256')
  for (let at = 0; at < bytes.length; at += A_HASH) {
    hash.update(bytes.subarray(at, at + A_HASH))
    await nextTurn()
  }
  return hash.digest('hex')
}

const full = (what: string): KhienError =>
  new KhienError('subscribers/full', `This node holds as many ${what} as it can.`, {
    status: 409,
  })

/** When the device spoke of a block: at its end, or at its start while the end is to come. */
const lastOf = ({ start, end }: { readonly start: number; readonly end: number | null }, now: number): number =>
  end !== null && end <= now ? end : start

/** Names as small numbers, and back. */
function ordinals() {
  const numbers = new Map<string, number>()
  const names: string[] = []
  return {
    of(name: string): number {
      let n = numbers.get(name)
      if (n === undefined) {
        n = names.push(name) - 1
        numbers.set(name, n)
      }
      return n
    },
    name: (n: number): string => names[n]!,
  }
}
