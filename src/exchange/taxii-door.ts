import { newCode } from '../kit/ids.ts'
import type { ExchangeContext } from './context.ts'
import type { DeliveryService } from './deliveries.ts'
import type { GateLog } from './gate.ts'
import type { Peer, PeerService } from './peers.ts'
import { ROOT, type Places } from './places.ts'
import type { CollectionStore } from './taxii/collections.ts'
import { DISCOVERY, taxiiServer, type TaxiiPeer } from './taxii/server.ts'
import type { StatusStore } from './taxii/status.ts'
import { withheldFrom } from './tlp.ts'
import type { TransferLog } from './transfers.ts'

const PAGE = 1_000
/** Parsed in one go: about 10 ms on the event loop. */
const MAX_CONTENT = 1_048_576

/** The node's own TAXII server: peers sign in, see what is theirs, and get only what their marking ceiling lets pass. */
export function taxiiDoor(parts: {
  readonly ctx: ExchangeContext
  readonly peers: PeerService
  readonly collections: CollectionStore
  readonly statuses: StatusStore
  readonly gate: GateLog
  readonly transfers: TransferLog
  readonly deliveries: DeliveryService
  readonly places: Places
  /** Objects have arrived. */
  readonly arrived: () => void
}) {
  const { ctx, peers, collections, statuses, gate, transfers, deliveries, places } = parts
  const origin = ctx.publicOrigin.replace(/\/$/, '')

  function door(peer: Peer): TaxiiPeer & { readonly itself: Peer } {
    return {
      peer: peer.id,
      itself: peer,
      withhold: (rank) => withheldFrom(rank, peer),
      sees: (id) => peer.readable.has(id) || peer.writable.has(id),
      reads: (id) => peer.readable.has(id),
      writes: (id) => peer.writable.has(id),
    }
  }

  return taxiiServer({
    discovery: {
      title: ctx.controller,
      description: 'Khiên',
      default: `${origin}${ROOT}`,
      api_roots: [`${origin}${ROOT}`],
    },
    roots: [{ path: ROOT, title: ctx.controller }],
    collections,
    statuses,
    clock: ctx.clock,
    log: ctx.log,
    pageSize: PAGE,
    maxContentLength: MAX_CONTENT,
    check: 'stix',
    newErrorId: () => newCode('T', ctx.entropy),
    authenticate: async (authorization) => {
      const peer = await peers.authenticate(authorization)
      return peer && door(peer)
    },
    withheld: async (id, kept) => {
      const peer = await peers.one(id)
      if (peer) await gate.keep(peer, kept)
    },
    received: async (peer, collection, outcomes, bytes) => {
      const failed = outcomes.filter((each) => each.failed).length
      const objects = outcomes.length
      await transfers.keep(peer, 'serve-push', ctx.clock(), { objects, accepted: objects - failed, failed, bytes })
      if (collection === places.in.id) parts.arrived()
    },
    served: async (peer, collection, ids, bytes) => {
      transfers.count(peer, 'serve-pull', ids.length, bytes)
      if (collection === places.out.id) await deliveries.fetched(peer, ids)
    },
  })
}

export { DISCOVERY }
