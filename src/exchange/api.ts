import { answer, type Asked, type Bound } from '../http/index.ts'
import { iso } from '../kit/clock.ts'
import { actorOf } from '../kit/contract.ts'
import { inLanguage } from '../kit/i18n.ts'
import {
  exchangeRoutes as rows,
  INDICATOR_STATES,
  type IndicatorView,
  type RefusalReason,
  type Tlp,
} from './contract.ts'
import type { GuardCode } from './guard.ts'
import type { Exchange } from './index.ts'
import { unknownIndicator } from './indicators.ts'
import { indicatorView, type IndicatorRow } from './indicator-store.ts'
import { exchangeMessages } from './messages.ts'
import { pageOf, readCursor } from './pages.ts'
import { peerView } from './peers.ts'
import { identityObject } from './stix.ts'
import type { ExchangeTables } from './store.ts'
import { TLP2_MARKINGS, tlpOfRank } from './tlp.ts'

/** What the console asks of the exchange. */
export function exchangeApi(exchange: Exchange): readonly Bound[] {
  const { ctx, store, peers, gate, transfers, deliveries, sightings, files } = exchange
  const db = () => ctx.db.tables<ExchangeTables>()
  const names = async (): Promise<Map<string, string>> =>
    new Map((await peers.list()).map((peer) => [peer.id, peer.name]))

  /** Views of rows, with the names of peers and how many got each. */
  async function views(found: readonly IndicatorRow[], asked: Asked): Promise<IndicatorView[]> {
    const { guard } = inLanguage(exchangeMessages, asked.language)
    const known = await names()
    const ids = found.map((row) => row.id)
    const counts =
      ids.length === 0
        ? []
        : await db()
            .selectFrom('exchange_delivery')
            .select((eb) => ['indicator', eb.fn.count<number>('peer').distinct().as('n')])
            .where('indicator', 'in', ids)
            .where('state', 'in', ['queued', 'sent'])
            .groupBy('indicator')
            .execute()
    const sharedWith = new Map(counts.map((row) => [row.indicator, Number(row.n)]))
    return found.map((row) =>
      indicatorView(row, {
        at: ctx.clock(),
        names: known,
        controller: ctx.controller,
        sharedWith: sharedWith.get(row.id) ?? 0,
        sentence: (code) => guard[code as GuardCode],
      }),
    )
  }

  async function view(id: string, asked: Asked): Promise<IndicatorView> {
    const row = await store.one(id)
    if (!row) throw unknownIndicator()
    return (await views([row], asked))[0]!
  }

  async function deliveriesOf(id: string) {
    const known = await names()
    return (await deliveries.of(id)).map((row) => ({
      peer: row.peer,
      name: known.get(row.peer) ?? row.peer,
      state: row.state as 'queued',
      reason: row.reason,
      at: iso(row.at),
    }))
  }

  return [
    answer(rows.summary, async () => {
      const [states, usable, refused, found, foreign, queued, known] = await Promise.all([
        store.states(),
        store.usable(),
        gate.counts(),
        db()
          .selectFrom('exchange_transfer')
          .select((eb) => eb.fn.sum<number>('failed').as('n'))
          .where('way', 'in', ['serve-push', 'pull', 'file-in'])
          .executeTakeFirstOrThrow(),
        store.counted('held-by-another'),
        deliveries.queued(),
        peers.list(),
      ])
      const blocks = await db()
        .selectFrom('block_suggestion')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('state', '!=', 'expired')
        .executeTakeFirstOrThrow()
      return {
        indicators: Object.fromEntries(INDICATOR_STATES.map((state) => [state, states[state] ?? 0])) as Record<
          (typeof INDICATOR_STATES)[number],
          number
        >,
        usable: usable.items.length,
        version: usable.version,
        withheld: [...refused.values()].reduce((sum, n) => sum + n, 0),
        rejectedObjects: Number(found.n ?? 0) + foreign,
        fileFailures: await files.refused(),
        queued,
        peers: known.length,
        failingPeers: transfers.failing(),
        blocksOpen: Number(blocks.n),
        vkey: ctx.vkey,
      }
    }),
    answer(rows.indicators, async ({ query }, asked) => {
      const found = await store.list({ ...query, cursor: readCursor(query.cursor) })
      const shown = pageOf(found, query.limit, (row) => row)
      return { items: await views(shown.items, asked), next: shown.next }
    }),
    answer(rows.indicator, async ({ params }, asked) => {
      const row = await store.one(params.id)
      if (!row) throw unknownIndicator()
      const known = await names()
      const [shown] = await views([row], asked)
      const seen = await sightings.of(row.id)
      const acts = await db()
        .selectFrom('indicator_act')
        .selectAll()
        .where('indicator', '=', row.id)
        .orderBy('id', 'desc')
        .limit(500)
        .execute()
      const marking = tlpOfRank(row.tlp)
      const frame =
        row.source === ''
          ? [identityObject(ctx.controller, ctx.vkey), ...(marking === null ? [] : [TLP2_MARKINGS[marking]])]
          : []
      return {
        indicator: shown!,
        stix: [...frame, exchange.indicators.objectOf(row)],
        deliveries: await deliveriesOf(row.id),
        sightings: seen.map((each) => ({
          id: each.id,
          from: {
            peer: known.has(each.source) ? each.source : null,
            name: each.source === '' ? ctx.controller : (known.get(each.source) ?? each.source),
          },
          count: each.count,
          firstSeen: iso(each.first_seen),
          lastSeen: iso(each.last_seen),
          receivedAt: iso(each.received_at),
        })),
        acts: acts.map((each) => ({
          at: iso(each.at),
          act: each.act,
          actor: known.get(each.actor) ?? each.actor,
        })),
      }
    }),
    answer(rows.propose, async ({ body }, asked) => {
      const { validUntil, seenAt, ...rest } = body
      const { id } = await exchange.indicators.propose(
        {
          ...rest,
          validUntil: Date.parse(validUntil),
          ...(seenAt === undefined ? {} : { seenAt: Date.parse(seenAt) }),
          actor: actorOf(asked.caller),
        },
        asked.once,
      )
      return view(id, asked)
    }),
    answer(rows.approve, async ({ params }, asked) => {
      await exchange.indicators.approve(params.id, actorOf(asked.caller))
      return view(params.id, asked)
    }),
    answer(rows.share, async ({ params, body }, asked) => {
      await exchange.indicators.share(params.id, body.peers, actorOf(asked.caller), asked.once)
      return { indicator: await view(params.id, asked), deliveries: await deliveriesOf(params.id) }
    }),
    answer(rows.revoke, async ({ params, body }, asked) => {
      await exchange.indicators.revoke(params.id, body.reason, actorOf(asked.caller))
      return view(params.id, asked)
    }),
    answer(rows.peers, async () => {
      const [known, counts] = await Promise.all([peers.list(), gate.counts()])
      return { items: known.map((peer) => peerView(peer, counts.get(peer.id) ?? 0)) }
    }),
    answer(rows.addPeer, async ({ body }, { caller }) => {
      const { peer, user, secret } = await peers.add(body, actorOf(caller))
      return { peer: peerView(peer, 0), user, secret }
    }),
    answer(rows.setPeer, async ({ params, body }, { caller }) => {
      const peer = await peers.set(params.id, body, actorOf(caller))
      return peerView(peer, (await gate.counts()).get(peer.id) ?? 0)
    }),
    answer(rows.refusals, async ({ query }) => {
      const known = await names()
      const found = await gate.list({ ...query, cursor: readCursor(query.cursor), peer: query.peer })
      const total = [...(await gate.counts()).values()].reduce((sum, n) => sum + n, 0)
      const page = pageOf(found, query.limit, (row) => ({
        id: row.id,
        at: iso(row.at),
        lastAt: iso(row.last_at),
        times: row.times,
        peer: known.has(row.peer) ? row.peer : null,
        name: known.get(row.peer) ?? row.peer,
        objectId: row.object_id,
        objectType: row.object_type,
        tlp: tlpOfRank(row.tlp),
        ceiling: row.ceiling as Tlp,
        reason: row.reason as RefusalReason,
      }))
      return { ...page, total }
    }),
    answer(rows.transfers, async ({ query }) => {
      const known = await names()
      const found = await transfers.list({ ...query, cursor: readCursor(query.cursor), peer: query.peer })
      return pageOf(found, query.limit, (row) => ({
        id: row.id,
        peer: row.peer,
        name: row.peer === null ? '' : (known.get(row.peer) ?? row.peer),
        way: row.way as 'push',
        startedAt: iso(row.started_at),
        endedAt: row.ended_at === null ? null : iso(row.ended_at),
        objects: row.objects,
        accepted: row.accepted,
        failed: row.failed,
        bytes: row.bytes,
        error: row.error,
        errorSentence: row.error_sentence,
      }))
    }),
    answer(rows.blocks, async ({ query }) => {
      const known = await names()
      const cursor = readCursor(query.cursor)
      let wanted = db().selectFrom('block_suggestion').selectAll()
      if (cursor !== undefined) wanted = wanted.where('id', '<', cursor)
      if (query.way) wanted = wanted.where('way', '=', query.way)
      const found = await wanted
        .orderBy('id', 'desc')
        .limit(query.limit + 1)
        .execute()
      return pageOf(found, query.limit, (row) => ({
        id: row.id,
        indicator: row.indicator,
        way: row.way as 'in' | 'out',
        peer: row.peer !== null && known.has(row.peer) ? row.peer : null,
        name: row.peer === null ? '' : (known.get(row.peer) ?? row.peer),
        address: row.address,
        port: row.port,
        seenAt: iso(row.seen_at),
        expiresAt: iso(row.expires_at),
        state: (row.expires_at <= ctx.clock() ? 'expired' : row.state) as 'queued',
        caseId: row.case_id,
      }))
    }),
    answer(rows.export, ({ body }, { caller }) => files.exportFile(body.indicators, body.maxTlp, actorOf(caller))),
    answer(rows.import, ({ body }, { caller }) =>
      files.importFile(Buffer.from(body.bundle), body.signature, body, actorOf(caller)),
    ),
  ]
}
