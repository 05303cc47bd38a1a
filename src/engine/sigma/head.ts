import { SigmaError } from './error.ts'
import { type Level, LEVELS } from './rule.ts'

export type Data = Readonly<Record<string, unknown>>

/** What detection and correlation rules have in common (rules specification, Components). */
export type Head = {
  readonly title: string
  readonly id?: string
  readonly name?: string
  readonly level?: Level
  readonly status?: string
  readonly author?: string
  readonly description?: string
  readonly references: readonly string[]
  readonly tags: readonly string[]
}

const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported']

/** Throws SigmaError `rule/shape` for an attribute of a wrong type; attributes of its own making a rule may have. */
export function readHead(data: Data): Head {
  const title = text(data, 'title', 256)
  if (title === undefined || title === '') throw new SigmaError('rule/shape', 'title', 'a rule needs a title')
  const level = text(data, 'level', 20)
  const status = text(data, 'status', 20)
  const known = LEVELS.find((each) => each === level)
  if (level !== undefined && known === undefined) {
    throw new SigmaError('rule/shape', 'level', `expected ${LEVELS.join(', ')}`)
  }
  if (status !== undefined && !STATUSES.includes(status)) {
    throw new SigmaError('rule/shape', 'status', `expected ${STATUSES.join(', ')}`)
  }
  const [id, name] = [text(data, 'id', 256), text(data, 'name', 256)]
  const [author, description] = [text(data, 'author', 10_000), text(data, 'description', 65_535)]
  return {
    title,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(known === undefined ? {} : { level: known }),
    ...(status === undefined ? {} : { status }),
    ...(author === undefined ? {} : { author }),
    ...(description === undefined ? {} : { description }),
    references: texts(data, 'references'),
    tags: texts(data, 'tags'),
  }
}

/** A map or a SigmaError `rule/shape`. */
export function asMap(value: unknown, path: string): Data {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Data
  throw new SigmaError('rule/shape', path, 'expected a map')
}

export function text(data: Data, key: string, most: number, path = key): string | undefined {
  const value = Object.hasOwn(data, key) ? data[key] : undefined
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new SigmaError('rule/shape', path, 'expected a text')
  if (value.length > most) throw new SigmaError('rule/shape', path, `at most ${most} characters`)
  return value
}

export function texts(data: Data, key: string, path = key): readonly string[] {
  const value = Object.hasOwn(data, key) ? data[key] : undefined
  if (value === undefined) return []
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
    throw new SigmaError('rule/shape', path, 'expected a list of texts')
  }
  return value as string[]
}
