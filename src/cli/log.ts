import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundle, checkProof, logVerifier, makeProof, readCheckpoint, readOnly, verifyLog } from '../audit/index.ts'
import type { CheckedProof } from '../audit/index.ts'
import { toBase64 } from '../engine/bytes/base64.ts'
import { type NoteVerifier, TILE_WIDTH, widthIn } from '../engine/tlog/index.ts'
import { StartError } from '../kit/errors.ts'
import { dateTime, inLanguage, type Language, number } from '../kit/i18n.ts'
import { readFlags } from './flags.ts'
import { logMessages } from './log-messages.ts'
import { type Io, UsageError, type Verb } from './verb.ts'

export const log: Verb = {
  summary: 'check the tamper-evident log, or a proof out of it, without a network',
  usage: `khien log verify DIR [--vkey KEY]
khien log verify --proof FILE [--vkey KEY]
khien log prove DIR INDEX

  verify DIR      check a whole log: signature, every entry, every tile, the root
  verify --proof  check a .tlog-proof file and tell the record it proves
  prove           write the proof of entry INDEX (from 0) on the standard output

DIR holds checkpoint and tile/: <data>/<role>/log, or a copy of it. KEY is the log's key text (name+id+key) or a file
that holds it; without it log.vkey beside the log or the proof is taken, which shows damage but not who signed: compare
that key with one you got another way.
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['vkey', 'proof'])
    const [verb, folder, index, ...more] = words
    if (more.length === 0 && verb === 'verify' && flags.proof !== undefined && folder === undefined) {
      return verifyFile(flags.proof, readKey(flags.vkey, dirname(flags.proof)), io)
    }
    if (folder !== undefined && more.length === 0 && flags.proof === undefined) {
      if (verb === 'verify' && index === undefined) return verifyFolder(folder, readKey(flags.vkey, folder), io)
      if (verb === 'prove' && index !== undefined) return prove(folder, index, readKey(flags.vkey, folder), io)
    }
    throw new UsageError('Say khien log verify DIR, khien log verify --proof FILE, or khien log prove DIR INDEX.')
  },
}

async function verifyFolder(folder: string, key: NoteVerifier, io: Io): Promise<number> {
  const say = inLanguage(logMessages, io.language)
  const read = readOnly(folder)
  const { head } = await readCheckpoint(read, key)
  const signed = statSync(join(folder, 'checkpoint')).mtimeMs
  const started = performance.now()
  await verifyLog(read, folder, head)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  io.out(`${say.intact(head.origin)}\n`)
  table(io, [
    [say.size, number(head.size, io.language)],
    [say.root, toBase64(head.root)],
    [say.signed, dateTime(signed, io.language)],
    [say.took, `${seconds} s`],
  ])
  return 0
}

async function prove(folder: string, index: string, key: NoteVerifier, io: Io): Promise<number> {
  const read = readOnly(folder)
  const published = await readCheckpoint(read, key)
  const { size } = published.head
  const at = /^\d{1,15}$/.test(index) ? Number(index) : Number.NaN
  if (!(at < size)) throw new UsageError(`INDEX: expected 0–${size - 1}, got ${JSON.stringify(index)}`)
  const at0 = Math.floor(at / TILE_WIDTH)
  const entries = await bundle(read, at0, widthIn(size, 0, at0))
  const entry = Buffer.from(entries[at % TILE_WIDTH]!).toString()
  io.out(await makeProof(read, published, at, { entry }))
  return 0
}

async function verifyFile(path: string, key: NoteVerifier, io: Io): Promise<number> {
  const say = inLanguage(logMessages, io.language)
  const proof = checkProof(readText(path), key)
  io.out(`${say.proven(proof.checkpoint.origin, number(proof.index, io.language))}\n`)
  table(io, recordLines(proof, io.language))
  return 0
}

function recordLines(proof: CheckedProof, language: Language): [string, string][] {
  const say = inLanguage(logMessages, language)
  const { record } = proof
  const lines: [string, string | undefined][] =
    record === undefined
      ? [[say.entry, proof.entry]]
      : [
          [say.time, dateTime(Date.parse(record.at), language)],
          [say.kind, record.kind],
          [say.result, say.results[record.result]],
          [say.actor, record.actor],
          [say.subject, record.subject],
          [say.purpose, record.purpose],
          [say.reason, record.reason],
          ...Object.entries(record.facts ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
          [say.id, record.id],
        ]
  const all = [...lines, [say.size, number(proof.checkpoint.size, language)]] as [string, string | undefined][]
  return all.filter((line): line is [string, string] => line[1] !== undefined)
}

function table(io: Io, lines: readonly (readonly [string, string])[]): void {
  const width = Math.max(...lines.map(([label]) => label.length))
  // A proof comes from outside: nothing in it may steer the terminal.
  for (const [label, value] of lines) io.out(`  ${plain(label).padEnd(width)}  ${plain(value)}\n`)
}
const plain = (text: string): string => text.replaceAll(/\p{C}/gu, '?')

function readKey(given: string | undefined, folder: string): NoteVerifier {
  const path = join(folder, 'log.vkey')
  if (given === undefined && !existsSync(path)) {
    throw new UsageError(`There is no ${path}; give the log's key with --vkey.`)
  }
  const text = given === undefined ? readText(path) : existsSync(given) ? readText(given) : given
  const key = logVerifier(text)
  if (key === undefined) throw new StartError('log/bad-key', 'The log key is damaged: expected name+id+key.')
  return key
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new StartError('log/unreadable', `The file ${path} cannot be read.`, { cause })
  }
}
