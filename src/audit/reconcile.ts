import { sameBytes, utf8 } from '../engine/bytes/join.ts'
import { edgeOf, edgeTiles, emptyEdge, type NoteVerifier, TILE_WIDTH } from '../engine/tlog/index.ts'
import { altered, tileReader } from './files.ts'
import { type AuditTables, knownHead, leafRows, nextLeaf } from './store.ts'
import { tree } from './tree.ts'
import { bundle, readCheckpoint, verifyLog, type WholeLog } from './verify.ts'
import { compareKnown, type LogState, publish, rowEntry, type Writer } from './writer.ts'

/** `full` compares every row with its entry; `edge` only what is needed to go on, for a node that must start at once. */
export type Depth = 'full' | 'edge'
export type Reconciliation = {
  readonly size: number
  /** Rows compared with their entries. */
  readonly checked: number
  /** Rows that had been recorded but not yet published. */
  readonly appended: number
}

/**
 * Holds log files, checkpoint and store against each other and gives the state to go on from.
 * Throws `audit/log-altered` on any contradiction; what a crash left unfinished is not one.
 */
export async function loadState(
  writer: Writer & { readonly signer: NoteVerifier & { readonly vkey: string } },
  folder: string,
  depth: Depth,
): Promise<{ state: LogState; checked: number }> {
  const { files, signer, db } = writer
  const known = await knownHead(db, signer.name)
  const vkey = utf8(`${signer.vkey}\n`)
  if ((await files.read('checkpoint')) === undefined) {
    if (known !== undefined && known.size > 0 && !writer.copy)
      throw altered('The log was published before and its checkpoint is gone.')
    await files.replace('log.vkey', vkey)
    await files.settle()
    const head = { origin: signer.name, size: 0, root: tree.empty() }
    const state = await publish(writer, { head, note: '', edge: emptyEdge(tree), tail: [] }, undefined)
    return { state, checked: 0 }
  }
  const { note, head } = await readCheckpoint(files.read, signer)
  if (!sameBytes((await files.read('log.vkey')) ?? new Uint8Array(0), vkey)) await files.replace('log.vkey', vkey)
  const rows = await nextLeaf(db.tables<AuditTables>())
  if (head.size > rows) throw altered(`The log holds ${head.size} entries, the store only ${rows}: it was put back.`)
  let checked = 0
  const compareRows = async (first: number, entries: readonly Uint8Array[]): Promise<void> => {
    const rows = await leafRows(db, first, entries.length)
    for (const [i, entry] of entries.entries()) {
      const row = rows[i]
      if (row?.leaf_index !== first + i) throw altered(`The store lacks the record of log entry ${first + i}.`)
      if (!sameBytes(rowEntry(row), entry)) throw altered(`Record ${row.id} is not what the log committed to.`)
    }
    checked += entries.length
  }
  const whole: WholeLog =
    depth === 'full' ? await verifyLog(files.read, folder, head, compareRows) : await readEdge(writer, head.size)
  if (!sameBytes(whole.edge.root(), head.root)) throw altered('The tiles do not add up to the root in the checkpoint.')
  if (known !== undefined && known.size > head.size && !writer.copy)
    throw altered(`The log once held ${known.size} entries and now holds ${head.size}.`)
  await compareKnown(writer, { ...head, size: -1 }, head.size)
  return { state: { head, note, ...whole }, checked }
}

async function readEdge(writer: Writer, size: number): Promise<WholeLog> {
  const read = tileReader(writer.files.read)
  const tiles = edgeTiles(size)
  const partials = await Promise.all(
    tiles.map(async (tile) => {
      const bytes = await read(tile)
      if (bytes.length < tile.width * 32) throw altered('A tile at the edge of the log is cut short.')
      return bytes.subarray(0, tile.width * 32)
    }),
  )
  const width = size % TILE_WIDTH
  const tail = width === 0 ? [] : await bundle(writer.files.read, Math.floor(size / TILE_WIDTH), width)
  return { edge: edgeOf(tree, size, partials), tail }
}
