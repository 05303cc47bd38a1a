import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { StartError } from '../../kit/errors.ts'
import type { RuleFile } from '../../engine/waf/index.ts'
import type { RuleSet } from '../contract.ts'

/** The text of a set of rules; `.data` files beside them are what `@pmFromFile` and `@ipMatchFromFile` name. */
export type RuleTexts = {
  readonly setup: readonly RuleFile[]
  readonly rules: readonly RuleFile[]
  readonly data: ReadonlyMap<string, string>
}

/** Reads a set of rules from the disk. Throws `StartError` naming the file or folder. */
export async function readRuleSet(set: RuleSet): Promise<RuleTexts> {
  const data = new Map<string, string>()
  const setup = (await Promise.all(set.setup.map((path) => readPath(path, data)))).flat()
  const named = new Set(set.setup.map((path) => basename(path)))
  const rules = (await Promise.all(set.rules.map((path) => readPath(path, data)))).flat()
  const rest = rules.filter(({ name }) => !named.has(name))
  if (rest.length === 0 && setup.length === 0)
    throw new StartError('waf/no-rules', `The rules folder ${set.rules.join(', ')} holds no .conf file.`)
  return { setup, rules: rest, data }
}

async function readPath(path: string, data: Map<string, string>): Promise<RuleFile[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [{ name: basename(path), text: await readFile(path, 'latin1') }]
    const names = (await readdir(path)).sort()
    for (const name of names) if (name.endsWith('.data')) data.set(name, await readFile(join(path, name), 'latin1'))
    return await Promise.all(
      names
        .filter((name) => name.endsWith('.conf'))
        .map(async (name) => ({ name, text: await readFile(join(path, name), 'latin1') })),
    )
  } catch {
    throw new StartError('waf/no-rules', `The rules folder ${path} cannot be read.`)
  }
}
