import { fork, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { StartError } from '../kit/errors.ts'
import type { FromChild, ToChild } from './protocol.ts'

export type ProcessSpec = {
  readonly name: string
  /** Absolute path or file URL of a module that calls `runChild`. */
  readonly module: string
  /** Goes by IPC alone: a database URL or key material is never in an argument or the environment. */
  readonly config: unknown
  /** For a second life, when the first one used something up: a prompt, a key read from a descriptor. */
  readonly configAfterRestart?: unknown
  readonly restart: boolean
  /** Names of those that must be ready before this one starts. */
  readonly needs?: readonly string[]
  /** Only one that prompts inherits the terminal's input. */
  readonly stdin?: boolean
  /** Flags of the runtime that this one needs beside those of all. */
  readonly flags?: readonly string[]
  /** Open descriptors the child inherits in its first life; it finds them as 4, 5, … */
  readonly fds?: readonly number[]
}
export type Note = NonNullable<Extract<FromChild, { type: 'ready' }>['note']>
export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** What a child may know of our environment; everything else, secrets first of all, stays here. */
const ENVIRONMENT = new Set([
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'TERM',
  'NO_COLOR',
  'NODE_EXTRA_CA_CERTS',
])
/**
 * What a request makes is gone with it. But V8 takes what outlives the start (plans, schemas, routes) for a sign that such things live long: from
 * then on it makes them in old space, where each dead one keeps what it names alive. A worker's young collections took 6 ms instead of one, and
 * a node grew by 28 MiB a minute with 41 MiB alive (bench/waf-proxy.ts, bench/soak.ts).
 */
const YOUNG = '--no-allocation-site-pretenuring'
export const FLAGS = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning', YOUNG]
export const GRACE_MS = 5_000

/** One life of one child: forked, configured, ready, ended. */
export class SupervisedProcess {
  readonly spec: ProcessSpec
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess

  constructor(spec: ProcessSpec, place: { root: string; compileCache: string | undefined }, firstLife: boolean) {
    const module = spec.module.startsWith('file:') ? fileURLToPath(spec.module) : spec.module
    if (!existsSync(module))
      throw new StartError('missing-part', `${spec.name} cannot start: this copy of Khiên has no ${module}.`)
    this.spec = spec
    this.#child = fork(module, [], {
      cwd: place.root,
      env: childEnvironment(place.compileCache),
      execArgv: [...FLAGS, ...(spec.flags ?? [])],
      stdio: [
        spec.stdin && firstLife ? 'inherit' : 'ignore',
        'inherit',
        'inherit',
        'ipc',
        ...(firstLife ? (spec.fds ?? []) : []),
      ],
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve({ code: null, signal: null }))
      this.#child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    const config = firstLife ? spec.config : (spec.configAfterRestart ?? spec.config)
    this.#tell({ type: 'configure', config })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What it reported when it was ready; a StartError with its own sentence when it could not start. */
  ready(): Promise<Note> {
    const heard = new Promise<Note>((resolve, reject) => {
      this.#child.on('message', (message: FromChild) => {
        if (message.type === 'ready') resolve(message.note ?? {})
        else if (message.type === 'failed') reject(new StartError(message.code, message.detail))
      })
    })
    // A 'failed' may arrive just after the exit: one turn of the loop lets it win.
    const gone = this.ended.then(async ({ code, signal }) => {
      await wait(50)
      throw new StartError('ended', `${this.spec.name} ended before it was ready (${signal ?? `exit ${code}`}).`)
    })
    return Promise.race([heard, gone])
  }

  /** Asks by message and by signal, waits the grace, then ends it by its own pid. */
  async stop(grace = GRACE_MS): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.pid === undefined) return
    this.#tell({ type: 'stop' })
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), grace)
    await this.ended
    clearTimeout(timer)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #tell(message: ToChild): void {
    // A child that is already gone cannot listen; its exit is what counts and is seen elsewhere.
    if (this.#child.connected) this.#child.send(message, () => {})
  }
}

function childEnvironment(compileCache: string | undefined): Record<string, string> {
  const allowed = Object.entries(process.env).filter(([name]) => ENVIRONMENT.has(name)) as [string, string][]
  return { ...Object.fromEntries(allowed), ...(compileCache ? { NODE_COMPILE_CACHE: compileCache } : {}) }
}
