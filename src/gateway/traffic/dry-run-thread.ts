import { parentPort, workerData } from 'node:worker_threads'
import { KhienError } from '../../kit/errors.ts'
import type { DryRunResult } from './contract.ts'
import { dryRun, type DryRunJob } from './dry-run.ts'

// One dry run, off the loop: opens what was kept, judges it, tells how far it is.

export type FromDryRun =
  | { readonly type: 'progress'; readonly done: number }
  | { readonly type: 'done'; readonly result: DryRunResult }
  | { readonly type: 'failed'; readonly problem: string }

const port = parentPort!
const tell = (message: FromDryRun): void => port.postMessage(message)
try {
  tell({ type: 'done', result: await dryRun(workerData as DryRunJob, (done) => tell({ type: 'progress', done })) })
} catch (error) {
  tell({
    type: 'failed',
    problem: error instanceof KhienError ? error.message : 'The kept requests could not be judged.',
  })
}
