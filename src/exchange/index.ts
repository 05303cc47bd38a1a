import { randomUUID } from 'node:crypto'
import type { ExchangeContext } from './context.ts'
import { deliveryService } from './deliveries.ts'
import { digestService } from './digest.ts'
import { fileService } from './files.ts'
import { gateLog } from './gate.ts'
import { warningListGuard } from './guard.ts'
import { indicatorService } from './indicators.ts'
import { indicatorStore } from './indicator-store.ts'
import { peerService } from './peers.ts'
import { placesOf } from './places.ts'
import { pullService } from './pulls.ts'
import { sightingService } from './sightings.ts'
import { identityObject } from './stix.ts'
import { collectionStore } from './taxii/collections.ts'
import { statusStore } from './taxii/status.ts'
import { taxiiDoor } from './taxii-door.ts'
import { transferLog } from './transfers.ts'

export { exchangeApi } from './api.ts'
export { SHARED, SIGHTED, type ExchangeContext } from './context.ts'
export { exchangeRoutes } from './contract.ts'
export type { GuardCode } from './guard.ts'
export type { Proposed } from './indicators.ts'
export type { UsableIndicator, UsableSet } from './indicator-store.ts'
export type { NewPeer, Peer } from './peers.ts'
export { exchangeMigrations, type ExchangeTables } from './store.ts'
export { serveFile } from './serve-file.ts'
export { taxiiClient, type PullCursor, type TaxiiClient } from './taxii/client.ts'
export { taxiiFetch } from './taxii/fetch.ts'
export type Exchange = Awaited<ReturnType<typeof openExchange>>

const PULL_MS = 30_000
const DEMO_PULL_MS = 500
const PUSH_MS = 1_000
const DIGEST_MS = 1_000
const FLUSH_MS = 10_000
const EXPIRE_MS = 30_000
const SWEEP_MS = 3_600_000

/**
 * Indicators between networks: our own and those of peers, TAXII 2.1 both ways, the marking gate, signed files. Nothing
 * repeats by itself: whoever opens it runs `jobs`.
 */
export async function openExchange(ctx: ExchangeContext) {
  const node = ctx.vkey
  const places = placesOf(node)
  const identity = identityObject(ctx.controller, node)
  const collections = collectionStore(ctx)
  for (const place of Object.values(places)) await collections.ensure(place)
  const statuses = statusStore({ ...ctx, newUuid: randomUUID })
  const guard = warningListGuard({
    ownRanges: ctx.ownRanges,
    demo: ctx.demo,
    ...(ctx.allowedNames === undefined ? {} : { allowed: ctx.allowedNames }),
  })
  const store = indicatorStore(ctx)
  const peers = peerService(ctx, places)
  const gate = gateLog(ctx)
  const transfers = transferLog(ctx)
  const deliveries = deliveryService(ctx, peers, gate, transfers)
  const shared = {
    ctx,
    store,
    guard,
    peers,
    gate,
    transfers,
    deliveries,
    collections,
    statuses,
    places,
    identity,
    node,
  }
  const indicators = indicatorService(shared)
  const sightings = sightingService(shared)
  const digest = digestService({ ...shared, indicators, sightings })
  const pulls = pullService(shared)
  const files = fileService({ ...shared, indicators, digest })
  const arrived = (): void =>
    void digest
      .digest()
      .catch((error: unknown) =>
        ctx.log.warn('exchange.digest', { error: error instanceof Error ? error.name : 'unknown' }),
      )
  const taxii = taxiiDoor({ ...shared, arrived })

  async function pull(): Promise<void> {
    await pulls.pull()
    await digest.digest()
  }

  return {
    ctx,
    guard,
    peers,
    gate,
    transfers,
    deliveries,
    sightings,
    digest: digest.digest,
    pull,
    push: deliveries.push,
    files,
    store,
    collections,
    places,
    indicators: {
      ...indicators,
      usable: store.usable,
      version: store.version,
      listen: store.listen,
    },
    /** The TAXII server: a request in, an answer out. */
    taxii,
    /** To be repeated by whoever runs the node. */
    jobs: [
      { name: 'exchange.pull', ms: ctx.pullEveryMs ?? (ctx.demo ? DEMO_PULL_MS : PULL_MS), work: pull },
      { name: 'exchange.push', ms: ctx.demo ? PUSH_MS / 4 : PUSH_MS, work: deliveries.push },
      { name: 'exchange.digest', ms: DIGEST_MS, work: digest.digest },
      { name: 'exchange.transfers', ms: FLUSH_MS, work: transfers.flush },
      { name: 'exchange.expire', ms: EXPIRE_MS, work: () => store.expire(ctx.clock()) },
      { name: 'exchange.sweep', ms: SWEEP_MS, work: () => Promise.all([statuses.sweep(), transfers.sweep()]) },
    ] as readonly { readonly name: string; readonly ms: number; readonly work: () => Promise<unknown> }[],
  }
}
