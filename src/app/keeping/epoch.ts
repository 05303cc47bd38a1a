import { rootAt, openCheckpoint, type Checkpoint } from '../../engine/tlog/index.ts'
import { sameBytes } from '../../engine/bytes/join.ts'
import { toBase64 } from '../../engine/bytes/base64.ts'
import { tileReader } from '../../audit/files.ts'
import { readOnly } from '../../audit/index.ts'
import { tree } from '../../audit/tree.ts'
import { StartError } from '../../kit/errors.ts'
import type { Secrets } from '../secrets.ts'
import type { Chosen } from './put-aside.ts'
import { logVerifierOf } from './put-aside.ts'

/** The log's state that others have seen and that the restored log no longer reaches. */
export type Epoch = {
  readonly oldSize: number
  readonly oldRoot: string
  /** What is left of it. */
  readonly size: number
  readonly root: string
}

/**
 * Whether the log that comes back is shorter than one somebody has seen: of a checkpoint that is handed in, and of later
 * backups in the folder. Undefined when it is not. Errors: `restore/shorter-log` while nobody handed the checkpoint in,
 * `restore/checkpoint` for one that this log did not sign.
 */
export function epochOf(chosen: Chosen, secrets: Secrets, checkpoint: string | undefined): Epoch | undefined {
  const { size, root } = chosen.backup.manifest.log
  const seen = checkpoint === undefined ? undefined : openCheckpoint(checkpoint, [logVerifierOf(secrets)])
  if (checkpoint !== undefined && seen === undefined)
    throw new StartError('restore/checkpoint', 'The checkpoint was not signed by the log of this node, or was altered.')
  const longest = chosen.all.map(({ manifest }) => manifest.log).toSorted((a, b) => b.size - a.size)[0]!
  if (longest.size > size && seen === undefined)
    throw new StartError(
      'restore/shorter-log',
      `The log of this backup has ${size} entries, and a later backup shows that ${longest.size} were signed. To go on from the shorter log, hand in the newest checkpoint that anyone has, with --checkpoint FILE: the node then declares a new epoch of its log.`,
    )
  const newest = seen && seen.size > longest.size ? { size: seen.size, root: toBase64(seen.root) } : longest
  return newest.size > size ? { oldSize: newest.size, oldRoot: newest.root, size, root } : undefined
}

/** Refuses a log that contradicts a checkpoint it is long enough to hold. Errors: `restore/other-log`. */
export async function checkHolds(folder: string, size: number, known: Checkpoint | undefined): Promise<void> {
  if (known === undefined || known.size > size) return
  const root = await rootAt(tree, known.size, size, tileReader(readOnly(folder)))
  if (!sameBytes(root, known.root))
    throw new StartError(
      'restore/other-log',
      `The log in the backup is not the one of the checkpoint: at ${known.size} entries it has another root. Nothing was restored; look into it with whoever gave the checkpoint.`,
    )
}
