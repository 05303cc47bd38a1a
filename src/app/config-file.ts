import { readFileSync } from 'node:fs'
import { StartError } from '../kit/errors.ts'
import { didYouMean } from './nearest.ts'
import type { Raw } from './settings.ts'

/** A JSON object whose names are those of the flags. Errors name the file and the place, never the content. */
export function readConfigFile(path: string, known: readonly string[]): Map<string, Raw> {
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartError('config-file', `The configuration file ${path} cannot be read (${codeOf(error)}).`)
  }
  let json: unknown
  try {
    json = JSON.parse(source)
  } catch {
    throw new StartError('config-file', `The configuration file ${path} is not JSON: ${placeOfError(source)}.`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new StartError('config-file', `The configuration file ${path} must hold one JSON object.`)
  const settings = new Map<string, Raw>()
  for (const [name, value] of Object.entries(json)) {
    if (!known.includes(name))
      throw new StartError('config', `config: ${name}: unknown${didYouMean(name, known)}`, { field: name })
    settings.set(name, value)
  }
  return settings
}

/** `line 3, column 7`, for a text that is not JSON. V8 names the place of every mistake but an unexpected token. */
export function placeOfError(source: string): string {
  const message = complaint(source)
  const named = /\(line (\d+) column (\d+)\)/.exec(message)
  if (named !== null) return `line ${named[1]}, column ${named[2]}`
  if (!message.startsWith('Unexpected token')) return 'it ends too early'
  let good = 0
  let bad = source.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    if (complaint(source.slice(0, middle)).startsWith('Unexpected token')) bad = middle
    else good = middle
  }
  const before = source.slice(0, good).split('\n')
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`
}

const complaint = (source: string): string => {
  try {
    JSON.parse(source)
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
}

export const codeOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error && typeof error.code === 'string' ? error.code : error.name) : 'unknown'
