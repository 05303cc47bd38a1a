import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Database } from '../storage/sql/index.ts'

export type ExchangeContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly record: RecordActs
  /** Leaves an event in the caller's transaction; see outbox and `SIGHTED`, `SHARED`. */
  readonly emit: (
    trx: unknown,
    topic: string,
    payload: Readonly<Record<string, string | number | boolean>>,
  ) => Promise<void>
  /** Signs a text as a C2SP note under the node's exchange key, whose verifier key is `vkey`. */
  readonly signNote: (text: string) => string
  readonly vkey: string
  /** Seals what must be kept readable (the secrets we sign in with at peers) under the node's key. */
  readonly sealSmall: (plain: Uint8Array, about: string) => Uint8Array
  readonly openSmall: (sealed: Uint8Array, about: string) => Uint8Array
  /** Name of the legal controller; becomes the STIX identity. */
  readonly controller: string
  readonly role: 'platform' | 'telecom' | 'authority'
  /** Where peers reach the public listener: `https://soc.example.vn`. */
  readonly publicOrigin: string
  /** Ranges the network answers for: never listed. */
  readonly ownRanges: readonly string[]
  /** Names beyond the built-in list that must not be listed. */
  readonly allowedNames?: readonly string[]
  /** The demo's addresses and names are allowed, and pulls run twice a second. */
  readonly demo: boolean
  /** An authority that passes received indicators on by itself; without it a person shares them. */
  readonly relay?: boolean
  /** Milliseconds between pulls; 30,000 unless said, 500 in the demo. */
  readonly pullEveryMs?: number
  /** Marks a case's observable as shared, in the same transaction. */
  readonly linkCase?: (trx: unknown, caseId: string, value: string, indicator: string) => Promise<void>
  /** Reaches peers; Node's own unless a test says otherwise. */
  readonly fetch?: typeof fetch
}

/** Outbox topics for slices to the left: something was seen of an indicator that came from a case. */
export const SIGHTED = 'exchange.sighted'
/** An indicator left for peers. */
export const SHARED = 'exchange.shared'
