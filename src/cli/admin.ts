import { StartError } from '../kit/errors.ts'
import { readFlags, readRole } from './flags.ts'
import { nodeFolder } from './node-folder.ts'
import { askNode } from './node-socket.ts'
import { UsageError, type Verb } from './verb.ts'

export const admin: Verb = {
  summary: 'break-glass: a one-time link when no administrator can sign in',
  usage: `khien admin recover --role ROLE [--data DIR]

Prints a link, good once and for a short time, with which an administrator's account is made anew. The node must be
running, and the use is written to its log for everyone who looks after it to see.
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['data', 'role'])
    if (words.join(' ') !== 'recover') throw new UsageError('Say khien admin recover.')
    const answer = await askNode(nodeFolder(flags.data, readRole(flags.role), io), '/admin/recover', {})
    const link = answer['link'] ?? answer['setupLink'] ?? answer['url']
    if (typeof link !== 'string') throw new StartError('recover', 'The node answered without a link.')
    io.out(`${link}\n`)
    return 0
  },
}
