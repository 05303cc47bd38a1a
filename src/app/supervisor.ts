import { setTimeout as wait } from 'node:timers/promises'
import { StartError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { SupervisedProcess, type Note, type ProcessSpec } from './supervised-process.ts'

export type { Note, ProcessSpec } from './supervised-process.ts'

export type SuperviseOptions = {
  /** One line a person reads. */
  readonly out: (line: string) => void
  readonly log: Log
  /** Working folder of every child. */
  readonly root: string
  readonly compileCache?: string
  /** Ends the start as well as the running. */
  readonly signal?: AbortSignal
  readonly grace?: number
}

export type Supervised = AsyncDisposable & {
  /** What each said when it was first ready. */
  readonly notes: ReadonlyMap<string, Note>
  /** Ends everything at once, after a second wish to stop. */
  kill(): void
}

const FIRST_WAIT = 100
const LONGEST_WAIT = 5_000
/** One that lived so long is not in a loop of failures any more. */
const HEALTHY_AFTER = 10_000

/**
 * Starts the processes in the order of their needs and keeps them alive. Resolves when all are ready. The first start is
 * strict: one that fails ends all the others and is thrown as a StartError. Later deaths are restarted and said in one line.
 */
export async function supervise(specs: readonly ProcessSpec[], options: SuperviseOptions): Promise<Supervised> {
  const notes = new Map<string, Note>()
  const alive = new Map<string, SupervisedProcess>()
  const ending = new AbortController()
  const place = { root: options.root, compileCache: options.compileCache }

  const life = (spec: ProcessSpec, first: boolean): SupervisedProcess => {
    const process = new SupervisedProcess(spec, place, first)
    alive.set(spec.name, process)
    return process
  }
  const layers = layersOf(specs)
  const stopAll = async (): Promise<void> => {
    ending.abort()
    for (const layer of layers.toReversed())
      await Promise.all(layer.toReversed().map((spec) => alive.get(spec.name)?.stop(options.grace)))
  }

  try {
    for (const layer of layers) {
      options.signal?.throwIfAborted()
      const started = layer.map((spec) => {
        const process = life(spec, true)
        const ready = process.ready()
        // Awaited below, unless one beside it could not even be forked.
        ready.catch(() => {})
        return { spec, process, ready }
      })
      const aborted = rejectOnAbort(options.signal)
      const all = Promise.all(
        started.map(async ({ spec, process, ready }) => {
          notes.set(spec.name, await ready)
          void keepAlive(spec, process)
        }),
      )
      await Promise.race([all, aborted.promise]).finally(aborted.forget)
    }
  } catch (error) {
    await stopAll()
    throw error
  }
  return { notes, kill: () => alive.forEach((process) => process.kill()), [Symbol.asyncDispose]: stopAll }

  async function keepAlive(spec: ProcessSpec, first: SupervisedProcess): Promise<void> {
    let current = first
    let pause = FIRST_WAIT
    let since = Date.now()
    for (;;) {
      const { code, signal } = await current.ended
      if (ending.signal.aborted) return
      const how = signal ?? `exit ${code}`
      if (!spec.restart) return options.out(`${spec.name} ended (${how}).`)
      if (Date.now() - since >= HEALTHY_AFTER) pause = FIRST_WAIT
      options.out(`${spec.name} ended (${how}); starting it again in ${pause / 1000} s.`)
      options.log.warn('process-ended', { process: spec.name, how, again_in_ms: pause })
      await wait(pause, undefined, { signal: ending.signal }).catch(() => {})
      if (ending.signal.aborted) return
      pause = Math.min(pause * 2, LONGEST_WAIT)
      since = Date.now()
      current = life(spec, false)
      current.ready().then(
        (note) =>
          options.out(
            note['sealed'] === true
              ? `${spec.name} is back, but SEALED: open it with ./bin/khien.js unseal --role ${spec.name} and the --data of this start.`
              : `${spec.name} is back.`,
          ),
        (error: unknown) => {
          if (ending.signal.aborted) return
          const failed = error instanceof StartError && error.code !== 'ended'
          if (failed) options.out(`${spec.name}: ${error.message}`)
        },
      )
    }
  }
}

/** Those without needs first, then those whose needs are met, … A circle or an unknown name is our own mistake. */
function layersOf(specs: readonly ProcessSpec[]): ProcessSpec[][] {
  const layers: ProcessSpec[][] = []
  const met = new Set<string>()
  let left = [...specs]
  while (left.length > 0) {
    const layer = left.filter((spec) => (spec.needs ?? []).every((name) => met.has(name)))
    if (layer.length === 0) throw new Error(`needs that nobody meets: ${left.map((spec) => spec.name).join(', ')}`)
    for (const spec of layer) met.add(spec.name)
    left = left.filter((spec) => !met.has(spec.name))
    layers.push(layer)
  }
  return layers
}

function rejectOnAbort(signal: AbortSignal | undefined): { promise: Promise<never>; forget: () => void } {
  let forget = (): void => {}
  const promise = new Promise<never>((_, reject) => {
    const abort = (): void => reject(new StartError('stopped', 'Stopped before everything was ready.'))
    signal?.addEventListener('abort', abort, { once: true })
    forget = () => signal?.removeEventListener('abort', abort)
  })
  return { promise, forget }
}
