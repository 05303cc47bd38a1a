import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../kit/errors.ts'
import { syncFolder } from '../storage/segments/index.ts'
import { altered, readSealed } from './sealed-file.ts'
import { placeFile, unpack } from './archive.ts'
import { decompressed } from './byte-reader.ts'
import { fillPostgres, fillSqlite } from './load-store.ts'
import { unpackEvents } from './unpack-events.ts'
import { keyFile, type FoundBackup, type FoundKeys, type PartName } from './manifest.ts'
import { readRows, type Counts } from './rows.ts'

/** Where a backup is put back: files under `folder`, stores there or in empty databases. */
export type Places = {
  readonly folder: string
  readonly databaseUrl: string | undefined
  readonly keysDatabaseUrl: string | undefined
}
/** Opens what the node's key sealed. */
export type OpenSmall = (sealed: Uint8Array, about: string) => Uint8Array

/** Where a store's tables must be before its rows come: made by the migrations the backup knew. */
export type MakeTables = (migrations: readonly string[]) => Promise<void>

/** Puts the data part of a backup under `places`, its rows into tables that `make` made. Errors: `backup/altered`, … */
export async function unpackData(
  backup: FoundBackup,
  openSmall: OpenSmall,
  places: Places,
  make: MakeTables,
  progress: (part: PartName, bytes: number) => void,
): Promise<void> {
  const { manifest, folder, name } = backup
  const key = openKey(openSmall, manifest.key, manifest.id, name)
  const part = (part: PartName): AsyncIterable<Uint8Array> => {
    const expected = manifest.parts[part]
    if (expected === undefined) throw altered(`${name}/${part}.sealed`)
    const file = { key, place: `${manifest.id}/${part}`, expected, name: `${name}/${part}.sealed` }
    return decompressed(counted(readSealed(join(folder, `${part}.sealed`), file), (bytes) => progress(part, bytes)))
  }
  try {
    await make(manifest.control.migrations)
    await fill(part('control'), join(places.folder, 'control.db'), places.databaseUrl, manifest.control.rows, name)
    await mkdir(join(places.folder, 'log'), { recursive: true, mode: 0o700 })
    await unpack(part('log'), (file) => placeFile(join(places.folder, 'log'), file, 0o644))
    await unpack(part('files'), (file) => placeFile(places.folder, file))
    if (manifest.events !== null) await unpackEvents(part, manifest.events, join(places.folder, 'events'), name)
    await syncFolder(places.folder)
  } finally {
    key.fill(0)
  }
}

/** The same with a key backup: its rows into the key store. `sealedKey`: out of the ring. */
export async function unpackKeys(
  found: FoundKeys,
  sealedKey: string,
  openSmall: OpenSmall,
  places: Places,
  make: MakeTables,
): Promise<void> {
  const { manifest, path } = found
  const name = keyFile(manifest.id)
  const key = openKey(openSmall, sealedKey, manifest.ringKey, name)
  try {
    await make(manifest.keys.migrations)
    const file = { key, place: `${manifest.id}/keys`, expected: manifest.file, name }
    const rows = decompressed(readSealed(path, file))
    await fill(rows, join(places.folder, 'keys.db'), places.keysDatabaseUrl, manifest.keys.rows, name)
  } finally {
    key.fill(0)
  }
}

function openKey(openSmall: OpenSmall, sealed: string, about: string, name: string): Uint8Array {
  try {
    return Uint8Array.from(openSmall(Buffer.from(sealed, 'base64'), about))
  } catch (cause) {
    throw new StartError(
      'backup/other-key',
      `The key of ${name} does not open with this key.json: it is another node's, or the node's key was rotated after the file was copied. Take the newest copy of key.json.`,
      { status: 409, cause },
    )
  }
}

async function fill(
  source: AsyncIterable<Uint8Array>,
  file: string,
  url: string | undefined,
  expected: Counts,
  name: string,
): Promise<void> {
  let counts: Counts
  if (url === undefined) {
    using sink = fillSqlite(file)
    counts = await readRows(source, sink)
    sink.finish()
  } else {
    await using sink = await fillPostgres(url)
    counts = await readRows(source, sink)
    await sink.finish()
  }
  const names = new Set([...Object.keys(expected), ...Object.keys(counts)])
  for (const table of names) if (counts[table] !== expected[table]) throw altered(name)
}

async function* counted(source: AsyncIterable<Uint8Array>, see: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    see(piece.length)
    yield piece
  }
}
