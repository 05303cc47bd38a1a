import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { logVerifier, readCheckpoint, readOnly } from '../audit/index.ts'
import { toBase64 } from '../engine/bytes/base64.ts'
import { iso } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import { systemEntropy } from '../kit/ids.ts'
import { pack } from './archive.ts'
import { compressed } from './byte-reader.ts'
import { snapshotPostgres, snapshotSqlite, type Snapshot } from './copy-store.ts'
import { copyEvents } from './copy-events.ts'
import { folderFiles, SETTINGS_FILE } from './folder-copy.ts'
import { logFiles, packed } from './log-copy.ts'
import type { DataManifest, KeyManifest, PartName } from './manifest.ts'
import { writeRows, type Cell, type Counts, type TableRows } from './rows.ts'
import { writeSealed, type Pace, type SealedFile } from './sealed-file.ts'

/** What the thread that makes a backup is told; its keys are this backup's own. */
export type MakeJob = {
  readonly id: string
  /** The node's folder. */
  readonly folder: string
  /** Where the parts go, and the sealed keys. */
  readonly staging: string
  readonly keysPath: string
  readonly dataKey: Uint8Array
  readonly keysKey: Uint8Array
  readonly databaseUrl: string | undefined
  readonly keysDatabaseUrl: string | undefined
  /** Checks the log's checkpoint. */
  readonly logVkey: string
  /** Bytes written a second at most. */
  readonly rate: number
  /** Whether the node takes events in. */
  readonly events: boolean
  /** The vault's query of people who were erased for good. */
  readonly erased: string
  /** Tables whose rows stay out. */
  readonly derived: readonly string[]
  /** Settings of the node without any secret, to look at when it is put back. */
  readonly settings: string
}
export type Made = Pick<DataManifest, 'at' | 'control' | 'log' | 'events' | 'parts' | 'shredded'> & {
  readonly keys: Pick<KeyManifest, 'at' | 'keys' | 'file'>
}
export type Progress = { readonly part: PartName | 'keys'; readonly bytes: number }

const TRIES = 40
const AGAIN_MS = 50

/**
 * Makes the parts of one backup. The moment is that of the control store; the keys are read after it, so that no value
 * is without its key, and the log is cut to the checkpoint that stood just before it. Bounded memory, at `rate`.
 */
export async function makeBackup(job: MakeJob, progress: (told: Progress) => void): Promise<Made> {
  const { databaseUrl, keysDatabaseUrl } = job
  const open = async (url: string | undefined, file: string): Promise<Snapshot> =>
    url === undefined ? snapshotSqlite(join(job.folder, file)) : await snapshotPostgres(url)
  const pace = pacer(job.rate)
  const seal = async (part: PartName | 'keys', source: AsyncIterable<Uint8Array>): Promise<SealedFile> => {
    const told: Pace = async (bytes) => {
      progress({ part, bytes })
      await pace(bytes)
    }
    const isKeys = part === 'keys'
    return writeSealed(isKeys ? job.keysPath : join(job.staging, `${part}.sealed`), compressed(source), {
      key: isKeys ? job.keysKey : job.dataKey,
      place: `${job.id}/${part}`,
      entropy: systemEntropy,
      pace: told,
    })
  }

  const { control, note, head, at } = await moment(job, () => open(databaseUrl, 'control.db'))
  await using _ = control
  const parts: Partial<Record<PartName, SealedFile>> = {}
  const rows: Counts = {}
  const keyRows: Counts = {}
  const keysAt = iso(Date.now())
  let keyMigrations: string[]
  let keysFile: SealedFile
  {
    // Held for as short as can be: while somebody reads, what is deleted from the key store stays in its journal.
    await using keys = await open(keysDatabaseUrl, 'keys.db')
    keyMigrations = await migrationsOf(keys)
    // Who is being erased at this moment was promised a time before this backup: their keys stay out of it.
    const erased = await erasedNow(job, () => open(databaseUrl, 'control.db'))
    keysFile = await seal('keys', writeRows(without(keys.tables(), erased), keyRows))
  }
  const shredded = Number((await control.one(`select count(*) as n from (${job.erased}) as e`))?.['n'] ?? 0)
  const events = job.events ? await copyEvents(job, seal, parts) : null
  parts.control = await seal('control', writeRows(emptied(control.tables(), job.derived), rows))
  parts.log = await seal('log', pack(logFiles(join(job.folder, 'log'), note, head.size)))
  parts.files = await seal('files', pack(everythingElse(job)))
  return {
    at,
    control: { dialect: dialectOf(databaseUrl), migrations: await migrationsOf(control), rows },
    log: { size: head.size, root: toBase64(head.root), checkpoint: note },
    events,
    parts,
    shredded,
    keys: {
      at: keysAt,
      keys: { dialect: dialectOf(keysDatabaseUrl), migrations: keyMigrations, rows: keyRows },
      file: keysFile,
    },
  }
}

