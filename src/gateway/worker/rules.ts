import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compileRules, SecLangError, type Plan } from '../../engine/waf/index.ts'
import { StartError } from '../../kit/errors.ts'

/** The folder's `.conf` files in name order → plan. Throws `StartError` naming file, line and construct. */
export async function loadRules(folder: string): Promise<Plan> {
  let names: string[]
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith('.conf')).sort()
  } catch {
    throw new StartError('waf/no-rules', `The rules folder ${folder} cannot be read.`)
  }
  if (names.length === 0) throw new StartError('waf/no-rules', `The rules folder ${folder} holds no .conf file.`)
  const files = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(join(folder, name), 'latin1') })),
  )
  try {
    return compileRules(files)
  } catch (error) {
    if (error instanceof SecLangError) throw new StartError('waf/unsupported', error.message, { cause: error })
    throw error
  }
}
