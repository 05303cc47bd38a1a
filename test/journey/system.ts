import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { worldAt, type World } from '../../examples/marketplace/journey/world.ts'
import { root, until } from '../commands/processes.ts'

/** Highest port above the base that a start opens. */
const SPAN = 24
const START_MS = 90_000

/** `khien start` as a person runs it, in a folder of its own, with everything it ever printed. */
export type System = AsyncDisposable & {
  readonly world: World
  readonly pid: number
  /** Seconds from the spawn to the ready summary. */
  readonly seconds: number
  printed(): string
  setupLink(): string
  processes(): readonly Child[]
  /** SIGTERM; resolves with the exit code once the program has ended. */
  stop(): Promise<number | null>
}
export type Child = { readonly pid: number; readonly name: string; readonly birth: string }

export function temporaryData(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'khien-journey-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export async function startSystem(data: string, language = 'vi_VN.UTF-8'): Promise<System> {
  const port = await freeBase()
  const began = performance.now()
  const child = spawn(
    process.execPath,
    [join(root, 'bin', 'khien.js'), 'start', '--data', data, '--port', String(port)],
    {
      env: { ...process.env, LANG: language, LC_ALL: language, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM')
    return ended
  }
  const isReady = (): boolean => printed.includes(`http://localhost:${port + 20}`) && printed.includes('Ctrl-C')
  try {
    await until('the system to be ready', () => isReady() || gone(child), START_MS)
    if (gone(child)) throw new Error('ended before it was ready')
  } catch (error) {
    await stop()
    throw new Error(`khien start did not come up:\n${printed}`, { cause: error })
  }
  return {
    world: worldAt(port, data, root),
    pid: child.pid!,
    seconds: (performance.now() - began) / 1000,
    printed: () => printed,
    setupLink: () => new RegExp(`http://localhost:${port + 1}/setup\\?token=\\S+`).exec(printed)?.[0] ?? '',
    processes: () => descendants(child.pid!),
    stop,
    async [Symbol.asyncDispose]() {
      if (!gone(child)) await stop()
    },
  }
}

const gone = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/** All processes below one, by name of their module; `birth` tells a reused pid from the one we met. */
export function descendants(of: number): Child[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
        const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
        const script = words.find((word) => /\.(?:ts|js)$/.test(word)) ?? ''
        const name = script.split('/').at(-1) ?? ''
        return state === 'Z' ? [] : [{ pid: Number(entry), parent: Number(parent), name, birth: rest[17] ?? '' }]
      } catch {
        return []
      }
    })
  const below = (pid: number): Child[] =>
    all
      .filter(({ parent }) => parent === pid)
      .flatMap((one) => [{ pid: one.pid, name: one.name, birth: one.birth }, ...below(one.pid)])
  return below(of)
}

export function isSame({ pid, birth }: Child): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] !== 'Z' && fields[19] === birth
  } catch {
    return false
  }
}

/** A base port whose whole span is free, away from the usual ephemeral range. */
export async function freeBase(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const base = 20_000 + 25 * Math.floor(Math.random() * 480)
    const free = await Promise.all(Array.from({ length: SPAN + 1 }, (_, i) => isFree(base + i)))
    if (free.every(Boolean)) return base
  }
  throw new Error('no free span of ports was found')
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
