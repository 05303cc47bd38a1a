import { close, fdatasync, open } from 'node:fs'
import { promisify } from 'node:util'
import { KhienError } from '../../kit/errors.ts'

// Descriptors and not FileHandles: those are closed when nobody holds them any more, with a warning.
const opened = promisify(open)
const datasync = (file: number): Promise<void> => promisify(fdatasync)(file)

export type WriteAheadLog = AsyncDisposable & {
  /** Something was committed; it is in the file, not yet on the disk. */
  wrote(): void
  /** Resolves when everything committed so far is on the disk. Errors: `data/not-durable` (503), from then on for all. */
  durable(): Promise<void>
  /** Throws what `durable` would: after a failed sync nobody knows what the disk holds. */
  demandWhole(): void
}

/**
 * SQLite commits to its write-ahead log without waiting for the disk (`synchronous=NORMAL`); this waits, off the event
 * loop, and whoever committed meanwhile shares the next sync. Readers wait as well, so that nothing is told of that a
 * power cut could take back. `sync` is a test's way to fail.
 */
export function writeAheadLog(path: string, sync = datasync): WriteAheadLog {
  let written = 0
  let synced = 0
  let file: number | undefined
  let running: Promise<void> | undefined
  let failed: KhienError | undefined
  let closed = false

  async function flush(): Promise<void> {
    const upTo = written
    try {
      // SQLite makes this file with the first commit and takes no lock on it: closing it takes none away.
      file ??= await opened(`${path}-wal`, 'r+')
      await sync(file)
      synced = upTo
    } catch (cause) {
      const detail = 'The disk did not take what was written. Nothing more is accepted: look at the disk, then restart.'
      failed = new KhienError('data/not-durable', detail, { status: 503, cause })
    } finally {
      running = undefined
    }
  }
  const demandWhole = (): void => {
    if (failed) throw failed
  }
  return {
    wrote: () => void written++,
    demandWhole,
    async durable() {
      const mine = written
      // SQLite syncs what is left when it closes the file.
      while (synced < mine && !closed) {
        demandWhole()
        await (running ??= flush())
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await running
      if (file !== undefined) await promisify(close)(file)
    },
  }
}

/** Of a store that has no file. */
export const noLog: WriteAheadLog = {
  wrote: () => {},
  demandWhole: () => {},
  durable: async () => {},
  [Symbol.asyncDispose]: async () => {},
}
