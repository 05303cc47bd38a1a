import assert from 'node:assert/strict'
import { hash as digest } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fromBase64, toBase64 } from '../bytes/base64.ts'
import { canonicalJson } from '../bytes/canonical.ts'
import { utf8 } from '../bytes/join.ts'
import { decodeBundle, encodeBundle } from './bundle.ts'
import { openCheckpoint, parseCheckpoint, printCheckpoint } from './checkpoint.ts'
import {
  noteKeyId,
  type NoteSigner,
  type NoteVerifier,
  openNote,
  parseSignerKey,
  parseVerifierKey,
  printSignerKey,
  printVerifierKey,
  signNote,
} from './note.ts'
import { parseProof, printProof } from './proof.ts'
import { edgeTiles, parseTilePath, tilePath } from './tile.ts'

const sha256 = (data: Uint8Array): Uint8Array => Uint8Array.from(digest('sha256', data, 'buffer'))

// A stand-in signature: these tests are about the texts. Ed25519 itself runs in the conformance suite.
function key(name: string, secret: string): NoteSigner & NoteVerifier {
  const publicKey = sha256(utf8(secret))
  const sign = (message: Uint8Array): Uint8Array => sha256(utf8(`${secret}${Buffer.from(message).toString('hex')}`))
  const verify = (message: Uint8Array, sig: Uint8Array): boolean => Buffer.compare(sign(message), sig) === 0
  return { name, id: noteKeyId(sha256, name, publicKey), sign, verify }
}
const log = key('example.com/log', 'a')
const other = key('example.com/other', 'b')

test('tile paths', () => {
  for (const [level, index, width, path] of [
    [0, 0, 256, 'tile/0/000'],
    [0, 1_234_067, 256, 'tile/0/x001/x234/067'],
    [1, 17, 3, 'tile/1/017.p/3'],
    ['entries', 999_999, 255, 'tile/entries/x999/999.p/255'],
    ['entries', 1000, 256, 'tile/entries/x001/000'],
    [63, 1, 1, 'tile/63/001.p/1'],
  ] as const) {
    assert.equal(tilePath({ level, index, width }), path)
    assert.deepEqual(parseTilePath(path), { level, index, width })
  }
  for (const path of [
    '',
    'tile/0/',
    'tile/00/000',
    'tile/64/000',
    'tile/0/0',
    'tile/0/0000',
    'tile/0/x000/000',
    'tile/0/001/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000/',
    'tile/0/../../checkpoint',
    'tile/0/000\n',
    'tile/entries/x999/x999/x999/x999/x999/999',
  ]) {
    assert.equal(parseTilePath(path), undefined, path)
  }
  // The example of the specification, 70,000 entries.
  assert.deepEqual(edgeTiles(70_000).map(tilePath), ['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1'])
})

test('bundles round-trip and refuse what is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (entries) => {
      const bytes = encodeBundle(entries)
      assert.deepEqual(decodeBundle(bytes)!.map(String), entries.map(String))
      if (bytes.length > 0) {
        const short = decodeBundle(bytes.subarray(0, bytes.length - 1))
        assert.ok(short === undefined || short.length < entries.length)
      }
    }),
  )
  assert.throws(() => encodeBundle([new Uint8Array(65_536)]), RangeError)
})

test('base64 is the strict one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'))
      assert.deepEqual(fromBase64(toBase64(bytes)), bytes)
    }),
  )
  for (const text of ['A', 'AA', 'AAA', 'AA=A', 'A===', 'AB==', 'AAB=', 'A A=', 'AA-_', '====', 'ÁAAA']) {
    assert.equal(fromBase64(text), undefined, text)
  }
})

test('canonical JSON has one spelling', () => {
  assert.equal(canonicalJson({ b: [1, null, true], a: 'ế', c: undefined }), '{"a":"ế","b":[1,null,true]}')
  assert.throws(() => canonicalJson(Number.NaN), TypeError)
})

test('notes: who signed counts, a false known signature refuses, strangers are ignored', () => {
  const text = 'origin\n3\n\nđường\n'
  const note = signNote(text, [log, other])
  assert.equal(openNote(note, [log])?.text, text)
  assert.equal(openNote(note, [log, other])?.signedBy.length, 2)
  assert.equal(openNote(note, [key('example.com/log', 'c')]), undefined)
  assert.equal(openNote(note, []), undefined)
  const bent = note.replace('đường', 'duong')
  assert.equal(openNote(bent, [log]), undefined)
  for (const bad of [
    text,
    `${note}\n`,
    note.slice(0, -1),
    note.replace('— ', '- '),
    `${note}— x AAAA\n`,
    '\u0000\n\n',
  ]) {
    assert.equal(openNote(bad, [log]), undefined)
  }
  assert.throws(() => signNote('no newline', [log]), RangeError)
})

test('key texts', () => {
  // The example key of Go's note package, whose encoding the specification took over.
  const pub = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const parsed = parseVerifierKey(sha256, pub)!
  assert.equal(parsed.name, 'PeterNeumann')
  assert.equal(printVerifierKey(sha256, parsed.name, parsed.publicKey), pub)
  for (const bad of ['', 'a+b', pub.replace('c74f', 'c74e'), pub.replace('ARpc', 'BRpc'), pub.slice(0, -4)]) {
    assert.equal(parseVerifierKey(sha256, bad), undefined)
  }
  const seed = sha256(utf8('seed'))
  const secret = printSignerKey(sha256, 'example.com/log', seed, parsed.publicKey)
  assert.deepEqual(parseSignerKey(secret)?.seed, seed)
})

test('checkpoints', () => {
  const root = sha256(utf8('root'))
  const text = printCheckpoint({ origin: 'example.com/log', size: 42, root })
  assert.deepEqual(parseCheckpoint(`${text}an extension\n`), { origin: 'example.com/log', size: 42, root })
  assert.equal(openCheckpoint(signNote(text, [log]), [log])?.size, 42)
  assert.equal(openCheckpoint(signNote(text.replace('.com/log', '.com/lag'), [log]), [log]), undefined)
  for (const bad of [
    '',
    text.slice(0, -1),
    text.replace('42', '042'),
    text.replace('42', '-1'),
    `${text}\n`,
    'a\n1\nAA==\n',
  ]) {
    assert.equal(parseCheckpoint(bad), undefined, bad)
  }
})

test('proof texts round-trip and never throw on rubbish', () => {
  const hash = sha256(utf8('h'))
  const checkpoint = signNote(printCheckpoint({ origin: 'example.com/log', size: 42, root: hash }), [log])
  for (const hashes of [[], [hash], [hash, hash, hash]]) {
    for (const extra of [undefined, new Uint8Array(0), utf8('more')]) {
      const proof = { index: 7, hashes, checkpoint, ...(extra === undefined ? {} : { extra }) }
      assert.deepEqual(parseProof(printProof(proof)), proof)
    }
  }
  const good = printProof({ index: 7, hashes: [hash], checkpoint })
  for (const bad of [good.replace('@v1', '@v2'), good.replace('index 7', 'index 07'), good.replace('=\n\n', '\n\n')]) {
    assert.equal(parseProof(bad), undefined)
  }
  fc.assert(
    fc.property(fc.nat(good.length), fc.string(), (at, text) => {
      parseProof(good.slice(0, at) + text + good.slice(at))
      openNote(checkpoint.slice(0, at) + text + checkpoint.slice(at), [log])
    }),
  )
})
