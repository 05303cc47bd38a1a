import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { openIntake } from '../../src/intake/index.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { readTrace, TRACED } from './trace.ts'

// That an acknowledged batch would outlive a power cut: the calls themselves are looked at. Each acknowledgement follows
// the sync of its frame, of the name of its segment, and of the folders above it.

const skip = ((): string | false => {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
    return false
  } catch {
    return 'strace is not installed (Debian: apt install strace)'
  }
})()
type Calls = ReturnType<typeof readTrace>

async function trace(t: TestContext) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'khf-')))
  t.after(() => rm(base, { recursive: true, force: true }))
  const folder = join(base, 'node')
  mkdirSync(folder)
  const file = join(base, 'trace')
  const child = spawn(
    'strace',
    [
      '-f',
      '-yy',
      '-s',
      '256',
      '-o',
      file,
      '-e',
      `trace=${TRACED}`,
      process.execPath,
      join(import.meta.dirname, 'intake-child.ts'),
      JSON.stringify({ folder, nodeSocket: '', sealMs: 300 }),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  await once(child.stdout, 'data')
  const run = join(folder, 'run')
  const batches = 12
  {
    await using intake = openIntake({
      intakeSocket: join(run, 'intake.sock'),
      storeSocket: join(run, 'store.sock'),
      tokenKey: new Uint8Array(32),
      clock: systemClock,
      entropy: systemEntropy,
    })
    for (let n = 0; n < batches; n++) {
      const line = { time: Date.now(), kind: 'dns.query', clientAddress: '10.0.0.1', query: `h${n}.vn` }
      await intake.post('test', `batch-${n}`, Buffer.from(JSON.stringify(line)))
      // Time for a segment to be closed, so that the trace holds more than one.
      if (n % 5 === 4) await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
  child.stdin.end()
  await once(child, 'exit')
  return { folder, batches, calls: readTrace(readFileSync(file, 'utf8')) }
}

/** Sentences about acknowledgements that came too early, and how many there were. */
function check(calls: Calls, folder: string): { faults: string[]; answers: number; segments: number } {
  const synced = (path: string, after: number, before: number): boolean =>
    calls.some(
      (one) =>
        one.name.endsWith('sync') &&
        one.args.includes(`<${path}>`) &&
        one.result === '0' &&
        one.began > after &&
        one.ended < before,
    )
  const pathOf = (args: string): string => /^\d+<([^>]*)>/.exec(args)?.[1] ?? ''
  const answers = calls.filter(({ name, args }) => /^(?:write|send)/.test(name) && /HTTP\/1\.1 200/.test(args))
  const frames = calls.filter(({ name, args }) => name.startsWith('pwrite') && pathOf(args).endsWith('.seg'))
  const made = calls.filter(
    ({ name, args }) =>
      (name === 'openat' && /O_CREAT/.test(args) && /\.seg"/.test(args)) ||
      (name.startsWith('mkdir') && args.includes(folder)),
  )
  const faults: string[] = []
  for (const [i, answer] of answers.entries()) {
    for (const frame of frames.filter(({ began }) => began < answer.began))
      if (!synced(pathOf(frame.args), frame.ended, answer.began)) faults.push(`answer ${i}: a frame was not synced`)
    for (const one of made.filter(({ began, result }) => began < answer.began && !result.startsWith('-'))) {
      const path = /"([^"]+)"/.exec(one.args)![1]!
      if (!path.endsWith('/run') && !synced(path.slice(0, path.lastIndexOf('/')), one.ended, answer.began))
        faults.push(`answer ${i}: the name of ${path} was not synced`)
    }
  }
  return { faults, answers: answers.length, segments: made.filter(({ name }) => name === 'openat').length }
}

test(
  'every acknowledgement of a batch follows the sync of its frame and of the names above it',
  { skip },
  async (t) => {
    const { folder, calls, batches } = await trace(t)
    const { faults, answers, segments } = check(calls, folder)
    assert.deepEqual(faults, [])
    assert.equal(answers, batches)
    assert.ok(segments >= 2)
    // The same trace with some syncs struck out must not pass: otherwise the rule above would be no rule.
    for (const [what, pattern] of [
      ['segments', /\.seg>/],
      ['the folder of segments', new RegExp(`<${folder}/events/segments>`)],
      ['the folder of events', new RegExp(`<${folder}/events>`)],
      ["the node's folder", new RegExp(`<${folder}>`)],
    ] as const) {
      const without = calls.filter((one) => !(one.name.endsWith('sync') && pattern.test(one.args)))
      assert.notDeepEqual(check(without, folder).faults, [], `not noticed: no sync of ${what}`)
    }
  },
)
