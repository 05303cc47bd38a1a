import { parentPort, workerData } from 'node:worker_threads'
import { KhienError } from '../kit/errors.ts'
import { makeBackup, type Made, type MakeJob, type Progress } from './make.ts'

// One backup, off the loop.

export type FromMaking =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'done'; readonly made: Made }
  | { readonly type: 'failed'; readonly code: string; readonly detail: string }

const port = parentPort!
const tell = (message: FromMaking): void => port.postMessage(message)
try {
  tell({
    type: 'done',
    made: await makeBackup(workerData as MakeJob, (progress) => tell({ type: 'progress', progress })),
  })
} catch (error) {
  const code = error instanceof KhienError ? error.code : String((error as { code?: unknown })?.code ?? 'failed')
  const why = code === 'ENOSPC' ? 'the disk is full' : code
  const detail = error instanceof KhienError ? error.message : `The backup could not be made (${why}).`
  tell({ type: 'failed', code: error instanceof KhienError ? code : 'backup/failed', detail })
}
