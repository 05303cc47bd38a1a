import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compileRules, SecLangError, type CompileOptions, type Plan, type RuleFile } from '../engine/waf/index.ts'
import { KhienError } from '../kit/errors.ts'

export type RuleSource = {
  /** Files, and folders whose `.conf` files are read in name order. */
  readonly rules: readonly string[]
  readonly setup?: string
  /** Rules put between the set-up and the others. */
  readonly between?: readonly RuleFile[]
  readonly mode?: CompileOptions['mode']
}

/** Paths → plan. Word lists are found beside the file that names them. Throws `KhienError` naming the file and line at fault. */
export function loadPlan(root: string, { rules, setup, between = [], mode = 'fast' }: RuleSource): Plan {
  const paths = rules.flatMap(confFiles)
  const files = paths.map(readRules)
  const first = setup === undefined ? [] : [readRules(setup)]
  const all = [...first, ...between, ...files]
  const choosesProcessors = all.some(({ text }) =>
    /^(?!\s*#).*(?:requestBodyProcessor=(?:JSON|XML)|SecRequestBodyReading)/im.test(text),
  )
  const base = choosesProcessors ? [] : [readRules(join(root, 'rules/crs/base.conf'))]
  try {
    return compileRules([...base, ...all], { data: wordLists(paths), lookups: 'absent', mode })
  } catch (error) {
    if (error instanceof SecLangError) throw new KhienError('waf/unsupported', error.message, { cause: error })
    throw error
  }
}

/** Sets the paranoia level under the names that CRS 3 and 4 give it. */
export const paranoiaFile = (level: number): RuleFile => ({
  name: '--paranoia',
  text: `SecAction "id:1900010,phase:1,pass,nolog,${[
    'blocking_paranoia_level',
    'detection_paranoia_level',
    'paranoia_level',
    'executing_paranoia_level',
  ]
    .map((name) => `setvar:tx.${name}=${level}`)
    .join(',')}"`,
})

function confFiles(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path).filter((name) => name.endsWith('.conf'))
    return names.sort().map((name) => join(path, name))
  } catch {
    throw new KhienError('waf/no-rules', `The rules ${path} cannot be read.`)
  }
}

function readRules(path: string): RuleFile {
  try {
    return { name: path, text: readFileSync(path, 'latin1') }
  } catch {
    throw new KhienError('waf/no-rules', `The rules ${path} cannot be read.`)
  }
}

function wordLists(paths: readonly string[]): Map<string, string> {
  const out = new Map<string, string>()
  for (const folder of new Set(paths.map((path) => dirname(path))))
    for (const name of readdirSync(folder))
      if (name.endsWith('.data') && !out.has(name)) out.set(name, readFileSync(join(folder, name), 'latin1'))
  return out
}
