import { Worker } from 'node:worker_threads'

/** What SQLite says of a checkpoint: frames in the log, and how many of them are in the database file now. */
export type Checkpointed = { readonly busy: number; readonly log: number; readonly checkpointed: number }
export type CheckpointKind = 'passive' | 'truncate'

/** The connection whose commits these are. */
export type CheckpointHost = {
  /** A checkpoint by it, on the event loop. */
  own(kind: CheckpointKind): Checkpointed
  /** Frames at which it checkpoints by itself. */
  net(frames: number): void
  /** Runs `work` while nobody else has it. */
  held<T>(work: () => Promise<T>): Promise<T>
  /** The thread ended, with the code of its error if it has one. */
  broke(code: string | undefined): void
}

/** Commits before a store gets a thread: most stores of a test, or of a quiet node, never do. */
const QUIET = 256
const BETWEEN_MS = 500
/** After a thread that gave no answer. */
const REST_MS = 60_000
/** Frames of a log that is to be begun anew: 32 MiB of pages. */
const LONG = 8_192
/** Frames that may be carried over while everybody waits, unless so many passes do not get there. */
const SHORT = 256
const PASSES = 5
/** SQLite's own checkpoints, on the event loop: alone, and were the thread never to come round. */
const [ALONE, NET] = [1_000, 65_536]
/** A reader (a backup) keeps the log from being emptied; looked at again. */
const AGAIN_MS = 1_000

/**
 * Checkpoints of one SQLite file in a thread of its own, half a second apart at least while there are commits. For the last
 * frames of a long log everybody waits: only a log that is carried over whole is begun anew, and under steady writing there
 * would never be such a moment. Without an answer from the thread SQLite's own go on.
 */
export function checkpoints(path: string, { own, net, held, broke }: CheckpointHost) {
  let thread: Worker | undefined
  let answered: ((told: Checkpointed | undefined) => void) | undefined
  let commits = 0
  let next = 0
  let running: Promise<unknown> = Promise.resolve()
  let busy = false
  let ended = false
  let again: NodeJS.Timeout | undefined

  function begin(): Worker {
    const made = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), { workerData: path })
    made.on('message', (told: Checkpointed | undefined) => answered?.(told))
    let code: string | undefined
    made.on('error', (error) => (code = (error as NodeJS.ErrnoException).code))
    made.on('exit', () => {
      thread = undefined
      if (ended) return
      broke(code)
      net(ALONE)
      next = performance.now() + REST_MS
      answered?.(undefined)
    })
    return made
  }

  async function ask(kind: CheckpointKind): Promise<Checkpointed | undefined> {
    const asked = (thread ??= begin())
    // Nothing else may hold the process: it must not end while everybody waits for this.
    asked.ref()
    try {
      return await new Promise((resolve) => {
        answered = resolve
        asked.postMessage(kind, [])
      })
    } finally {
      asked.unref()
    }
  }

  /** Passes until little is left; what was written while one ran is left for the next. False: the thread does not answer. */
  async function passes(least: number): Promise<boolean> {
    for (let pass = 0, before = 0; pass < PASSES; pass++) {
      const told = await ask('passive')
      if (told === undefined) return false
      if (pass === 0) net(NET)
      if (told.log < least || (pass > 0 && told.log - before <= SHORT)) return told.log >= least
      before = told.log
    }
    return true
  }

  /** One thing at a time. */
  async function aside<T>(work: () => Promise<T>): Promise<T> {
    while (busy) await running
    busy = true
    const done = work()
    running = done.catch(() => undefined)
    try {
      return await done
    } finally {
      busy = false
    }
  }

  async function empty(): Promise<boolean> {
    if (thread !== undefined && !(await passes(0))) return held(async () => own('truncate').busy === 0)
    return held(async () => (thread === undefined ? own('truncate') : await ask('truncate'))?.busy === 0)
  }

  /** Empties the log into the file; where a reader stands in the way, again and again until it is gone. */
  async function forget(): Promise<void> {
    clearTimeout(again)
    const done = await aside(empty)
    if (!done && !ended) again = setTimeout(() => void forget().catch(() => undefined), AGAIN_MS).unref()
  }

  return {
    /** After each commit. */
    committed(): void {
      if (++commits < QUIET || busy || ended || performance.now() < next) return
      void aside(async () => {
        if (await passes(LONG)) await held(() => ask('passive'))
      })
        .catch(() => undefined)
        .finally(() => (next = Math.max(next, performance.now() + BETWEEN_MS)))
    },
    forget,
    async [Symbol.asyncDispose](): Promise<void> {
      ended = true
      clearTimeout(again)
      while (busy) await running
      await thread?.terminate()
    },
  }
}
