import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { CheckpointKind } from './checkpoints.ts'

// Carries pages from the write-ahead log into the database file, and syncs both, while the event loop goes on.

const file = new DatabaseSync(workerData as string)
file.exec('pragma busy_timeout=50; pragma synchronous=normal; pragma wal_autocheckpoint=0')
parentPort!.on('message', (kind: CheckpointKind) => {
  // What throws ends the thread, and is told by that.
  parentPort!.postMessage(file.prepare(`pragma wal_checkpoint(${kind})`).get(), [])
})