/**
 * A moment at which checkpoint and store fit: the store holds every row of the log, and has not yet seen a later
 * checkpoint, which it would miss when both are put back.
 */
async function moment(job: MakeJob, open: () => Promise<Snapshot>) {
  const verifier = logVerifier(job.logVkey)!
  for (let tries = 1; ; tries++) {
    const { note, head } = await readCheckpoint(readOnly(join(job.folder, 'log')), verifier)
    const control = await open()
    try {
      const seen = (await control.all('select origin, size from audit_head')).find(
        ({ origin }) => origin === head.origin,
      )
      const last = await control.one('select max(leaf_index) as leaf from audit_record')
      const leaves = last?.['leaf'] === null || last === undefined ? 0 : Number(last['leaf']) + 1
      if (leaves < head.size)
        throw new KhienError('audit/log-altered', 'The log holds more than the store; no backup is made of this.')
      if (Number(seen?.['size'] ?? 0) <= head.size) return { control, note, head, at: iso(Date.now()) }
      if (tries === TRIES)
        throw new KhienError('backup/busy', 'The log grew faster than it could be read; try again in a while.', {
          status: 503,
        })
    } catch (error) {
      await control[Symbol.asyncDispose]()
      throw error
    }
    await control[Symbol.asyncDispose]()
    await wait(AGAIN_MS)
  }
}

async function erasedNow(job: MakeJob, open: () => Promise<Snapshot>): Promise<ReadonlySet<Cell>> {
  await using now = await open()
  return new Set((await now.all(job.erased)).map(({ subject }) => subject!))
}

/** Tables less the rows of some people. */
async function* without(tables: ReturnType<Snapshot['tables']>, people: ReadonlySet<Cell>): AsyncGenerator<TableRows> {
  for await (const table of tables) {
    const column = table.columns.indexOf('subject')
    async function* rows(): AsyncGenerator<(readonly Cell[])[]> {
      for await (const batch of table.rows) yield batch.filter((row) => !people.has(row[column]!))
    }
    yield column < 0 || people.size === 0 ? table : { ...table, rows: rows() }
  }
}

/** Some tables without their rows. */
async function* emptied(tables: ReturnType<Snapshot['tables']>, names: readonly string[]): AsyncGenerator<TableRows> {
  async function* nothing(): AsyncGenerator<(readonly Cell[])[]> {}
  for await (const table of tables) yield names.includes(table.name) ? { ...table, rows: nothing() } : table
}

async function* everythingElse(job: MakeJob) {
  yield packed(SETTINGS_FILE, Buffer.from(job.settings))
  yield* folderFiles(job.folder)
}

const migrationsOf = async (store: Snapshot): Promise<string[]> =>
  (await store.all('select name from khien_migration order by name')).map(({ name }) => String(name))

const dialectOf = (url: string | undefined): 'sqlite' | 'postgres' => (url === undefined ? 'sqlite' : 'postgres')

/** Sleeps whenever more was written than `rate` bytes a second allow. */
function pacer(rate: number): Pace {
  let due = performance.now()
  return async (bytes) => {
    due = Math.max(due, performance.now() - 1_000) + (bytes / rate) * 1_000
    const ahead = due - performance.now()
    if (ahead > 5) await wait(ahead)
  }
}
