import type { KeyObject } from 'node:crypto'
import type { Consent } from '../consent/index.ts'
import type { Sealer } from '../engine/seal/index.ts'
import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Database } from '../storage/sql/index.ts'

export type VaultContext = {
  readonly db: Database
  readonly keysDb: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly consent: Consent
  readonly sealer: Sealer
  readonly kek: KeyObject
  readonly kekId: string
  /** Name of the node inside every sealed value: a value moved to another node does not open. */
  readonly node: string
  readonly pepper: Uint8Array
  /** Blind index of a normalised value of one field. */
  readonly tag: (collection: string, field: string, normalised: string) => string
}
