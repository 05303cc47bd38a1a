import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { BackupAsked, BackupStatus } from '../backup/index.ts'
import type { Role } from '../app/config.ts'
import { claimFolder } from '../app/preflight.ts'
import { KhienError, StartError } from '../kit/errors.ts'
import { dateTime, inLanguage } from '../kit/i18n.ts'
import { backupMessages } from './backup-messages.ts'
import { ownKey } from '../app/plan.ts'
import { databases, dataOf, megabytes, nodeKey, progressTo, readNumber, seconds, table } from './backup-parts.ts'
import { readFd, readFlags, readRole } from './flags.ts'
import { nodeFolder } from './node-folder.ts'
import { askNode } from './node-socket.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

const KEEP_DAYS = 30
const MEGABYTES_A_SECOND = 64
const POLL_MS = 250
const DAY_MS = 86_400_000

export const backup: Verb = {
  summary: 'back up a node: its data to one place, its keys to another, where they die at their time',
  usage: `khien backup --role ROLE --to DIR --keys-to DIR [--keep-keys DAYS] [--rate MB] [--data DIR] [--key-fd N]

  --to DIR          where the data goes: control data, evidence log, events, kept traffic, settings; encrypted
  --keys-to DIR     where the keys of people go; never the same disk as --to. The ring file in it opens its key
                    backups; what somebody carried away without the ring is unreadable once its key is destroyed
  --keep-keys DAYS  until the key backup's own key is destroyed (default ${KEEP_DAYS}): so long can a person who is
                    shredded today still be read in a backup
  --rate MB         megabytes written a second at most (default ${MEGABYTES_A_SECOND})

A running node makes the backup itself and goes on serving; a stopped one is opened, which needs its passphrase
(asked, or --key-fd N). key.json is in neither place: keep a copy of it elsewhere.
On PostgreSQL a stopped node is found by DATABASE_URL and KEYS_DATABASE_URL.
`,
  async run(args, io) {
    const names = ['data', 'role', 'to', 'keys-to', 'keep-keys', 'rate', 'key-fd'] as const
    const { flags, words } = readFlags(args, names)
    if (words.length > 0 || flags.to === undefined || flags['keys-to'] === undefined)
      throw new UsageError('Say khien backup --role ROLE --to DIR --keys-to DIR.')
    const role = readRole(flags.role)
    const asked: BackupAsked = {
      to: resolve(flags.to),
      keysTo: resolve(flags['keys-to']),
      keepKeys: Math.floor(readNumber('keep-keys', flags['keep-keys'], 1, 3_650, KEEP_DAYS)),
      rate: readNumber('rate', flags.rate, 0.01, 100_000, MEGABYTES_A_SECOND),
    }
    const folder = nodeFolder(flags.data, role, io)
    if (!existsSync(folder)) throw new StartError('data-folder', `There is no ${role} node in ${dataOf(folder)}.`)
    const started = performance.now()
    if (ownKey(folder) === 'demo') io.err(`${inLanguage(backupMessages, io.language).demo}\n`)
    const status = (await byNode(folder, asked, io)) ?? (await byUs(folder, role, asked, readFd(flags['key-fd']), io))
    if (status.state !== 'made') throw new StartError('backup/failed', status.detail ?? 'The backup was not made.')
    const say = inLanguage(backupMessages, io.language)
    io.out(`${say.made(status.name, megabytes(status.bytes), seconds(performance.now() - started))}\n`)
    table(io, [
      [say.data, `${asked.to}/${status.name}`],
      [say.keys, asked.keysTo],
      [say.keysDie, dateTime(Date.now() + asked.keepKeys * DAY_MS, io.language)],
    ])
    io.out(`${say.apart}\n`)
    return 0
  },
}

/** The running node does it; undefined when none runs here. */
async function byNode(folder: string, asked: BackupAsked, io: Io): Promise<BackupStatus | undefined> {
  try {
    await askNode(folder, '/duties/backup', asked)
  } catch (error) {
    if (error instanceof KhienError && error.code === 'node-absent') return undefined
    throw error
  }
  return follow(async () => (await askNode(folder, '/duties/backup-status', {})) as unknown as BackupStatus, io)
}

async function follow(ask: () => Promise<BackupStatus>, io: Io): Promise<BackupStatus> {
  const progress = progressTo(io)
  for (let seen = 0; ;) {
    const status = await ask()
    if (status.part !== null) progress(status.part, status.bytes - seen)
    seen = status.bytes
    if (status.state !== 'making') return status
    await wait(POLL_MS)
  }
}

async function byUs(
  folder: string,
  role: Role,
  asked: BackupAsked,
  fd: number | undefined,
  io: Io,
): Promise<BackupStatus> {
  // First the lock: a node that is starting is not a stopped one.
  using _ = claimFolder(dataOf(folder))
  io.err(`${inLanguage(backupMessages, io.language).stopped(folder)}\n`)
  const bundle = await nodeKey(folder, role, fd, io)
  const { openStopped } = await import('../app/keeping/stopped.ts')
  await using node = await openStopped({ role, folder, ...databases(io) }, bundle, io.root, { events: true })
  await node.backups.start(asked, 'host')
  const status = await follow(async () => node.backups.status()!, io)
  await node.backups.idle()
  return status
}
