import { didYouMean } from '../app/nearest.ts'
import { ROLES, type Role } from '../app/config.ts'
import { UsageError } from './verb.ts'

/** The few flags of a small verb: `--name value` or `--name=value`, each known, each once; the rest are plain words. */
export function readFlags<const N extends string>(
  args: readonly string[],
  names: readonly N[],
): { flags: { readonly [K in N]?: string }; words: string[] } {
  const flags: { [K in N]?: string } = {}
  const words: string[] = []
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!
    if (!word.startsWith('--')) {
      words.push(word)
      continue
    }
    const [name = '', ...rest] = word.slice(2).split('=')
    const known = names.find((each) => each === name)
    const listed = names.map((each) => `--${each}`)
    if (known === undefined) throw new UsageError(`Unknown flag --${name}${didYouMean(`--${name}`, listed)}`)
    if (flags[known] !== undefined) throw new UsageError(`--${name} is given twice.`)
    const value = rest.length > 0 ? rest.join('=') : args[++i]
    if (value === undefined || value === '') throw new UsageError(`--${name} needs a value.`)
    flags[known] = value
  }
  return { flags, words }
}

export function readRole(text: string | undefined): Role {
  const role = ROLES.find((each) => each === text)
  if (role !== undefined) return role
  if (text === undefined) throw new UsageError(`Say which node with --role ${ROLES.join('|')}.`)
  throw new UsageError(`--role: expected ${ROLES.join(', ')}, got ${JSON.stringify(text)}`)
}

export function readFd(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,4}$/.test(text)) throw new UsageError(`--key-fd: expected 0–1023, got ${JSON.stringify(text)}`)
  return Number(text)
}
