import { compilePhrases } from '../../bytes/phrases.ts'
import { ConstructError } from '../error.ts'
import { ipMatch } from './address.ts'
import type { OperatorContext, OperatorFactory } from './index.ts'

/** Lines of the lists named in a parameter; `#` begins a comment line. Throws `ConstructError` for a list that is not given. */
function linesOf(param: string, data: ReadonlyMap<string, string>): string[] {
  return param
    .split(/\s+/)
    .filter((name) => name !== '')
    .flatMap((name) => {
      const text = data.get(name)
      if (text === undefined) throw new ConstructError(`the word list ${name} is not there`)
      return text.split(/\r?\n/)
    })
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

/** Any of the words, ASCII case ignored; captures the word. */
export function anyPhrase(words: readonly string[]): ReturnType<OperatorFactory> {
  if (words.length === 0) throw new ConstructError('no phrases are given')
  const phrases = compilePhrases(words, { caseless: true })
  const find = (value: string): ReturnType<ReturnType<OperatorFactory>> => {
    const index = phrases.first(value)
    return index < 0 ? undefined : { groups: [words[index]!] }
  }
  return Object.assign(find, { words })
}

/** Operators whose parameter names files of the rule set. */
export function lists({ data }: OperatorContext): Readonly<Record<string, OperatorFactory>> {
  const phrases: OperatorFactory = (param) => anyPhrase(linesOf(param, data))
  const addresses: OperatorFactory = (param) =>
    ipMatch(
      linesOf(param, data)
        .map((line) => line.split('#', 1)[0]!.trim())
        .join(','),
    )
  return { pmfromfile: phrases, pmf: phrases, ipmatchfromfile: addresses, ipmatchf: addresses }
}
