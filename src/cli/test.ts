import { fork } from 'node:child_process'
import { globSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Io, Verb } from './verb.ts'

export type TestEvent =
  | { type: 'fail'; name: string; file: string; line: number; text: string; subtests: boolean }
  | { type: 'skip'; name: string; file: string; reason: string }
  | { type: 'noise'; file: string; message: string }
  | { type: 'counts'; passed: number; failed: number; skipped: number }

type Stage = { readonly title: string; readonly files: string[]; readonly isolation: 'none' | 'process' }
type Totals = { passed: number; failed: number; skipped: number }

/** Units share a process, journeys have one each; both go on side by side, since much of a journey is waiting. */
const STAGES = [
  { title: 'units', patterns: ['src/**/*.test.ts', 'rules/**/*.test.ts'], isolation: 'none' },
  { title: 'journeys', patterns: ['test/**/*.test.ts', 'examples/**/*.test.ts'], isolation: 'process' },
] as const

export const test: Verb = {
  summary: 'run the tests; words narrow them down to files whose path holds one',
  usage: `khien test [WORD …]      (npm test -- WORD …)

Runs src/**/*.test.ts in one process, then test/**/*.test.ts in a process each. Ends with
"N passed, N failed, N skipped"; exit 1 when any failed or nothing ran.
`,
  async run(words, io) {
    const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
    const run = async ({ title, patterns, isolation }: (typeof STAGES)[number]): Promise<void> => {
      const files = globSync([...patterns], { cwd: io.root })
        .filter((file) => !file.includes('node_modules'))
        .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
        .sort((a, b) => startOf(a) - startOf(b) || (a < b ? -1 : 1))
        .map((file) => join(io.root, file))
      if (files.length === 0) return
      const began = performance.now()
      const counts = await runStage({ title, files, isolation }, io)
      for (const key of ['passed', 'failed', 'skipped'] as const) totals[key] += counts[key]
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      io.out(`${title}: ${files.length} files, ${counts.passed} passed in ${seconds} s\n`)
    }
    await Promise.all(STAGES.map(run))
    if (totals.passed + totals.failed === 0) io.out('No test ran.\n')
    io.out(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
    return totals.failed > 0 || totals.passed === 0 ? 1 : 0
  },
}

/** Browsers and kills take longest, so they begin first. */
const startOf = (file: string): number => (/^test\/(?:journey|durability)\//.test(file) ? 0 : 1)

async function runStage({ title, files, isolation }: Stage, io: Io): Promise<Totals> {
  const child = fork(join(import.meta.dirname, 'test-run.ts'), [], {
    cwd: io.root,
    execArgv: process.execArgv,
    // Test files that print would bury the report; stderr stays for crashes.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  let totals: Totals | undefined
  const noise = new Map<string, string>()
  child.on('message', (event: TestEvent) => {
    const file = 'file' in event ? relative(io.root, event.file) : ''
    if (event.type === 'counts') totals = event
    else if (event.type === 'skip') io.out(`skipped  ${file}: ${event.name} — ${event.reason}\n`)
    else if (event.type === 'noise') noise.set(file, ((noise.get(file) ?? '') + event.message).slice(-4_000))
    else if (!event.subtests) {
      const said = noise.get(file)
      io.out(
        `\nFAILED   ${file}:${event.line}: ${event.name}\n${indent(event.text)}\n${said ? `${indent(said)}\n` : ''}`,
      )
    }
  })
  child.send({ files, isolation, cwd: io.root })
  const stop = (): void => void child.kill('SIGTERM')
  process.on('SIGTERM', stop)
  const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
  process.off('SIGTERM', stop)
  if (totals !== undefined && (code === 0 || totals.failed > 0)) return totals
  io.out(`\nFAILED   ${title}: the run itself broke off (exit ${code}).\n`)
  return { passed: totals?.passed ?? 0, failed: (totals?.failed ?? 0) + 1, skipped: totals?.skipped ?? 0 }
}

const indent = (text: string): string => text.trimEnd().replace(/^/gm, '         ')
