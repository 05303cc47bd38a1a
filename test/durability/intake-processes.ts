import { mkdirSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SupervisedProcess } from '../../src/app/supervised-process.ts'
import type { IntakeConfig } from '../../src/intake/receiver/index.ts'

export type Which = 'intake' | 'store'
const root = join(import.meta.dirname, '..', '..')

/** A real intake process and a real store process over one folder, restarted after a kill as the supervisor does. */
export async function startIntakeProcesses(config: Partial<IntakeConfig> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'khi-'))
  mkdirSync(join(folder, 'run'))
  const sigma = join(root, 'rules', 'sigma')
  const configs = {
    intake: { folder, nodeSocket: join(folder, 'run', 'node.sock'), sigma, ...config },
    store: { folder },
  }
  const make = (which: Which): SupervisedProcess =>
    new SupervisedProcess(
      {
        name: which,
        module: join(root, 'src', 'app', 'processes', `${which}.ts`),
        config: configs[which],
        restart: false,
      },
      { root, compileCache: undefined },
      true,
    )
  const processes = { intake: make('intake'), store: make('store') }
  await Promise.all([processes.intake.ready(), processes.store.ready()])

  return {
    folder,
    processes,
    intakeSocket: join(folder, 'run', 'intake.sock'),
    storeSocket: join(folder, 'run', 'store.sock'),
    /** Ends one with SIGKILL and starts the next life; resolves when that is ready. */
    async kill(which: Which): Promise<void> {
      processes[which].kill()
      await processes[which].ended
      processes[which] = make(which)
      await processes[which].ready()
    },
    /** Ends one as the supervisor does, and leaves it ended. */
    stop: (which: Which): Promise<void> => processes[which].stop(),
    async start(which: Which): Promise<void> {
      processes[which] = make(which)
      await processes[which].ready()
    },
    async [Symbol.asyncDispose]() {
      await processes.intake.stop()
      await processes.store.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
export type IntakeProcesses = Awaited<ReturnType<typeof startIntakeProcesses>>

/** Asks until the answer is as wanted, for at most `ms`; answers the last. */
export async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean, ms = 15_000): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined && wanted(answer)) return answer
    if (performance.now() > end) throw new Error(`not reached within ${ms} ms: ${JSON.stringify(answer)}`)
    await sleep(50)
  }
}
