import type { Kysely } from 'kysely'
import { badRequest, KhienError } from '../kit/errors.ts'
import { iso } from '../kit/clock.ts'
import { newId, newSecret } from '../kit/ids.ts'
import { contains, parseRange } from './address.ts'
import type { ExchangeContext } from './context.ts'
import type { PeerRole, PeerView, Tlp } from './contract.ts'
import type { ExchangeTables } from './store.ts'
import { hashSecret, isSecret, rateLimit, readBasic } from './taxii/peer-door.ts'
import { taxiiClient } from './taxii/client.ts'
import type { Places } from './places.ts'

export type Remote = {
  readonly root: string
  readonly user: string
  readonly push: string | null
  readonly pull: string | null
}
export type Peer = {
  readonly id: string
  readonly name: string
  readonly role: PeerRole
  readonly user: string
  readonly secretHash: string
  readonly readable: ReadonlySet<string>
  readonly writable: ReadonlySet<string>
  readonly maxTlp: Tlp
  readonly own: boolean
  readonly enabled: boolean
  readonly networks: readonly string[]
  readonly remote: Remote | null
  readonly remoteSecret: string | null
  readonly vkey: string | null
  readonly createdAt: number
  readonly lastHeardAt: number | null
}
export type NewPeer = {
  readonly name: string
  readonly role: PeerRole
  readonly maxTlp: Tlp
  readonly own: boolean
  readonly readable?: readonly string[] | undefined
  readonly writable?: readonly string[] | undefined
  readonly networks: readonly string[]
  readonly remote?: (Remote & { readonly secret: string }) | undefined
  readonly vkey?: string | undefined
  /** A name and secret agreed elsewhere (the demo); made here otherwise. */
  readonly credentials?: { readonly user: string; readonly secret: string } | undefined
}

const HEARD_EVERY_MS = 60_000
const PEERS = 10_000
const REQUESTS = { perSecond: 500, burst: 2_000 }
const FAILURES = { perSecond: 1, burst: 20 }

