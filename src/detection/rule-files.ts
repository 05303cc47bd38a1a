import { globSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseAllDocuments } from 'yaml'
import {
  compileCorrelation,
  compileRule,
  type CorrelationRule,
  detector,
  type Detector,
  type DetectorRules,
  isCorrelation,
  SigmaError,
  type CorrelatorOptions,
  type SigmaRule,
} from '../engine/sigma/index.ts'
import { StartError } from '../kit/errors.ts'

/** One document of a file, compiled or refused. */
export type Read = { readonly file: string; readonly title: string } & (
  | { readonly rule: SigmaRule }
  | { readonly correlation: CorrelationRule }
  | { readonly refused: { readonly code: string; readonly path: string; readonly message: string } }
)

/** Every rule in the files and folders, in the order of their names. Throws StartError for what cannot be read. */
export function* readRules(paths: readonly string[]): Generator<Read> {
  for (const file of paths.flatMap(filesIn)) {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (cause) {
      throw new StartError('sigma/unreadable', `The file ${file} cannot be read.`, { cause })
    }
    yield* readDocuments(file, text)
  }
}

function filesIn(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new StartError('sigma/unreadable', `There is no file or folder ${path}.`)
  if (!found.isDirectory()) return [path]
  return globSync('**/*.{yml,yaml}', { cwd: path })
    .toSorted()
    .map((name) => join(path, name))
}

function* readDocuments(file: string, text: string): Generator<Read> {
  // YAML 1.2's core schema: dates stay text, `yes` and `no` too.
  const documents = parseAllDocuments(text, { version: '1.2', uniqueKeys: true })
  if (!Array.isArray(documents) || documents.length === 0) {
    yield { file, title: '', refused: { code: 'yaml', path: '', message: 'the file holds no document' } }
    return
  }
  for (const document of documents) {
    const fault = document.errors[0] ?? document.warnings[0]
    if (fault !== undefined) {
      const message = fault.message.split('\n')[0]!
      yield { file, title: '', refused: { code: 'yaml', path: '', message } }
      continue
    }
    yield compile(file, () => document.toJS({ maxAliasCount: 100 }) as unknown)
  }
}

function compile(file: string, load: () => unknown): Read {
  let data: unknown
  try {
    data = load()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { file, title: '', refused: { code: 'yaml', path: '', message } }
  }
  const title = titleOf(data)
  try {
    return isCorrelation(data)
      ? { file, title, correlation: compileCorrelation(data) }
      : { file, title, rule: compileRule(data) }
  } catch (error) {
    if (!(error instanceof SigmaError)) throw error
    return { file, title, refused: { code: error.code, path: error.path, message: error.message } }
  }
}

function titleOf(data: unknown): string {
  const title = typeof data === 'object' && data !== null && 'title' in data ? data.title : ''
  return typeof title === 'string' ? title.replaceAll(/\s+/g, ' ').slice(0, 256) : ''
}

/** The accepted rules of a folder, and a detector over them; a refused one ends it, for a search with a rule missing looks like one without. */
export function loadDetector(
  folder: string,
  options?: CorrelatorOptions,
): { readonly detector: Detector; readonly rules: DetectorRules; readonly files: ReadonlyMap<string, string> } {
  const rules: SigmaRule[] = []
  const correlations: CorrelationRule[] = []
  const files = new Map<string, string>()
  for (const read of readRules([folder])) {
    if ('refused' in read) {
      const { code, path, message } = read.refused
      throw new StartError('sigma/refused', `${read.file}: ${code}${path === '' ? '' : ` at ${path}`}: ${message}.`)
    }
    const rule = 'rule' in read ? read.rule : read.correlation
    files.set(keyOf(rule), relative(folder, read.file))
    if ('rule' in read) rules.push(read.rule)
    else correlations.push(read.correlation)
  }
  try {
    const all = { rules, correlations }
    return { detector: detector(all, options), rules: all, files }
  } catch (error) {
    if (!(error instanceof SigmaError)) throw error
    throw new StartError('sigma/refused', `${folder}: ${error.code} at ${error.path}: ${error.message}.`)
  }
}

/** By what a rule is known: its id, else its name, else its title. */
export const keyOf = (rule: { readonly id?: string; readonly name?: string; readonly title: string }): string =>
  rule.id ?? rule.name ?? rule.title
