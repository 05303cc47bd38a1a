import { createHash } from 'node:crypto'
import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import type { Entropy } from '../kit/ids.ts'
import type { Database } from '../storage/sql/index.ts'

/** What identity needs of its node. */
export type IdentityContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly pepper: Uint8Array
  /** Seals a small secret of ours (a TOTP seed) under the node's key; `about` binds it to its place. */
  readonly sealSmall: (plain: Uint8Array, about: string) => Uint8Array
  readonly openSmall: (sealed: Uint8Array, about: string) => Uint8Array
  /** Legal name of the controller, shown in authenticator apps. */
  readonly controller: string
  readonly role: string
  /** Whether people reach the listener over TLS: its cookies then travel over TLS only. */
  readonly secure: { readonly staff: boolean; readonly person: boolean }
}

/** Bearer secrets are 256 random bits, so a plain hash is enough to store them. */
export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')
