import { readFileSync } from 'node:fs'
import { StartError } from '../kit/errors.ts'
import { codeOf } from './config-file.ts'

type Terminal = { readonly input: NodeJS.ReadStream; readonly output: (text: string) => void }

const ENTER = new Set(['\r', '\n'])
/** Ctrl-C and Ctrl-D, which a raw terminal hands on as signs. */
const STOP = new Set(['\u0003', '\u0004'])
const ERASE = new Set(['\u0008', '\u007F'])

/** Asks on a terminal without echo. Never falls back to an argument or the environment: both are seen by others. */
export async function askPassphrase(question: string, { input, output }: Terminal): Promise<string> {
  if (!input.isTTY)
    throw new StartError('no-terminal', 'There is no terminal to ask for the passphrase; give it with --key-fd N.')
  output(question)
  input.setRawMode(true)
  input.setEncoding('utf8')
  let typed = ''
  try {
    for await (const chunk of input.iterator({ destroyOnReturn: false })) {
      for (const sign of chunk as string) {
        if (STOP.has(sign)) throw new StartError('cancelled', 'Cancelled.')
        if (ENTER.has(sign)) return typed
        typed = ERASE.has(sign) ? [...typed].slice(0, -1).join('') : typed + sign
      }
    }
    throw new StartError('cancelled', 'The terminal closed before the passphrase was complete.')
  } finally {
    input.setRawMode(false)
    input.pause()
    output('\n')
  }
}

/** From a descriptor that a parent opened for us, up to its end; one line break at the end is not part of it. */
export function readPassphrase(fd: number | string): string {
  let text: string
  try {
    text = readFileSync(fd, 'utf8')
  } catch (error) {
    throw new StartError('key-fd', `The passphrase cannot be read from ${describe(fd)} (${codeOf(error)}).`)
  }
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase === '') throw new StartError('key-fd', `There is no passphrase in ${describe(fd)}.`)
  return passphrase
}

const describe = (fd: number | string): string => (typeof fd === 'number' ? `file descriptor ${fd}` : `the file ${fd}`)
