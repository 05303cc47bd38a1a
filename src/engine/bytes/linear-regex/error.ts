/** `unsupported`: the expression cannot be run in linear time, or is no expression; `too-complex`: a text took too long. */
export class RegexError extends Error {
  override readonly name = 'RegexError'
  readonly code: 'unsupported' | 'too-complex'

  constructor(code: RegexError['code'], message: string) {
    super(message)
    this.code = code
  }
}
