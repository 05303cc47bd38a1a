import { z } from 'zod'
import { route } from '../kit/contract.ts'

/** What an indicator is about. `pattern` is a received STIX pattern that is not one plain comparison; it is kept, never matched. */
export const INDICATOR_KINDS = ['domain', 'ipv4', 'ipv6', 'url', 'sha256', 'pattern'] as const
export type IndicatorKind = (typeof INDICATOR_KINDS)[number]

/**
 * `c2` a host that infected devices call, `download` a host that malware is fetched from; a contact with either shows an
 * infection. `attacker` is an address that attacked: it is suggested for blocking and never matched against subscribers.
 */
export const INDICATOR_ROLES = ['c2', 'download', 'attacker'] as const
export type IndicatorRole = (typeof INDICATOR_ROLES)[number]

/** Traffic Light Protocol 2.0 (FIRST, August 2022), from free to closed. */
export const TLPS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const
export type Tlp = (typeof TLPS)[number]

/**
 * `draft` ours, not shared yet · `pending` ours, waits for a second person · `shared` ours, given to peers ·
 * `received` from a peer and fit for use · `refused` from a peer and stopped by the warning-list guard · `revoked` ·
 * `expired` past valid_until.
 */
export const INDICATOR_STATES = ['draft', 'pending', 'shared', 'received', 'refused', 'revoked', 'expired'] as const
export type IndicatorState = (typeof INDICATOR_STATES)[number]

export const PEER_ROLES = ['platform', 'telecom', 'authority', 'other'] as const
export type PeerRole = (typeof PEER_ROLES)[number]

/** Why an object stayed here. */
export const REFUSAL_REASONS = ['tlp-ceiling', 'tlp-red', 'tlp-strict', 'tlp-unknown'] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

export const IndicatorId = z.string().regex(/^ind_[0-9A-Z]{26}$/, 'expected an indicator id such as ind_01…')
export const PeerId = z.string().regex(/^peer_[0-9A-Z]{26}$/, 'expected a peer id such as peer_01…')
const Kind = z.enum(INDICATOR_KINDS)
const Role = z.enum(INDICATOR_ROLES)
const TlpWord = z.enum(TLPS)
const State = z.enum(INDICATOR_STATES)
const Instant = z.iso.datetime()
const Cursor = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,200}$/, 'expected the cursor of an earlier answer')
  .optional()
const Limit = z.coerce.number().int().min(1).max(200).default(50)
const pageOf = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item), next: z.string().nullable() })

const Indicator = z.strictObject({
  id: IndicatorId,
  /** `indicator--UUID` */
  stixId: z.string(),
  kind: Kind,
  /** Domain, address (with /prefix length for a range), URL or hash; for kind `pattern` the pattern itself. */
  value: z.string(),
  pattern: z.string(),
  role: Role,
  tlp: TlpWord,
  /** 0–100 (STIX 2.1 appendix A); 75 and more may lead to a warning of a person. */
  confidence: z.int(),
  validFrom: Instant,
  validUntil: Instant,
  state: State,
  source: z.strictObject({ kind: z.enum(['own', 'peer']), peer: PeerId.nullable(), name: z.string() }),
  caseId: z.string().nullable(),
  /** Whether matchers use it now. */
  usable: z.boolean(),
  /** Code of what the warning-list guard has against it, or null. */
  guard: z.string().nullable(),
  guardSentence: z.string().nullable(),
  sightings: z.int(),
  lastSeenAt: Instant.nullable(),
  /** Peers it was queued for. */
  sharedWith: z.int(),
  createdAt: Instant,
  updatedAt: Instant,
  proposedBy: z.string(),
})
export type IndicatorView = z.output<typeof Indicator>

