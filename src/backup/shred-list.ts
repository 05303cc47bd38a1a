import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openNote, type NoteVerifier } from '../engine/tlog/index.ts'
import { KhienError } from '../kit/errors.ts'
import { SUBJECT } from '../kit/ids.ts'
import { replaceFile } from './durable.ts'

const noteName = (role: string): string => `shredded-${role}.note`
const listName = (role: string, digest: string): string => `shredded-${role}-${digest.slice(0, 16)}.list`
const TEXT = /^khien shredded\nnode (\S+)\nat (\S+)\ncount (\d{1,10})\nsha256 ([0-9a-f]{64})\n$/

/** Somebody who was erased for good: the token, the receipt's id, when. */
export type Erased = { readonly subject: string; readonly id: string; readonly at: number }
const LINE = /^(\S{19}) (\w{1,40}) (\d{1,15})$/

/**
 * Who was shredded so far, beside the ring, where it outlives every backup: a list of subject tokens and a signed note
 * with its digest. Written whole; the note is swapped last.
 */
export async function writeShredList(
  folder: string,
  role: string,
  about: { readonly node: string; readonly at: string; readonly sign: (text: string) => string },
  people: readonly Erased[],
): Promise<void> {
  const body = people.map(({ subject, id, at }) => `${subject} ${id} ${at}\n`).join('')
  const digest = createHash('sha256').update(body).digest('hex')
  const list = listName(role, digest)
  await replaceFile(join(folder, list), body)
  const text = `khien shredded\nnode ${about.node}\nat ${about.at}\ncount ${people.length}\nsha256 ${digest}\n`
  await replaceFile(join(folder, noteName(role)), about.sign(text))
  for (const name of await readdir(folder))
    if (name !== list && name.startsWith(`shredded-${role}-`)) await rm(join(folder, name), { force: true })
}

/** The list as the node signed it. Errors: `backup/shred-list` when it is missing or was altered. */
export async function readShredList(folder: string, role: string, signer: NoteVerifier): Promise<Erased[]> {
  const wrong = (why: string): KhienError =>
    new KhienError(
      'backup/shred-list',
      `The list of shredded people beside the key ring (${join(folder, noteName(role))}) ${why}; without it people who were shredded would come back, so nothing is restored. Put it back from a copy of this folder.`,
      { status: 422 },
    )
  const note = await readFile(join(folder, noteName(role)), 'utf8').catch(() => {
    throw wrong('is missing')
  })
  const [, node, , count, digest] = TEXT.exec(openNote(note, [signer])?.text ?? '') ?? []
  if (digest === undefined || `${node}/backup` !== signer.name) throw wrong('was altered')
  const body = await readFile(join(folder, listName(role, digest)), 'utf8').catch(() => {
    throw wrong('is not whole')
  })
  const lines = body === '' ? [] : body.slice(0, -1).split('\n')
  if (createHash('sha256').update(body).digest('hex') !== digest || lines.length !== Number(count))
    throw wrong('was altered')
  return lines.map((line) => {
    const [, subject, id, at] = LINE.exec(line) ?? []
    if (subject === undefined || !SUBJECT.test(subject)) throw wrong('was altered')
    return { subject, id: id!, at: Number(at) }
  })
}
