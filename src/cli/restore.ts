import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { NodeConfig, Role } from '../app/config.ts'
import { restore as putBack } from '../app/keeping/restore.ts'
import { claimPlace } from '../app/keeping/place.ts'
import { makeFolder } from '../app/preflight.ts'
import { SETTINGS_FILE } from '../backup/index.ts'
import { StartError } from '../kit/errors.ts'
import { dateTime, inLanguage, number } from '../kit/i18n.ts'
import { backupMessages } from './backup-messages.ts'
import { databases, dataOf, nodeKey, progressTo, readSmall, seconds, table } from './backup-parts.ts'
import { readFd, readFlags, readRole } from './flags.ts'
import { nodeFolder } from './node-folder.ts'
import { UsageError, type Verb } from './verb.ts'

export const restore: Verb = {
  summary: 'put a backup back into an empty data folder or empty databases',
  usage: `khien restore --role ROLE --from DIR --keys-from DIR --data NEWDIR [--key FILE] [--key-fd N]
              [--to TIME] [--checkpoint FILE]

  --from DIR         where khien backup put the data
  --keys-from DIR    where it put the keys, with the ring file
  --data NEWDIR      the new data folder; of the role nothing may lie there but its key.json
  --key FILE         the node's key.json, when it does not lie in NEWDIR/ROLE yet
  --to TIME          the newest backup not after this time (2026-11-22T14:30:00+07:00); default: the newest
  --checkpoint FILE  the newest signed checkpoint of the log that anyone holds. When the log in the backup is shorter,
                     the node declares a new epoch of its log, and the log itself records it

Everything is checked aside first: seals, counts, the key, the pair of stores, the whole log against the rows. People
who were shredded since the backup do not come back. On PostgreSQL: DATABASE_URL and KEYS_DATABASE_URL, both empty.
`,
  async run(args, io) {
    const names = ['data', 'role', 'from', 'keys-from', 'to', 'key', 'key-fd', 'checkpoint'] as const
    const { flags, words } = readFlags(args, names)
    const { from, 'keys-from': keysFrom, data } = flags
    if (words.length > 0 || from === undefined || keysFrom === undefined || data === undefined)
      throw new UsageError('Say khien restore --role ROLE --from DIR --keys-from DIR --data NEWDIR.')
    const role = readRole(flags.role)
    const to = flags.to === undefined ? undefined : Date.parse(flags.to)
    if (to !== undefined && Number.isNaN(to))
      throw new UsageError('--to: expected a time such as 2026-11-22T14:30:00+07:00.')
    const folder = nodeFolder(data, role, io)
    const started = performance.now()
    using place = claimPlace(dataOf(folder), folder)
    using brought = flags.key === undefined ? undefined : bringKey(resolve(flags.key), folder)
    const bundle = await nodeKey(folder, role, readFd(flags['key-fd']), io)
    const checkpoint =
      flags.checkpoint === undefined ? undefined : readSmall(resolve(flags.checkpoint), 'signed checkpoint')
    const done = await putBack({
      role,
      from: resolve(from),
      keysFrom: resolve(keysFrom),
      to,
      folder,
      keyFile: join(folder, 'key.json'),
      bundle,
      ...databases(io),
      checkpoint,
      told: progressTo(io),
    })
    brought?.keep()
    place.keep()
    const say = inLanguage(backupMessages, io.language)
    const shown = (value: number): string => number(value, io.language)
    io.out(`${say.restored(done.name, seconds(performance.now() - started))}\n`)
    table(io, [
      [say.at, dateTime(Date.parse(done.at), io.language)],
      [say.rows, shown(done.rows)],
      [say.leaves, shown(done.leaves)],
      ...(done.events === null ? [] : [[say.events, shown(done.events)] as const]),
      [say.takenOut, shown(done.takenOut)],
    ])
    if (done.epoch) io.out(`${say.epoch(shown(done.epoch.oldSize), shown(done.epoch.size))}\n`)
    else if (checkpoint === undefined) io.out(`${say.noCheckpoint}\n`)
    io.out(`${say.since(dateTime(Date.parse(done.at), io.language))}\n`)
    io.out(`${say.next(startCommand(role, folder))}\n`)
    return 0
  },
}

/** How to start what was restored, with who answers for it as at the backup. What a backup cannot know stands in capitals. */
function startCommand(role: Role, folder: string): string {
  const at = JSON.parse(readSmall(join(folder, SETTINGS_FILE), 'settings of the backup')) as Partial<NodeConfig>
  const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
  const words = ['--role', role, '--data', dataOf(folder)]
  if (at.controller !== undefined) words.push('--controller', at.controller)
  if (at.contact !== undefined) words.push('--contact', at.contact)
  const upstream = role === 'platform' ? ' --upstream ADDRESS-OF-THE-APPLICATION' : ''
  return `./bin/khien.js start ${words.map(quoted).join(' ')}${upstream}`
}

/** Puts the key file in its place; what is not restored takes it away again. */
function bringKey(file: string, folder: string): Disposable & { keep(): void } {
  const path = join(folder, 'key.json')
  const text = readSmall(file, 'key file')
  // A restore that was killed left it there.
  const there = existsSync(path)
  if (there && readSmall(path, 'key file') !== text)
    throw new StartError('key-exists', `${path} is another key; leave --key away, or name another folder.`)
  makeFolder(folder)
  if (!there) writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true })
  let kept = there
  return {
    keep: () => void (kept = true),
    [Symbol.dispose]() {
      if (!kept) rmSync(path, { force: true })
    },
  }
}
