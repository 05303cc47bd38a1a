/** One act that must be provable. Names ids, fields and counts, never a value and never a person's name. */
export type Act = {
  /** `vault.read`, `consent.withdrawn`, `session.opened` … */
  readonly kind: string
  readonly actor: string
  /** Pseudonymous token of the data subject. */
  readonly subject?: string
  readonly purpose?: string
  /** A ticket or code, never free text. */
  readonly reason?: string
  readonly result: 'allowed' | 'refused' | 'done' | 'failed'
  readonly facts?: Readonly<Record<string, string | number | boolean>>
}

/**
 * Writes acts into the tamper-evident log inside the caller's transaction, so that an act and its record are one.
 * `trx` is a transaction of the control store. Answers one id per act.
 */
export type RecordActs = (trx: unknown, acts: readonly Act[]) => Promise<readonly string[]>
