export { decodeBundle, encodeBundle, ENTRY_LIMIT } from './bundle.ts'
export { type Checkpoint, openCheckpoint, parseCheckpoint, printCheckpoint } from './checkpoint.ts'
export { type Edge, edgeOf, emptyEdge, type TileFile } from './edge.ts'
export { HASH_SIZE, type Sha256, treeHash, type TreeHash } from './merkle.ts'
export {
  noteKeyId,
  type NoteSigner,
  type NoteVerifier,
  openNote,
  parseSignerKey,
  parseVerifierKey,
  printSignerKey,
  printVerifierKey,
  signNote,
  splitNote,
} from './note.ts'
export { type LogProof, parseProof, printProof, verifyProof } from './proof.ts'
export { proveConsistency, proveInclusion, type ReadTile, rootAt } from './prove.ts'
export { edgeTiles, hashesAtLevel, parseTilePath, type Tile, TILE_WIDTH, tilePath, widthIn } from './tile.ts'
export { type Size, verifyConsistency, verifyInclusion } from './verify.ts'
