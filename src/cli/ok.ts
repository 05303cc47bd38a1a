import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Io, Verb } from './verb.ts'

/** What is wrong, or nothing. */
type Step = { readonly name: string; run(io: Io): Promise<string | undefined> }

const STEPS: readonly Step[] = [
  { name: 'format', run: (io) => tool(io, 'oxfmt', ['--check', ...sources(io)]) },
  { name: 'lint', run: (io) => tool(io, 'oxlint', ['--quiet', '.']) },
  { name: 'types', run: (io) => tool(io, 'typescript', ['--noEmit', '-p', '.'], 'tsc') },
  { name: 'types of ui', run: (io) => tool(io, 'typescript', ['--noEmit', '-p', 'ui/console'], 'tsc') },
  { name: 'openapi.json', run: openapiUnchanged },
  { name: 'rules', run: rulesCompile },
]

export const ok: Verb = {
  summary: 'format, lint, types, generated files and rules: is the work good',
  usage:
    'khien ok\n\nChecks format, lint, types, that openapi.json is what the contracts say, and that the rules compile.\n',
  async run(_args, io) {
    let bad = 0
    for (const step of STEPS) {
      const began = performance.now()
      const wrong = await step.run(io)
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      io.out(`${wrong === undefined ? 'ok    ' : 'WRONG '} ${step.name.padEnd(14)} ${seconds} s\n`)
      if (wrong !== undefined) {
        bad++
        io.out(`${wrong.trimEnd()}\n`)
      }
    }
    return bad === 0 ? 0 : 1
  },
}

/** Our own code; files that tools write (package.json, the lock) are theirs to lay out. */
const sources = (io: Io): string[] =>
  ['src', 'test', 'bin', 'scripts', 'bench', 'examples', 'tools', 'ui'].filter((name) =>
    existsSync(join(io.root, name)),
  )

/** A packaged command, run by this Node whatever `node` means on the PATH. */
async function tool(io: Io, name: string, args: readonly string[], command = name): Promise<string | undefined> {
  const home = join(io.root, 'node_modules', name)
  if (!existsSync(home)) return `${name} is not installed; npm ci installs it.`
  const { bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>
  }
  const script = join(home, typeof bin === 'string' ? bin : bin[command]!)
  const child = spawn(process.execPath, [script, ...args], { cwd: io.root, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const code = await new Promise((resolve) => child.on('close', resolve))
  return code === 0 ? undefined : said || `${name} ended with ${String(code)}.`
}

async function openapiUnchanged(io: Io): Promise<string | undefined> {
  const { openapiText } = await import('../app/openapi.ts')
  const path = join(io.root, 'openapi.json')
  if (existsSync(path) && readFileSync(path, 'utf8') === openapiText()) return undefined
  return 'openapi.json is not what the contracts say: run npm run openapi and look at the difference.'
}

async function rulesCompile(io: Io): Promise<string | undefined> {
  const { compileRules } = await import('../engine/waf/index.ts')
  const folder = join(io.root, 'rules', 'waf')
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.conf'))
    .sort()
  try {
    compileRules(names.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })))
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
