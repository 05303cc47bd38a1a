import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DrillResult } from '../../backup/index.ts'
import { KhienError } from '../../kit/errors.ts'
import type { Role } from '../config.ts'
import type { Secrets } from '../secrets.ts'
import { openSample, takeOut } from './people.ts'
import { chooseBackup, putAside, type ToldStep } from './put-aside.ts'
import { clearAway } from './restore.ts'

export type Drilled = DrillResult & { readonly at: string; readonly name: string; readonly collections: number }

/**
 * Puts the newest backup back into a temporary folder, looks it through, opens a sample of values of every collection
 * and takes all of it away again. A failure of the backup is a result; only what cannot be chosen at all throws.
 */
export async function drill(asked: {
  readonly role: Role
  readonly from: string
  readonly keysFrom: string
  readonly secrets: Secrets
  readonly scratch: string | undefined
  readonly told: ToldStep
}): Promise<Drilled & { readonly detail: string | undefined }> {
  const { secrets } = asked
  const chosen = await chooseBackup({ ...asked, to: undefined })
  const { manifest, name } = chosen.backup
  const started = performance.now()
  const scratch = asked.scratch ?? tmpdir()
  await clearLeft(scratch)
  const folder = await mkdtemp(join(scratch, `khien-drill-${process.pid}-`))
  const { events } = manifest
  const common = { backup: manifest.id, at: manifest.at, name }
  const tookMs = (): number => Math.round(performance.now() - started)
  try {
    // Into SQLite, whatever the node runs on: a drill needs no second database server.
    const places = { folder, databaseUrl: undefined, keysDatabaseUrl: undefined }
    await using aside = await putAside(chosen, secrets, places, asked.told)
    await takeOut(aside.stores, chosen.erased)
    const { opened, tried, collections } = await openSample(aside.stores, secrets)
    const failure = opened === tried ? null : 'drill/values'
    return {
      ...common,
      good: failure === null,
      rows: aside.rows,
      leaves: aside.leaves,
      events: events === null ? null : events.stored + events.pending,
      opened,
      collections,
      tookMs: tookMs(),
      failure,
      detail: failure === null ? undefined : `${tried - opened} of ${tried} sampled values do not open.`,
    }
  } catch (error) {
    const known = error instanceof KhienError
    return {
      ...common,
      good: false,
      rows: 0,
      leaves: 0,
      events: null,
      opened: 0,
      collections: 0,
      tookMs: tookMs(),
      failure: known ? error.code : 'drill/failed',
      detail: known ? error.message : `The backup could not be put back (${(error as Error)?.name ?? 'error'}).`,
    }
  } finally {
    await clearAway(folder)
  }
}

/** What drills left that were killed: the keys in it are overwritten. */
async function clearLeft(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const pid = Number(/^khien-drill-(\d+)-/.exec(name)?.[1])
    if (pid > 0 && pid !== process.pid && !isAlive(pid)) await clearAway(join(scratch, name)).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
