import { promisify } from 'node:util'
import { sameBytes, utf8 } from '../engine/bytes/join.ts'
import { fromBase64, toBase64 } from '../engine/bytes/base64.ts'
import {
  type Checkpoint,
  type Edge,
  encodeBundle,
  type NoteSigner,
  printCheckpoint,
  rootAt,
  signNote,
  TILE_WIDTH,
  type TileFile,
  tilePath,
} from '../engine/tlog/index.ts'
import type { Database } from '../storage/sql/index.ts'
import { committedEntry, leafEntry } from './entry.ts'
import { altered, type LogFiles, tileReader } from './files.ts'
import { assignLeaves, FORGOTTEN, knownHead, type LeafRow, leafRows, noteHead } from './store.ts'
import { tree } from './tree.ts'

/** Rows taken into the log at a time, under one checkpoint. */
export const BATCH = 2_000
/** Rows taken in at a turn of the event loop: whoever reads meanwhile waits for two or three milliseconds. */
const SLICE = 200
const nextTurn = promisify(setImmediate)

/** What is published, and all that is needed to go on from there. */
export type LogState = {
  readonly head: Checkpoint
  /** The checkpoint file as we wrote or found it. */
  readonly note: string
  readonly edge: Edge
  /** Entries of the bundle that is not full yet. */
  readonly tail: readonly Uint8Array[]
}
export type Writer = {
  readonly db: Database
  readonly files: LogFiles
  readonly signer: NoteSigner
  /** This folder is a copy: the node's own log is kept by another process, whose heads are noted in the store. */
  readonly copy?: boolean | undefined
  /** A test throws here to see what a crash at this point leaves behind. */
  readonly step?: ((name: string) => void) | undefined
}

/** The entry bytes of a row; of a forgotten one its commitment is all that was kept. */
export const rowEntry = (row: LeafRow): Uint8Array =>
  row.salt.startsWith(FORGOTTEN)
    ? committedEntry(row.kind, row.salt.slice(FORGOTTEN.length))
    : leafEntry(row.kind, Buffer.from(row.salt, 'base64'), row.record)

/**
 * Takes one batch of rows into the log and publishes it; undefined when there is none. In this order, each safe to
 * repeat: decide places (store) → write entries and tiles → settle → sign and swap the checkpoint → settle.
 */
export async function appendBatch(writer: Writer, state: LogState): Promise<LogState | undefined> {
  const { db, files, step } = writer
  await assignLeaves(db, BATCH)
  step?.('assigned')
  const { head } = state
  const edge = state.edge.copy()
  const growing = growth(edge, state.tail)
  for (let from = head.size; from < head.size + BATCH; from += SLICE) {
    if (from > head.size) await nextTurn()
    const rows = await leafRows(db, from, SLICE)
    for (const [i, row] of rows.entries())
      if (row.leaf_index !== from + i) throw altered('The store lacks a row that has a place in the log.')
    growing.append(rows.map(rowEntry))
    if (rows.length < SLICE) break
  }
  if (edge.size === head.size) return undefined
  const grown = growing.end()
  if (!writer.copy) await noteHead(db, head.origin, { size: head.size, root: toBase64(head.root) })
  for (const file of grown.files) {
    await files.keep(tilePath(file.tile), file.bytes)
    step?.(tilePath(file.tile))
  }
  await files.settle()
  step?.('settled')
  if (writer.copy) await compareKnown(writer, head, edge.size)
  const next = await publish(writer, { ...state, edge, tail: grown.tail }, state)
  // A folder put back by this one batch is known as well.
  if (!writer.copy) await noteHead(db, head.origin, { size: next.head.size, root: toBase64(next.head.root) })
  // Partial tiles whose full tile is published have no reader left that cannot take the full one.
  const full = grown.files.filter((file) => file.tile.width === TILE_WIDTH)
  await Promise.all(full.map((file) => files.remove(`${tilePath(file.tile)}.p`)))
  return next
}

/**
 * Holds a tree of `size` leaves, on the disk, against the head that was noted last; one that was noted beyond it is
 * looked at when the tree has grown there. `since`: up to there it was compared before. Throws `audit/log-altered`.
 */
export async function compareKnown({ db, files }: Writer, since: Checkpoint, size: number): Promise<void> {
  const known = await knownHead(db, since.origin)
  if (known === undefined || known.size <= since.size || known.size > size) return
  const root = await rootAt(tree, known.size, size, tileReader(files.read))
  const was = fromBase64(known.root)
  if (was === undefined || !sameBytes(root, was)) throw altered('The log is not an extension of what it was.')
}

/**
 * Signs the present edge and swaps the checkpoint file. The edge grew out of `before`, and the file must still be the
 * one of `before`: so no tree is ever signed that does not extend the one signed last, whoever else wrote there.
 */
export async function publish(writer: Writer, grown: LogState, before: LogState | undefined): Promise<LogState> {
  const { files, signer, step } = writer
  const there = await files.read('checkpoint')
  const expected = before === undefined ? undefined : utf8(before.note)
  const same = there === undefined || expected === undefined ? there === expected : sameBytes(there, expected)
  if (!same) throw altered('The checkpoint on disk is not the one this node signed last.')
  const head = { origin: grown.head.origin, size: grown.edge.size, root: grown.edge.root() }
  const note = signNote(printCheckpoint(head), [signer])
  step?.('signed')
  await files.replace('checkpoint', utf8(note))
  step?.('swapped')
  await files.settle()
  step?.('published')
  return { ...grown, head, note }
}

/** Takes entries into the edge, a few at a time; in the end the files this makes, bundles first, and what is left of the last bundle. */
function growth(edge: Edge, tail: readonly Uint8Array[]) {
  const bundles: TileFile[] = []
  const tiles: TileFile[] = []
  let open = [...tail]
  const close = (): void => {
    const index = Math.floor((edge.size - 1) / TILE_WIDTH)
    bundles.push({ tile: { level: 'entries', index, width: open.length }, bytes: encodeBundle(open) })
  }
  return {
    append(entries: readonly Uint8Array[]): void {
      for (const entry of entries) {
        tiles.push(...edge.append(tree.leaf(entry)))
        open.push(entry)
        if (open.length < TILE_WIDTH) continue
        close()
        open = []
      }
    },
    end(): { files: TileFile[]; tail: Uint8Array[] } {
      if (open.length > 0) close()
      return { files: [...bundles, ...tiles, ...edge.partials()], tail: open }
    },
  }
}
