import type { Clock } from '../../kit/clock.ts'
import type { Entropy } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'
import type { Outgoing } from '../contract.ts'
import type { BreachedLists } from '../../storage/breached/index.ts'
import type { Challenges } from './challenge/index.ts'
import type { Held } from './held.ts'
import type { Counts } from './counts.ts'
import type { EventSink } from './events.ts'
import type { InspectionPool } from './inspection-pool.ts'
import type { Latency } from './latency.ts'
import type { Limiter } from './limiter.ts'
import type { Limits } from './limits.ts'
import type { Recorder } from './refusal.ts'
import type { Live } from './sites.ts'
import type { Tallies } from './tallies.ts'
import type { Traffic } from './traffic.ts'
import type { Turns } from './turns.ts'
import type { Applications } from './upstreams.ts'

/** What an answer's plain body tells of people: how many per kind of identifier, never a value. Undefined: it could not be told. */
export type CheckOutgoing = (
  body: Buffer,
  policy: Outgoing,
) => Promise<
  { readonly decision: 'pass' | 'flag' | 'stop'; readonly counts: Readonly<Record<string, number>> } | undefined
>

export type GatewayDeps = {
  readonly recorder: Recorder
  readonly events: EventSink
  readonly log: Log
  readonly clock: Clock
  readonly entropy: Entropy
  /** For tests: shorter times, smaller sizes. */
  readonly limits?: Partial<Limits>
}

/** What all requests of one worker share. */
export type Shared = {
  readonly deps: GatewayDeps
  readonly limits: Limits
  readonly counts: Counts
  readonly latency: Latency
  readonly held: Held
  readonly turns: Turns
  readonly applications: Applications
  readonly pool: InspectionPool
  readonly limiter: Limiter
  readonly challenges: Challenges
  readonly breached: BreachedLists
  readonly tallies: Tallies
  readonly traffic: Traffic
  readonly checkOutgoing: CheckOutgoing
  readonly live: () => Live
  /** The answer to an ACME http-01 challenge, when it is one of ours. */
  readonly acmeProof: (token: string) => Promise<string | undefined>
  readonly tlsPort: () => number | undefined
  closing: boolean
}
