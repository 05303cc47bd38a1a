export type SealErrorCode =
  /** The text was altered, cut, or sealed for another place or with another key. */
  | 'seal/refused'
  /** Written by a newer Khiên. */
  | 'seal/newer-format'
  | 'seal/wrong-passphrase'
  /** Not a key file, or one that was damaged. */
  | 'seal/corrupt'

/** Never carries key material or plaintext. */
export class SealError extends Error {
  override readonly name = 'SealError'
  readonly code: SealErrorCode

  constructor(code: SealErrorCode, detail: string) {
    super(detail)
    this.code = code
  }
}
