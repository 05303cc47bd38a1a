/** The guard is set up wrongly: a sentence for the developer, with a stable code. */
export class GuardError extends Error {
  override readonly name = 'GuardError'
  readonly code: string

  constructor(code: string, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.code = code
  }
}
