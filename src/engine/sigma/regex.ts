import { compileRegex as compile, RegexError, type RegexFlags } from '../bytes/linear-regex/index.ts'
import { SigmaError } from './error.ts'

/** The sub-modifiers `i`, `m`, `s` of `re` (modifiers appendix, Regular Expression). */
export type { RegexFlags } from '../bytes/linear-regex/index.ts'

const inOurWords = <T>(run: () => T): T => {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    throw new SigmaError(error.code === 'too-complex' ? 'match/too-complex' : 'value/regex', '', error.message)
  }
}

/** `re`: whether the expression occurs anywhere in the text. Throws SigmaError. */
export function compileRegex(source: string, flags: RegexFlags): (text: string) => boolean {
  const test = inOurWords(() => compile(source, flags))
  return (text) => inOurWords(() => test(text))
}
