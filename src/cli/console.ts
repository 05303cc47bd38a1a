import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { KhienError } from '../kit/errors.ts'
import { catalogue, inLanguage, number } from '../kit/i18n.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

const words = catalogue(
  {
    fresh: 'Bàn điều khiển đã dựng sẵn.',
    building: 'Đang dựng bàn điều khiển (chỉ khi mã nguồn đổi)…',
    built: (seconds: string, kb: string) => `Bàn điều khiển dựng xong sau ${seconds} giây, ${kb} kB khi nén.`,
    failed: (why: string) => `Không dựng được bàn điều khiển (${why}); mọi phần khác vẫn chạy.`,
  },
  {
    fresh: 'The console is built already.',
    building: 'Building the console (only when its source has changed)…',
    built: (seconds, kb) => `The console was built in ${seconds} s, ${kb} kB packed.`,
    failed: (why) => `The console could not be built (${why}); everything else runs.`,
  },
)

/** Whatever the built files depend on. */
const SOURCES = ['ui/**/*', 'src/kit/*.ts', 'src/**/contract.ts', 'src/*/messages.ts', 'package-lock.json']
const LONGEST_MS = 180_000

/** SHA-256 over names and bytes of the sources: under 30 ms. */
function stampOf(root: string): string {
  const hash = createHash('sha256')
  for (const name of SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root })).sort()) {
    const bytes = readIfFile(join(root, name))
    if (bytes) hash.update(`${name}\0${bytes.length}\0`).update(bytes)
  }
  return hash.digest('base64url')
}

function readIfFile(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return undefined
    throw error
  }
}

/**
 * Builds the console if its sources have changed since, in a process of its own, and says so in a line. A packed copy of
 * Khiên has no sources and brings its console built. Throws `console/build` when the build fails.
 */
export async function buildConsole(io: Pick<Io, 'root' | 'err' | 'language'>, signal?: AbortSignal): Promise<boolean> {
  const say = inLanguage(words, io.language)
  const script = join(io.root, 'ui', 'console', 'build.ts')
  if (!existsSync(script)) return false
  const dist = join(io.root, 'dist', 'console')
  const stamp = stampOf(io.root)
  const known = existsSync(join(dist, 'stamp')) ? readFileSync(join(dist, 'stamp'), 'utf8') : ''
  if (known === stamp) return false
  io.err(`${say.building}\n`)
  const began = performance.now()
  mkdirSync(dirname(dist), { recursive: true })
  const { packed } = JSON.parse(await runBuild(script, [dist, stamp], signal)) as { packed: number }
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  io.err(`${say.built(seconds, number(Math.round(packed / 1000), io.language))}\n`)
  return true
}

/** The same, for a start: what goes wrong is said, and the start goes on. */
export const buildConsoleOrSay = (io: Io, signal: AbortSignal): Promise<void> =>
  buildConsole(io, signal).then(
    () => {},
    (error: unknown) => {
      if (signal.aborted) return
      const why = error instanceof Error ? error.message : String(error)
      io.err(`${inLanguage(words, io.language).failed(why)}\n`)
    },
  )

async function runBuild(script: string, args: string[], signal?: AbortSignal): Promise<string> {
  const child = fork(script, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    timeout: LONGEST_MS,
    // The flags of whoever asked (a test runner's, a debugger's) are not the build's.
    execArgv: [],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
    ...(signal ? { signal } : {}),
  })
  let [said, wrong] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (wrong += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code === 0) return said.trim().split('\n').at(-1) ?? ''
  throw new KhienError('console/build', wrong.trim().split('\n').slice(0, 12).join('\n') || `ended with ${code}`)
}

export const console_: Verb = {
  summary: 'build the operators’ console',
  usage: 'khien console build\n\nBuilds the console into dist/console unless that is what its sources say already.\n',
  async run(args, io) {
    if (args[0] !== 'build' || args.length > 1) throw new UsageError('khien console build is the only command here.')
    if (!(await buildConsole(io))) io.err(`${inLanguage(words, io.language).fresh}\n`)
    return 0
  },
}