/** Peers: who may push and read here, what may leave towards them, and where we go ourselves. */
export function peerService(ctx: ExchangeContext, places: Places) {
  const rows = () => ctx.db.tables<ExchangeTables>()
  const requests = rateLimit(ctx.clock, REQUESTS.perSecond, REQUESTS.burst)
  const failures = rateLimit(ctx.clock, FAILURES.perSecond, FAILURES.burst)

  async function add(peer: NewPeer, actor: string): Promise<{ peer: Peer; user: string; secret: string }> {
    const now = ctx.clock()
    const id = newId('peer', now, ctx.entropy)
    const user = peer.credentials?.user ?? `${peer.role}-${id.slice(-8).toLowerCase()}`
    const secret = peer.credentials?.secret ?? newSecret(ctx.entropy)
    const networks = peer.networks.map((text, i) => {
      const range = parseRange(text)
      if (range) return range.text
      throw badRequest('exchange/bad-range', 'networks: expected ranges such as 203.0.113.0/24.', `body.networks.${i}`)
    })
    // Says at once that an address is not one that we would ever go to.
    if (peer.remote) taxiiClient({ ...peer.remote, collection: 'in' })
    const { secret: remoteSecret, ...remote } = peer.remote ?? { secret: undefined }
    const sealed = remoteSecret === undefined ? null : ctx.sealSmall(Buffer.from(remoteSecret), `peer ${id}`)
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      const { n } = await trx
        .selectFrom('exchange_peer')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
      if (Number(n) >= PEERS) throw badRequest('exchange/too-many-peers', `There are ${PEERS} peers already.`)
      const made = await trx
        .insertInto('exchange_peer')
        .values({
          id,
          name: peer.name,
          role: peer.role,
          user,
          secret_hash: hashSecret(secret),
          readable: JSON.stringify(idsOf(peer.readable ?? ['out'])),
          writable: JSON.stringify(idsOf(peer.writable ?? ['in'])),
          max_tlp: peer.maxTlp,
          own: peer.own ? 1 : 0,
          enabled: 1,
          networks: JSON.stringify(networks),
          remote: peer.remote ? JSON.stringify(remote) : null,
          remote_secret: sealed === null ? null : Buffer.from(sealed).toString('base64'),
          vkey: peer.vkey ?? null,
          created_at: now,
          last_heard_at: null,
        })
        .onConflict((c) => c.doNothing())
        .executeTakeFirst()
      if (Number(made.numInsertedOrUpdatedRows ?? 0) === 0)
        throw badRequest('exchange/peer-exists', 'A peer of this name or user is there already.', 'body.name')
      await ctx.record(trx, [
        {
          kind: 'exchange.peer-added',
          actor,
          result: 'done',
          facts: { peer: id, role: peer.role, tlp: peer.maxTlp, own: peer.own },
        },
      ])
    })
    return { peer: (await one(id))!, user, secret }
  }

  /** `in` and `out` are said by name; others by id. */
  const idsOf = (names: readonly string[]): string[] =>
    names.map((name) => (name === 'in' ? places.in.id : name === 'out' ? places.out.id : name))

  async function set(
    id: string,
    change: {
      readonly enabled?: boolean | undefined
      readonly maxTlp?: Tlp | undefined
      readonly own?: boolean | undefined
      readonly networks?: readonly string[] | undefined
    },
    actor: string,
  ): Promise<Peer> {
    const values = {
      ...(change.enabled === undefined ? {} : { enabled: change.enabled ? 1 : 0 }),
      ...(change.maxTlp === undefined ? {} : { max_tlp: change.maxTlp }),
      ...(change.own === undefined ? {} : { own: change.own ? 1 : 0 }),
      ...(change.networks === undefined ? {} : { networks: JSON.stringify(change.networks) }),
    }
    if (change.networks?.some((text) => parseRange(text) === undefined))
      throw badRequest('exchange/bad-range', 'networks: expected ranges such as 203.0.113.0/24.', 'body.networks')
    await ctx.db.transaction<ExchangeTables, void>(async (trx) => {
      const known = await trx.selectFrom('exchange_peer').select('id').where('id', '=', id).executeTakeFirst()
      if (!known) throw unknownPeer()
      if (Object.keys(values).length > 0)
        await trx.updateTable('exchange_peer').set(values).where('id', '=', id).execute()
      await ctx.record(trx, [
        {
          kind: 'exchange.peer-changed',
          actor,
          result: 'done',
          facts: {
            peer: id,
            ...(change.enabled === undefined ? {} : { enabled: change.enabled }),
            ...(change.maxTlp === undefined ? {} : { tlp: change.maxTlp }),
            ...(change.own === undefined ? {} : { own: change.own }),
            ...(change.networks === undefined ? {} : { networks: change.networks.length }),
          },
        },
      ])
    })
    return (await one(id))!
  }

  async function list(db: Kysely<ExchangeTables> = rows()): Promise<Peer[]> {
    const found = await db.selectFrom('exchange_peer').selectAll().orderBy('name').execute()
    return found.map(peerOf)
  }

  async function one(id: string, db: Kysely<ExchangeTables> = rows()): Promise<Peer | undefined> {
    const row = await db.selectFrom('exchange_peer').selectAll().where('id', '=', id).executeTakeFirst()
    return row && peerOf(row)
  }

  /** The peer of an Authorization header, or undefined. Errors: 429 `exchange/too-often`. */
  async function authenticate(authorization: string | undefined): Promise<Peer | undefined> {
    const given = readBasic(authorization)
    if (given === undefined || given.user.length > 200) return undefined
    const row = await rows().selectFrom('exchange_peer').selectAll().where('user', '=', given.user).executeTakeFirst()
    if (!isSecret(given.secret, row?.secret_hash) || row === undefined || row.enabled !== 1) {
      failures(given.user)
      return undefined
    }
    const peer = peerOf(row)
    requests(peer.id)
    const now = ctx.clock()
    if (now - (peer.lastHeardAt ?? 0) > HEARD_EVERY_MS)
      await rows().updateTable('exchange_peer').set({ last_heard_at: now }).where('id', '=', peer.id).execute()
    return peer
  }

  /** A client for what the peer serves; undefined when the peer only comes to us. */
  function clientOf(peer: Peer, way: 'push' | 'pull') {
    const { remote, remoteSecret } = peer
    const collection = remote?.[way]
    if (!remote || !remoteSecret || !collection) return undefined
    const secret = Buffer.from(ctx.openSmall(Buffer.from(remoteSecret, 'base64'), `peer ${peer.id}`)).toString()
    return taxiiClient({ ...remote, collection, secret, ...(ctx.fetch ? { fetch: ctx.fetch } : {}) })
  }

  return { add, set, list, one, authenticate, clientOf }
}
export type PeerService = ReturnType<typeof peerService>

export const unknownPeer = (): KhienError =>
  new KhienError('exchange/unknown-peer', 'There is no peer of this id.', { status: 404 })

/** Whether a peer answers for an address; an authority passes what it gets on to who does. */
export function answersFor(peer: Peer, address: string): boolean {
  const wanted = parseRange(address)
  if (wanted === undefined) return false
  return peer.networks.some((text) => {
    const range = parseRange(text)
    return range !== undefined && contains(range, wanted)
  })
}

function peerOf(row: ExchangeTables['exchange_peer']): Peer {
  return {
    id: row.id,
    name: row.name,
    role: row.role as PeerRole,
    user: row.user,
    secretHash: row.secret_hash,
    readable: new Set(JSON.parse(row.readable) as string[]),
    writable: new Set(JSON.parse(row.writable) as string[]),
    maxTlp: row.max_tlp as Tlp,
    own: row.own === 1,
    enabled: row.enabled === 1,
    networks: JSON.parse(row.networks) as string[],
    remote: row.remote === null ? null : (JSON.parse(row.remote) as Remote),
    remoteSecret: row.remote_secret,
    vkey: row.vkey,
    createdAt: row.created_at,
    lastHeardAt: row.last_heard_at,
  }
}

export const peerView = (peer: Peer, withheld: number): PeerView => ({
  id: peer.id,
  name: peer.name,
  role: peer.role,
  user: peer.user,
  readable: [...peer.readable],
  writable: [...peer.writable],
  maxTlp: peer.maxTlp,
  own: peer.own,
  enabled: peer.enabled,
  networks: [...peer.networks],
  remote: peer.remote,
  vkey: peer.vkey,
  createdAt: iso(peer.createdAt),
  lastHeardAt: peer.lastHeardAt === null ? null : iso(peer.lastHeardAt),
  withheld,
})
