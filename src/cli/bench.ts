import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { didYouMean } from '../app/nearest.ts'
import { UsageError, type Verb } from './verb.ts'

export const bench: Verb = {
  summary: 'measure beside a named rival: bench/<name>.ts',
  usage: `khien bench [NAME …]

Runs bench/NAME.ts: one line per figure, tab-separated: name, value, unit, goal, met or short.
Without a name it lists what there is.
`,
  async run(args, io) {
    const folder = join(io.root, 'bench')
    const names = (existsSync(folder) ? readdirSync(folder) : [])
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => file.slice(0, -3))
    const [name, ...rest] = args
    if (name === undefined) {
      io.out(names.length === 0 ? 'There are no benchmarks in this copy.\n' : `${names.join('\n')}\n`)
      return 0
    }
    if (!names.includes(name)) throw new UsageError(`There is no benchmark "${name}"${didYouMean(name, names)}`)
    const child = spawn(process.execPath, [...process.execArgv, join(folder, `${name}.ts`), ...rest], {
      stdio: 'inherit',
    })
    return await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
  },
}
