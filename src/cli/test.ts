import { fork } from 'node:child_process'
import { chmodSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { Io, Verb } from './verb.ts'

export type TestEvent =
  | { type: 'fail'; name: string; file: string; line: number; text: string }
  | { type: 'skip'; name: string; file: string; reason: string }
  | { type: 'counts'; passed: number; failed: number; skipped: number }

type Totals = { passed: number; failed: number; skipped: number }

/** Units share a process, journeys have one each; both go on side by side, since much of a journey is waiting. */
const STAGES = [
  { title: 'units', patterns: ['src/**/*.test.ts', 'rules/**/*.test.ts'], shared: true },
  { title: 'journeys', patterns: ['test/**/*.test.ts', 'examples/**/*.test.ts'], shared: false },
] as const
const JOURNEYS_AT_ONCE = 2
/** A process of tests may take so long, then it and all it began are ended: a run that hangs says nothing at all. */
const LONGEST_MS = { units: 1_500_000, journeys: 600_000 }
const STDERR_KEPT = 4_000

export const test: Verb = {
  summary: 'run the tests; words narrow them down to files whose path holds one',
  usage: `khien test [WORD …]      (npm test -- WORD …)

Runs src/**/*.test.ts in one process, then test/**/*.test.ts in a process each. Ends with
"N passed, N failed, N skipped"; exit 1 when any failed or nothing ran.
`,
  async run(words, io) {
    const totals: Totals = { passed: 0, failed: 0, skipped: 0 }
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(signal, () => {
        for (const leader of groups) endGroup(leader)
        process.exit(1)
      })
    const run = async ({ title, patterns, shared }: (typeof STAGES)[number]): Promise<void> => {
      const files = globSync([...patterns], { cwd: io.root })
        .filter((file) => !file.includes('node_modules'))
        .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
        .sort((a, b) => startOf(a) - startOf(b) || (a < b ? -1 : 1))
      if (files.length === 0) return
      const began = performance.now()
      let passed = 0
      const left = shared ? [files] : files.map((file) => [file])
      const worker = async (): Promise<void> => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const counts = await runFiles(next, LONGEST_MS[title], io)
          for (const key of ['passed', 'failed', 'skipped'] as const) totals[key] += counts[key]
          passed += counts.passed
        }
      }
      await Promise.all(Array.from({ length: JOURNEYS_AT_ONCE }, worker))
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      io.out(`${title}: ${files.length} files, ${passed} passed in ${seconds} s\n`)
    }
    await Promise.all(STAGES.map(run))
    if (totals.passed + totals.failed === 0) io.out('No test ran.\n')
    io.out(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
    return totals.failed > 0 || totals.passed === 0 ? 1 : 0
  },
}

/** Browsers and kills take longest, so they begin first. */
const startOf = (file: string): number => (/^test\/(?:journey|durability)\//.test(file) ? 0 : 1)

async function runFiles(files: readonly string[], longestMs: number, io: Io): Promise<Totals> {
  // Short, since sockets lie below it; open to pass through, since PostgreSQL is another user. It goes with all that tests leave in it.
  const scratch = mkdtempSync(join(tmpdir(), 'kt-'))
  chmodSync(scratch, 0o711)
  const child = fork(join(import.meta.dirname, 'test-run.ts'), [], {
    cwd: io.root,
    execArgv: process.execArgv,
    env: { ...process.env, TMPDIR: scratch },
    // A group of its own: what a failed test left running is ended with it.
    detached: true,
    // Test files that print would bury the report; stderr is shown beside a failure.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  groups.add(child.pid!)
  let said = ''
  child.stderr!.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-STDERR_KEPT)))
  const report = (what: string, text: string): void =>
    io.out(`\nFAILED   ${what}\n${indent(text)}\n${said ? `${indent(said)}\n` : ''}`)

  let totals: Totals | undefined
  let late = false
  const watchdog = setTimeout(() => {
    late = true
    endGroup(child.pid!)
  }, longestMs)
  const code = await new Promise<number | null>((resolve) => {
    child.on('exit', resolve)
    child.on('message', (event: TestEvent) => {
      const file = 'file' in event ? relative(io.root, event.file) : ''
      if (event.type === 'skip') io.out(`skipped  ${file}: ${event.name} — ${event.reason}\n`)
      else if (event.type === 'fail') report(`${file}:${event.line}: ${event.name}`, event.text)
      else {
        totals = event
        resolve(0)
      }
    })
    child.send({ files: files.map((file) => join(io.root, file)) })
  })
  clearTimeout(watchdog)
  endGroup(child.pid!)
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  if (totals !== undefined) return totals
  const which = files.length === 1 ? files[0]! : `${files.length} files`
  report(which, late ? `did not end within ${longestMs / 1000} s` : `the run itself broke off (exit ${code})`)
  return { passed: 0, failed: 1, skipped: 0 }
}

const groups = new Set<number>()

function endGroup(leader: number): void {
  groups.delete(leader)
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}

const indent = (text: string): string => text.trimEnd().replace(/^/gm, '         ')
