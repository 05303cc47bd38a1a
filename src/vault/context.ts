import type { KeyObject } from 'node:crypto'
import type { Consent } from '../consent/index.ts'
import type { Ff1, Sealer } from '../engine/seal/index.ts'
import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Database } from '../storage/sql/index.ts'

/** The keys that subject keys are wrapped under: the one of today, and earlier ones by id. */
export type Wrapping = {
  current(): { readonly id: string; readonly key: KeyObject }
  of(id: string): KeyObject | undefined
}

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
  readonly wrapping: Wrapping
  /** Name of the node inside every sealed value: a value moved to another node does not open. */
  readonly node: string
  readonly pepper: Uint8Array
  /** Whether a password is in the operator's list of breached ones; undefined: there is no list, or it cannot be read. */
  readonly breached?: (password: string) => Promise<boolean | undefined>
  /** Blind index of a normalised text; `index` names the field and the kind of index. */
  readonly tag: (collection: string, index: string, normalised: string) => string
  /** Stable token of a normalised value of one field, `kh_` and 16 signs. */
  readonly token: (collection: string, field: string, normalised: string) => string
  /** Values whose tokens a key may ask for in an hour; see tokens.ts. */
  readonly tokenBudget?: number | undefined
  /** Tokens of digits of one field. */
  readonly digits: (collection: string, field: string) => Ff1
  /** Seals what belongs to the node and to no person; `about` binds it to its place. */
  readonly sealSmall: (plain: Uint8Array, about: string) => Uint8Array
  readonly openSmall: (sealed: Uint8Array, about: string) => Uint8Array
  readonly signReceipt: (text: string) => string
  readonly controller: string
  /** Whether this is an address of the node itself. */
  readonly isOwn?: (url: string) => boolean
  /** Until when a backup of keys can be read that holds the keys of now; null when there is none. */
  readonly keyBackupsUntil: (trx?: unknown) => Promise<number | null>
  /** Takes what the log's records say of a person out of the store; their leaves stay. Answers how many. */
  readonly forgetRecords: (subject: string) => Promise<number>
}