const Delivery = z.strictObject({
  peer: PeerId,
  name: z.string(),
  state: z.enum(['queued', 'sent', 'refused', 'failed']),
  /** TLP refusal, or what the peer's status said. */
  reason: z.string().nullable(),
  at: Instant,
})
const Sighting = z.strictObject({
  id: z.string(),
  from: z.strictObject({ peer: PeerId.nullable(), name: z.string() }),
  count: z.int(),
  firstSeen: Instant,
  lastSeen: Instant,
  receivedAt: Instant,
})
const Peer = z.strictObject({
  id: PeerId,
  name: z.string(),
  role: z.enum(PEER_ROLES),
  /** Name the peer signs in with here. */
  user: z.string(),
  readable: z.array(z.string()),
  writable: z.array(z.string()),
  /** Highest marking that may leave towards this peer. */
  maxTlp: TlpWord,
  /** Part of our own organisation: only such a peer may get TLP:AMBER+STRICT. */
  own: z.boolean(),
  enabled: z.boolean(),
  /** Address ranges the peer answers for: block suggestions about them go to it. */
  networks: z.array(z.string()),
  /** Where we push and pull, without the secret; null for a peer that only comes to us. */
  remote: z
    .strictObject({
      root: z.string(),
      user: z.string(),
      push: z.string().nullable(),
      pull: z.string().nullable(),
    })
    .nullable(),
  /** Key that checks the peer's signed files, or null. */
  vkey: z.string().nullable(),
  createdAt: Instant,
  lastHeardAt: Instant.nullable(),
  withheld: z.int(),
})
export type PeerView = z.output<typeof Peer>

const Transfer = z.strictObject({
  id: z.string(),
  peer: PeerId.nullable(),
  name: z.string(),
  /** `serve-*`: the peer came to our server; `push`, `pull`: we went to the peer's; `file-*`: a signed file. */
  way: z.enum(['push', 'pull', 'serve-push', 'serve-pull', 'file-out', 'file-in']),
  startedAt: Instant,
  endedAt: Instant.nullable(),
  objects: z.int(),
  accepted: z.int(),
  failed: z.int(),
  bytes: z.int(),
  /** Code of the last error, or null. */
  error: z.string().nullable(),
  errorSentence: z.string().nullable(),
})
const Refusal = z.strictObject({
  id: z.string(),
  at: Instant,
  /** Last time the same object was held back from the same peer, and how often in all. */
  lastAt: Instant,
  times: z.int(),
  peer: PeerId.nullable(),
  name: z.string(),
  objectId: z.string(),
  objectType: z.string(),
  tlp: TlpWord.nullable(),
  ceiling: TlpWord,
  reason: z.enum(REFUSAL_REASONS),
})
const Block = z.strictObject({
  id: z.string(),
  indicator: IndicatorId.nullable(),
  way: z.enum(['in', 'out']),
  peer: PeerId.nullable(),
  name: z.string(),
  address: z.string(),
  /** Source port that was seen: behind CGNAT an address without its port names nobody. */
  port: z.int().nullable(),
  seenAt: Instant,
  expiresAt: Instant,
  state: z.enum(['queued', 'sent', 'received', 'expired']),
  caseId: z.string().nullable(),
})

const readers = { roles: ['administrator', 'analyst', 'auditor'] } as const
const writers = { roles: ['analyst'] } as const
const administrators = { roles: ['administrator'] } as const
const internal = { listener: 'internal' } as const
const one = z.strictObject({ id: IndicatorId })
const none = z.strictObject({})
const Name = z.string().trim().min(1).max(120)
const Cidr = z.string().regex(/^[0-9a-fA-F:.]{2,45}\/\d{1,3}$/, 'expected a range such as 203.0.113.0/24')
const FileText = z.string().min(2).max(12_582_912)

/** What a case hands over when it proposes an indicator. */
export const Proposal = z.strictObject({
  value: z.string().trim().min(1).max(2_048),
  kind: z.enum(['domain', 'ipv4', 'ipv6', 'url', 'sha256']),
  role: Role,
  confidence: z.int().min(0).max(100),
  /** At most 30 days from now. */
  validUntil: Instant,
  tlp: TlpWord.default('amber'),
  caseId: z.string().max(80).nullable().default(null),
  /** For role `attacker`: when and from which source port it was seen. */
  seenAt: Instant.optional(),
  port: z.int().min(1).max(65_535).optional(),
})

