import { compileRegex as compile, RegexError } from '../../bytes/linear-regex/index.ts'
import { MatchError } from './error.ts'

/** §9.6.1 demands DOTALL. */
const FLAGS = { i: false, s: true, m: false } as const
const WORK_LIMIT = 50_000_000

const inOurWords = <T>(run: () => T): T => {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof RegexError)) throw error
    throw new MatchError(error.code === 'too-complex' ? 'match/too-complex' : 'match/regex', error.message)
  }
}

/** MATCHES: whether the expression occurs anywhere in the text (STIX 2.1 §9.6). Throws MatchError. */
export function compileRegex(source: string): (text: string) => boolean {
  const test = inOurWords(() => compile(source, FLAGS, WORK_LIMIT))
  return (text) => inOurWords(() => test(text))
}
