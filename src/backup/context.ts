import type { NoteVerifier } from '../engine/tlog/index.ts'
import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Log } from '../kit/log.ts'
import type { Database } from '../storage/sql/index.ts'

export type BackupContext = {
  readonly db: Database
  readonly keysDb: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly record: RecordActs
  readonly role: string
  /** Name of the node inside all that it seals and signs. */
  readonly node: string
  readonly kekId: string
  /** The node's folder. */
  readonly folder: string
  /** Under the node's key. */
  readonly seal: (plain: Uint8Array, about: string) => Uint8Array
  /** Signs manifests; `verifier` checks them. */
  readonly sign: (text: string) => string
  readonly verifier: NoteVerifier
  readonly logVkey: string
  readonly databaseUrl: string | undefined
  readonly keysDatabaseUrl: string | undefined
  /** Whether the node takes events in. */
  readonly events: boolean
  /** The vault's own query: `subject, id, at` of people who were erased for good. A backup that is put back must not bring them back. */
  readonly erased: string
  /** Tables that go without their rows: made anew from the others, or of no use later. What a node key that never dies could be tried against stays out of what is carried away. */
  readonly derived: readonly string[]
  /** Settings without any secret. */
  readonly settings: string
  /** Version of this program. */
  readonly program: string
}
