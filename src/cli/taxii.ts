import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { exchangeMigrations, serveFile } from '../exchange/index.ts'
import { serve } from '../http/index.ts'
import { systemClock } from '../kit/clock.ts'
import { StartError } from '../kit/errors.ts'
import { jsonLog } from '../kit/log.ts'
import { migrate, openSqlite } from '../storage/sql/index.ts'
import { readFd, readFlags } from './flags.ts'
import { UsageError, type Verb } from './verb.ts'

const SECRET_BYTES = 1_000
const MOST_A_PAGE = 10_000

export const taxii: Verb = {
  summary: 'serve a file of collections over TAXII 2.1, for trying out clients',
  usage: `khien taxii serve --load FILE --user NAME --password-fd N [--page-size N] [--port P]

Serves API roots, collections, objects and statuses of FILE (the form of the open-source TAXII servers: /discovery, and API
roots by name) on the loopback address, from memory: what clients add or delete is gone at the end. Objects are taken as
they are given. Prints the discovery address when it is ready.

  --load FILE        what to serve
  --user NAME        who may sign in (HTTP Basic) …
  --password-fd N    … with the first line of this inherited descriptor
  --page-size N      objects a page at most (100)
  --port P           0, the default, takes a free one
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['load', 'user', 'password-fd', 'page-size', 'port'])
    if (words[0] !== 'serve' || words.length > 1) throw new UsageError('Say khien taxii serve --load FILE ….')
    const { load, user } = flags
    const fd = readFd(flags['password-fd'])
    if (load === undefined || user === undefined || fd === undefined)
      throw new UsageError('taxii serve needs --load FILE, --user NAME and --password-fd N.')
    const pageSize = numberOf('page-size', flags['page-size'] ?? '100', 1, MOST_A_PAGE)
    const port = numberOf('port', flags.port ?? '0', 0, 65_535)
    const secret = secretFrom(fd)
    await using db = openSqlite(':memory:')
    await migrate(db, exchangeMigrations)
    const served = await serveFile({
      db,
      clock: systemClock,
      entropy: randomBytes,
      newUuid: randomUUID,
      log: jsonLog(io.err),
      text: textOf(load),
      user,
      secret,
      pageSize,
    })
    await using listening = await serve({ fetch: served.fetch }, { host: '127.0.0.1', port })
    io.err(`${served.objects} objects in ${served.roots} API roots\n`)
    io.out(`http://127.0.0.1:${listening.port}/taxii2/\n`)
    await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
    return 0
  },
}

function numberOf(name: string, text: string, least: number, most: number): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < least || Number(text) > most)
    throw new UsageError(`--${name}: expected ${least}–${most}, got ${JSON.stringify(text)}`)
  return Number(text)
}

function secretFrom(fd: number): string {
  let text: string
  try {
    text = readFileSync(fd, 'utf8')
  } catch (cause) {
    throw new StartError('exchange/no-password', `Descriptor ${fd} cannot be read (--password-fd).`, { cause })
  }
  const [line = ''] = text.split('\n')
  if (line === '' || line.length > SECRET_BYTES)
    throw new StartError('exchange/no-password', `Descriptor ${fd} holds no password (--password-fd).`)
  return line
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StartError('exchange/unreadable', `The file ${file} cannot be read.`, { cause })
  }
}
