import type { Consent } from '../consent/index.ts'
import type { UsableSet } from '../exchange/index.ts'
import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Mailer } from '../mail/index.ts'
import { oneAtATime, type Database, type Transaction } from '../storage/sql/index.ts'
import type { Vault } from '../vault/index.ts'
import type { SubscriberTables } from './store.ts'

export type Trx = Transaction<SubscriberTables>
/** That an indicator was seen here: how often and when, never by whom. Milliseconds. */
export type Sighted = {
  readonly indicator: string
  readonly count: number
  readonly firstSeen: number
  readonly lastSeen: number
}
/** Events of a search, newest first, a page at a time. */
export type SearchEvents = (
  query: string,
  from: number,
  to: number,
  cursor: string | undefined,
) => Promise<{ readonly events: readonly Readonly<Record<string, unknown>>[]; readonly next: string | null }>

export type SubscriberContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly record: RecordActs
  /** Leaves an event in the caller's transaction; see `NOTICE`. */
  readonly emit: (trx: unknown, topic: string, payload: Readonly<Record<string, string>>) => Promise<void>
  readonly consent: Pick<Consent, 'purposes'>
  readonly vault: Pick<Vault, 'put' | 'get'>
  /** Keyed hash under a key of the node. */
  readonly fingerprint: (text: string) => string
  /** Undefined when no mail server was named: notices wait. */
  readonly mailer: Mailer | undefined
  readonly controller: string
  /** How a person reaches the operator: a phone number or an address. */
  readonly contact?: string
  readonly publicOrigin: string
  /** Ranges whose devices are our subscribers'. */
  readonly ownRanges: readonly string[]
  readonly indicators: { usable(): Promise<UsableSet> }
  /** Tells the exchange, in the caller's transaction. */
  readonly sighted: (trx: unknown, seen: Sighted) => Promise<void>
  readonly searchEvents: SearchEvents
  /** Asks the relay whether it took the mail of this Message-ID; undefined when it cannot tell. */
  readonly taken?: (messageId: string) => Promise<boolean | undefined>
  /** How far the clocks of events and of port-block logs may differ, either way; 2 seconds unless said. */
  readonly skewMs?: number
  /** Of a node on which nobody has set it yet; a dry run unless said. */
  readonly firstMode?: 'on' | 'dry-run' | 'off'
}

/**
 * Whoever changes infections and notices, does it one after the other: one key for both, so that no two wait for each
 * other. To be called first in the transaction.
 */
export const alone = (ctx: Pick<SubscriberContext, 'db'>, trx: unknown): Promise<void> =>
  oneAtATime(ctx.db, trx, 'subscribers.infections')

/** Outbox topic: a notice is to be sent. Its payload is `{ notice }`. */
export const NOTICE = 'subscribers.notice'
