import { resolve } from 'node:path'
import { drill as putAside } from '../app/keeping/drill.ts'
import { claimFolder } from '../app/preflight.ts'
import { secretsOf } from '../app/secrets.ts'
import { KhienError } from '../kit/errors.ts'
import { dateTime, inLanguage, number } from '../kit/i18n.ts'
import { systemEntropy } from '../kit/ids.ts'
import { backupMessages } from './backup-messages.ts'
import { databases, dataOf, nodeKey, progressTo, seconds, table } from './backup-parts.ts'
import { readFd, readFlags, readRole } from './flags.ts'
import { nodeFolder } from './node-folder.ts'
import { askNode } from './node-socket.ts'
import { UsageError, type Verb } from './verb.ts'

export const drill: Verb = {
  summary: 'show that the newest backup can be put back: aside, checked, sampled, taken away again',
  usage: `khien drill --role ROLE --from DIR --keys-from DIR [--data DIR] [--key-fd N] [--scratch DIR]

Puts the newest backup back into a temporary folder (--scratch says where), checks all that khien restore checks, opens
a sample of values of each collection without showing any, and takes it all away again. Date, duration and counts are
recorded by the node, running or stopped. The passphrase is asked (or --key-fd N): a drill shows that it is known, too.
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['data', 'role', 'from', 'keys-from', 'key-fd', 'scratch'])
    if (words.length > 0 || flags.from === undefined || flags['keys-from'] === undefined)
      throw new UsageError('Say khien drill --role ROLE --from DIR --keys-from DIR.')
    const role = readRole(flags.role)
    const folder = nodeFolder(flags.data, role, io)
    const bundle = await nodeKey(folder, role, readFd(flags['key-fd']), io)
    const { detail, name, at, collections, ...result } = await putAside({
      role,
      from: resolve(flags.from),
      keysFrom: resolve(flags['keys-from']),
      secrets: secretsOf(bundle, role, systemEntropy),
      scratch: flags.scratch === undefined ? undefined : resolve(flags.scratch),
      told: progressTo(io),
    })
    await askNode(folder, '/duties/backup-drilled', result).catch(async (error: unknown) => {
      if (!(error instanceof KhienError) || error.code !== 'node-absent') throw error
      using _ = claimFolder(dataOf(folder))
      const { openStopped } = await import('../app/keeping/stopped.ts')
      await using node = await openStopped({ role, folder, ...databases(io) }, bundle, io.root, { events: false })
      await node.backups.drilled(result, 'host')
    })
    const say = inLanguage(backupMessages, io.language)
    if (!result.good) {
      io.err(`${say.drillBad(name, detail ?? result.failure ?? '')}\n`)
      return 1
    }
    const shown = (value: number): string => number(value, io.language)
    io.out(`${say.drillGood(name, seconds(result.tookMs))}\n`)
    table(io, [
      [say.at, dateTime(Date.parse(at), io.language)],
      [say.rows, shown(result.rows)],
      [say.leaves, shown(result.leaves)],
      ...(result.events === null ? [] : [[say.events, shown(result.events)] as const]),
      [say.opened, say.opens(shown(result.opened), shown(collections))],
    ])
    return 0
  },
}
