import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { openNote, type NoteVerifier } from '../engine/tlog/index.ts'
import { KhienError, StartError } from '../kit/errors.ts'
import { altered } from './sealed-file.ts'

/** Rises when an older program could not read what is written. */
export const FORMAT = 1
export const MANIFEST = 'backup.note'

const Count = z.int().min(0)
const Digest = z.string().regex(/^[0-9a-f]{64}$/)
const File = z.strictObject({ bytes: Count, sha256: Digest, plain: Count })
const Counts = z.record(z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/), Count)
const Instant = z.iso.datetime()
const Id = z.string().regex(/^bak_[0-9A-Z]{26}$/)
const Role = z.string().regex(/^[a-z]{1,20}$/)
const Dialect = z.enum(['sqlite', 'postgres'])
const Common = { format: z.literal(FORMAT), id: Id, node: z.string(), role: Role, kek: z.string(), program: z.string() }
const Store = z.strictObject({ dialect: Dialect, migrations: z.array(z.string()), rows: Counts })
/** A part is a sealed file `<name>.sealed` of the backup. */
const PARTS = ['control', 'log', 'files', 'ledger', 'segments', 'event-store'] as const
export type PartName = (typeof PARTS)[number]

/** What a data backup says of itself, signed by the node. */
const DataManifest = z.strictObject({
  ...Common,
  kind: z.literal('data'),
  /** The moment it shows. */
  at: Instant,
  madeAt: Instant,
  /** The key of the parts, under the node's key. */
  key: z.base64(),
  control: Store,
  log: z.strictObject({ size: Count, root: z.string(), checkpoint: z.string().max(10_000) }),
  /** Null for a node that takes no events in. */
  events: z
    .strictObject({ received: Count, stored: Count, rejected: Count, pending: Count, segments: Count })
    .nullable(),
  parts: z.partialRecord(z.enum(PARTS), File),
  shredded: Count,
})
export type DataManifest = z.output<typeof DataManifest>
/** The same of a key backup, which lies elsewhere. */
const KeyManifest = z.strictObject({
  ...Common,
  kind: z.literal('keys'),
  at: Instant,
  /** In the ring, where it is destroyed at its time. */
  ringKey: z.string(),
  expiresAt: Instant,
  keys: Store,
  file: File,
})
export type KeyManifest = z.output<typeof KeyManifest>

export const manifestText = (manifest: DataManifest | KeyManifest): string =>
  `khien backup\n${JSON.stringify(manifest, null, 1)}\n`

/** A manifest out of its signed note. Errors: `backup/newer-format`, `backup/other-node`, `backup/altered`. */
export function readManifest<K extends 'data' | 'keys'>(
  kind: K,
  note: string,
  name: string,
  signer: NoteVerifier,
): K extends 'data' ? DataManifest : KeyManifest {
  const body = /^khien backup\n([^]*?)\n\n— /u.exec(note)?.[1]
  const json = body === undefined ? undefined : parsed(body)
  if (typeof json !== 'object' || json === null) throw altered(name)
  const { format, node } = json as { format?: unknown; node?: unknown }
  if (typeof format === 'number' && format > FORMAT)
    throw new StartError(
      'backup/newer-format',
      `The backup ${name} has format ${format}, this Khiên knows up to ${FORMAT}: install the newer version that wrote it.`,
    )
  if (`${String(node)}/backup` !== signer.name)
    throw new StartError(
      'backup/other-node',
      `The backup ${name} was made by the node ${String(node).slice(0, 80)}, and this key.json is another node's; take the key.json that belongs to the backup.`,
      { status: 409 },
    )
  if (openNote(note, [signer]) === undefined) throw altered(name)
  const manifest = (kind === 'data' ? DataManifest : KeyManifest).safeParse(json)
  if (!manifest.success) throw altered(name)
  return manifest.data as never
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export type FoundBackup = { readonly name: string; readonly folder: string; readonly manifest: DataManifest }
const NAME = /^khien-(platform|telecom|authority)-\d{8}T\d{6}Z-[0-9A-Z]{8}$/

/** `khien-platform-20261122T143000Z-1A2B3C4D` */
export const backupName = (role: string, at: string, id: string): string =>
  `khien-${role}-${at.replaceAll(/[-:]|\.\d+/g, '')}-${id.slice(-8)}`

/** The whole backups of a role in a folder, newest first. Errors: those of `readManifest`, `backup/no-folder`. */
export async function findBackups(folder: string, role: string, signer: NoteVerifier): Promise<FoundBackup[]> {
  const names = await readdir(folder).catch(() => {
    throw new KhienError('backup/no-folder', `The folder ${folder} cannot be read.`, { status: 404 })
  })
  const found: FoundBackup[] = []
  for (const name of names) {
    if (NAME.exec(name)?.[1] !== role) continue
    const note = await readFile(join(folder, name, MANIFEST), 'utf8').catch(() => {
      throw altered(`${name}/${MANIFEST}`)
    })
    found.push({ name, folder: join(folder, name), manifest: readManifest('data', note, name, signer) })
  }
  return found.toSorted((a, b) => (a.manifest.at < b.manifest.at ? 1 : -1))
}

export type FoundKeys = { readonly path: string; readonly manifest: KeyManifest }
const KEYS = /^keys-(bak_[0-9A-Z]{26})\.note$/

export const keyFile = (id: string): string => `keys-${id}.sealed`
export const keyNote = (id: string): string => `keys-${id}.note`

/** The key backups in a folder, newest first; notes of other nodes are passed over. */
export async function findKeys(folder: string, signer: NoteVerifier): Promise<FoundKeys[]> {
  const names = await readdir(folder).catch(() => {
    throw new KhienError('backup/no-folder', `The folder ${folder} cannot be read.`, { status: 404 })
  })
  const found: FoundKeys[] = []
  for (const name of names) {
    const id = KEYS.exec(name)?.[1]
    if (id === undefined) continue
    const note = await readFile(join(folder, name), 'utf8')
    if (!note.includes(`"node": ${JSON.stringify(signer.name.replace(/\/backup$/, ''))}`)) continue
    found.push({ path: join(folder, keyFile(id)), manifest: readManifest('keys', note, name, signer) })
  }
  return found.toSorted((a, b) => (a.manifest.at < b.manifest.at ? 1 : -1))
}

/** What a backup holds, as its row says it. */
export const countsOf = ({ parts, control, log, events }: DataManifest) => ({
  bytes: Object.values(parts).reduce((total, part) => total + part.bytes, 0),
  rows: Object.values(control.rows).reduce((total, n) => total + n, 0),
  leaves: log.size,
  events: events === null ? null : events.stored + events.pending,
})
