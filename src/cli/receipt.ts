import { existsSync, readFileSync } from 'node:fs'
import { logVerifier } from '../audit/index.ts'
import { openNote } from '../engine/tlog/index.ts'
import { StartError } from '../kit/errors.ts'
import { readFlags } from './flags.ts'
import { UsageError, type Verb } from './verb.ts'

/** A receipt is a page of text; anything longer is something else. */
const LONGEST = 65_536

export const receipt: Verb = {
  summary: 'check the signature on a receipt of a consent, a withdrawal or an erasure, without a network',
  usage: `khien receipt verify FILE --vkey KEY

KEY is the receipt key of the platform (its public page serves it at /receipt.vkey), as text or as a file that holds it.
Prints what the receipt says; exit 1 when it was altered or signed by somebody else.
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['vkey'])
    const [verb, file, ...more] = words
    if (verb !== 'verify' || file === undefined || more.length > 0 || flags.vkey === undefined) {
      throw new UsageError('Say khien receipt verify FILE --vkey KEY.')
    }
    const text = read(file)
    const key = logVerifier((existsSync(flags.vkey) ? read(flags.vkey) : flags.vkey).trim())
    if (key === undefined) throw new StartError('receipt/key', 'The key is not a verifier key (name+id+key).')
    const note = noteIn(text)
    if (!note.includes('\n\n\u2014 '))
      throw new StartError('receipt/file', 'The file is no receipt: it has no signature line.')
    const opened = openNote(note, [key])
    if (opened === undefined)
      throw new StartError('receipt/false', 'The receipt was altered, or another key signed it.')
    io.out(`${opened.text}signature: good, by ${key.name}\n`)
    return 0
  },
}

/** An answer of the API that was saved as it came carries the receipt as a text. */
function noteIn(text: string): string {
  try {
    const { receipt: note } = JSON.parse(text) as { receipt?: unknown }
    return typeof note === 'string' ? note : text
  } catch {
    return text
  }
}

function read(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length <= LONGEST) return text
  } catch {
    throw new StartError('receipt/file', `The file ${path} cannot be read.`)
  }
  throw new StartError('receipt/file', `The file ${path} is too long to be a receipt.`)
}