export const exchangeRoutes = {
  summary: route({
    ...internal,
    id: 'exchange.summary',
    method: 'GET',
    path: '/api/exchange/summary',
    access: readers,
    summary: 'What needs somebody now: indicators by state, usable ones, refusals, failing peers',
    query: none,
    response: z.strictObject({
      indicators: z.record(State, z.int()),
      usable: z.int(),
      /** Changes whenever the set that matchers use changes. */
      version: z.int(),
      withheld: z.int(),
      rejectedObjects: z.int(),
      fileFailures: z.int(),
      queued: z.int(),
      peers: z.int(),
      failingPeers: z.int(),
      blocksOpen: z.int(),
      vkey: z.string(),
    }),
  }),
  indicators: route({
    ...internal,
    id: 'exchange.indicators',
    method: 'GET',
    path: '/api/exchange/indicators',
    access: readers,
    summary: 'Own and received indicators, newest first',
    query: z.strictObject({
      cursor: Cursor,
      limit: Limit,
      state: State.optional(),
      role: Role.optional(),
      kind: Kind.optional(),
      source: z.enum(['own', 'peer']).optional(),
      caseId: z.string().max(80).optional(),
      /** Part of the value. */
      q: z.string().trim().max(200).optional(),
    }),
    response: pageOf(Indicator),
  }),
  indicator: route({
    ...internal,
    id: 'exchange.indicator',
    method: 'GET',
    path: '/api/exchange/indicators/:id',
    access: readers,
    summary: 'One indicator with its STIX, where it went and what was seen of it',
    params: one,
    query: none,
    response: z.strictObject({
      indicator: Indicator,
      stix: z.array(z.record(z.string(), z.unknown())),
      deliveries: z.array(Delivery),
      sightings: z.array(Sighting),
      acts: z.array(z.strictObject({ at: Instant, act: z.string(), actor: z.string() })),
    }),
  }),
  propose: route({
    ...internal,
    id: 'exchange.propose',
    method: 'POST',
    path: '/api/exchange/indicators',
    access: writers,
    once: true,
    summary: 'Propose an indicator; the warning-list guard refuses what would hit the innocent',
    body: Proposal,
    response: Indicator,
  }),
  approve: route({
    ...internal,
    id: 'exchange.approve',
    method: 'POST',
    path: '/api/exchange/indicators/:id/approve',
    access: writers,
    summary: 'Second person’s yes to a proposal that needs two',
    params: one,
    query: none,
    body: none,
    response: Indicator,
  }),
  share: route({
    ...internal,
    id: 'exchange.share',
    method: 'POST',
    path: '/api/exchange/indicators/:id/share',
    access: writers,
    once: true,
    summary: 'Share with peers: STIX 2.1 is made, put into the outgoing collection and queued for push',
    params: one,
    query: none,
    /** Without peers: all that are enabled and may receive it. */
    body: z.strictObject({ peers: z.array(PeerId).min(1).max(500).optional() }),
    response: z.strictObject({ indicator: Indicator, deliveries: z.array(Delivery) }),
  }),
  revoke: route({
    ...internal,
    id: 'exchange.revoke',
    method: 'POST',
    path: '/api/exchange/indicators/:id/revoke',
    access: writers,
    summary: 'Revoke; who had it is told by a new version with revoked = true',
    params: one,
    query: none,
    body: z.strictObject({ reason: z.enum(['mistake', 'cleaned', 'superseded', 'court', 'other']) }),
    response: Indicator,
  }),
  peers: route({
    ...internal,
    id: 'exchange.peers',
    method: 'GET',
    path: '/api/exchange/peers',
    access: readers,
    summary: 'Peers and what they may read, write and receive',
    query: none,
    response: z.strictObject({ items: z.array(Peer) }),
  }),
  addPeer: route({
    ...internal,
    id: 'exchange.add-peer',
    method: 'POST',
    path: '/api/exchange/peers',
    access: administrators,
    summary: 'Add a peer; its secret is shown once',
    body: z.strictObject({
      name: Name,
      role: z.enum(PEER_ROLES),
      maxTlp: TlpWord.default('green'),
      own: z.boolean().default(false),
      readable: z.array(z.string().max(80)).max(20).optional(),
      writable: z.array(z.string().max(80)).max(20).optional(),
      networks: z.array(Cidr).max(200).default([]),
      remote: z
        .strictObject({
          /** `https://soc.example.vn/taxii2/root/` */
          root: z.url({ protocol: /^https?$/ }).max(500),
          user: z.string().min(1).max(120),
          secret: z.string().min(1).max(500),
          push: z.string().max(200).nullable().default(null),
          pull: z.string().max(200).nullable().default(null),
        })
        .optional(),
      vkey: z.string().max(400).optional(),
    }),
    response: z.strictObject({ peer: Peer, user: z.string(), secret: z.string() }),
  }),
  setPeer: route({
    ...internal,
    id: 'exchange.set-peer',
    method: 'PUT',
    path: '/api/exchange/peers/:id',
    access: administrators,
    summary: 'Enable or disable a peer, change what may leave towards it',
    params: z.strictObject({ id: PeerId }),
    query: none,
    body: z.strictObject({
      enabled: z.boolean().optional(),
      maxTlp: TlpWord.optional(),
      own: z.boolean().optional(),
      networks: z.array(Cidr).max(200).optional(),
    }),
    response: Peer,
  }),
  refusals: route({
    ...internal,
    id: 'exchange.refusals',
    method: 'GET',
    path: '/api/exchange/refusals',
    access: readers,
    summary: 'Objects that the TLP gate kept from a peer, newest first',
    query: z.strictObject({ cursor: Cursor, limit: Limit, peer: PeerId.optional() }),
    response: z.strictObject({
      items: z.array(Refusal),
      next: z.string().nullable(),
      /** All (peer, object) pairs ever withheld. */
      total: z.int(),
    }),
  }),
  transfers: route({
    ...internal,
    id: 'exchange.transfers',
    method: 'GET',
    path: '/api/exchange/transfers',
    access: readers,
    summary: 'Pushes and pulls, newest first, with counts and the last error',
    query: z.strictObject({ cursor: Cursor, limit: Limit, peer: PeerId.optional() }),
    response: pageOf(Transfer),
  }),
  blocks: route({
    ...internal,
    id: 'exchange.blocks',
    method: 'GET',
    path: '/api/exchange/blocks',
    access: readers,
    summary: 'Block suggestions received and given',
    query: z.strictObject({ cursor: Cursor, limit: Limit, way: z.enum(['in', 'out']).optional() }),
    response: pageOf(Block),
  }),
  export: route({
    ...internal,
    id: 'exchange.export',
    method: 'POST',
    path: '/api/exchange/export',
    access: writers,
    summary: 'A STIX 2.1 bundle with a detached signature, for a neighbour without Khiên',
    body: z.strictObject({
      indicators: z.array(IndicatorId).min(1).max(1_000),
      /** What is above this marking is left out, and said. */
      maxTlp: TlpWord.default('green'),
    }),
    response: z.strictObject({
      name: z.string(),
      /** The bundle’s exact text: the signature is over these bytes. */
      bundle: z.string(),
      /** C2SP signed note naming the bundle’s SHA-256. */
      signature: z.string(),
      vkey: z.string(),
      objects: z.int(),
      withheld: z.int(),
    }),
  }),
  import: route({
    ...internal,
    id: 'exchange.import',
    method: 'POST',
    path: '/api/exchange/import',
    access: writers,
    maxBody: 16_777_216,
    summary: 'Take in a signed bundle; one that does not verify is refused and counted',
    body: z.strictObject({
      bundle: FileText,
      signature: z.string().min(1).max(20_000),
      /** The neighbour’s key, or the peer whose kept key is used. */
      vkey: z.string().max(400).optional(),
      peer: PeerId.optional(),
    }),
    response: z.strictObject({
      objects: z.int(),
      accepted: z.int(),
      failures: z.array(z.strictObject({ id: z.string(), message: z.string() })),
      indicators: z.array(IndicatorId),
    }),
  }),
} as const
