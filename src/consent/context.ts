import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Database } from '../storage/sql/index.ts'

export type ConsentContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  /** Leaves an event in the caller's transaction; see outbox. */
  readonly emit: (trx: unknown, topic: string, payload: Readonly<Record<string, string>>) => Promise<void>
  /** Signs a receipt text as a C2SP note under the node's receipt key. */
  readonly signNote: (text: string) => string
  readonly controller: string
}
