import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { compileRules, SecLangError, type CompileOptions, type Plan, type RuleFile } from '../engine/waf/index.ts'
import { GuardError } from './error.ts'

export type LoadOptions = {
  /** 1 to 4: how much the rules look for; CRS's own setting when not told. */
  readonly paranoia?: number
  /** Anomaly score from which a request is refused, 1 to 10,000; the rules' own setting when not told. */
  readonly threshold?: number
  /** `plain` compares every rule with every value: slower, for checking. */
  readonly mode?: CompileOptions['mode']
  /** Answers for rules that look something up (@geoLookup, @rbl); without it such a rule never matches and a note says so. */
  readonly lookups?: Exclude<CompileOptions['lookups'], 'absent'>
}

/** Folder of the rules that come with this package: Khiên's own, made for little false alarm on Vietnamese text. */
export const ownRules = (): string => join(rulesHome(), 'waf')

// The package carries its rules beside the compiled engine; in a clone they lie at the root.
const rulesHome = (): string => {
  const beside = resolve(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '../rules')
  return existsSync(beside) ? beside : resolve(beside, '../../rules')
}

/**
 * Rule files, and folders whose `.conf` files are read in name order → plan. Without paths: Khiên's own rules. Word lists are found beside
 * the rules that name them; Include takes paths beside the first file, `*` in the last part. A set-up file (`…setup.conf`) of a folder is
 * read before its other files. Throws `GuardError` that names the file and line at fault. Takes a second or some: call it once.
 */
export function loadRules(paths: string | readonly string[] = ownRules(), options: LoadOptions = {}): Plan {
  const read = new Map<string, string>()
  const files = [paths].flat().flatMap((path) => confFiles(path).map((file) => readRules(file, read)))
  if (files.length === 0)
    throw new GuardError('guard/no-rules', `There is no .conf file in ${[paths].flat().join(', ')}.`)
  const home = dirname(files[0]!.name)
  const include = (pattern: string): RuleFile[] | undefined =>
    matching(isAbsolute(pattern) ? pattern : join(home, pattern))?.map((file) => readRules(file, read))
  const setups = files.filter(({ name }) => isSetup(name))
  const all = [...setups, ...strictness(options), ...files.filter(({ name }) => !isSetup(name))]
  const choosesProcessors = all.some(({ text }) =>
    /^(?!\s*#).*(?:requestBodyProcessor=(?:JSON|XML)|SecRequestBodyReading|Include)/im.test(text),
  )
  const base = choosesProcessors ? [] : [readRules(join(rulesHome(), 'crs/base.conf'), read)]
  try {
    return compileRules([...base, ...all], {
      data: read,
      lookups: options.lookups ?? 'absent',
      mode: options.mode ?? 'fast',
      include,
    })
  } catch (error) {
    if (error instanceof SecLangError) throw new GuardError('guard/unsupported', error.message, { cause: error })
    throw error
  }
}

const isSetup = (path: string): boolean => /(?:^|-)setup\.conf$/.test(basename(path))

/** Variables by which CRS 4, CRS 3 and Khiên's rules are told how strict to be; after the set-up, before the rules read them. */
function strictness({ paranoia, threshold }: LoadOptions): RuleFile[] {
  const variables: string[] = []
  if (paranoia !== undefined) {
    if (!Number.isInteger(paranoia) || paranoia < 1 || paranoia > 4)
      throw new GuardError('guard/options', `paranoia: expected 1–4, got ${String(paranoia)}`)
    for (const name of ['blocking_paranoia_level', 'detection_paranoia_level', 'paranoia_level'])
      variables.push(`setvar:tx.${name}=${paranoia}`)
  }
  if (threshold !== undefined) {
    if (!Number.isInteger(threshold) || threshold < 1 || threshold > 10_000)
      throw new GuardError('guard/options', `threshold: expected 1–10,000, got ${String(threshold)}`)
    for (const name of ['inbound_anomaly_score_threshold', 'anomaly_threshold'])
      variables.push(`setvar:tx.${name}=${threshold}`)
  }
  if (variables.length === 0) return []
  return [{ name: 'options', text: `SecAction "id:999999901,phase:1,nolog,pass,${variables.join(',')}"` }]
}

function confFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path).filter((name) => name.endsWith('.conf'))
    return names.sort().map((name) => join(path, name))
  } catch (error) {
    throw new GuardError('guard/no-rules', `The rules ${path} cannot be read.`, { cause: error })
  }
}

/** The file as latin1, and into `lists` what `@pmFromFile` and `@ipMatchFromFile` may name beside it. */
function readRules(path: string, lists: Map<string, string>): RuleFile {
  try {
    const folder = dirname(path)
    const seen = ` ${folder}`
    if (!lists.has(seen)) {
      lists.set(seen, '')
      for (const name of readdirSync(folder))
        if (name.endsWith('.data') && !lists.has(name)) lists.set(name, readFileSync(join(folder, name), 'latin1'))
    }
    return { name: path, text: readFileSync(path, 'latin1') }
  } catch (error) {
    throw new GuardError('guard/no-rules', `The rules ${path} cannot be read.`, { cause: error })
  }
}

/** Files of a path whose last part may hold `*`; nothing when a file named outright is not there. */
function matching(pattern: string): string[] | undefined {
  const folder = dirname(pattern)
  const last = basename(pattern)
  if (!last.includes('*')) return existsSync(pattern) ? [pattern] : undefined
  const escaped = last.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const expression = new RegExp(`^${escaped.join('.*')}$`, 's')
  if (!existsSync(folder)) return undefined
  return readdirSync(folder)
    .filter((name) => expression.test(name))
    .sort()
    .map((name) => join(folder, name))
}
