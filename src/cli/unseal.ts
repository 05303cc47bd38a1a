import { askPassphrase, readPassphrase } from '../app/passphrase.ts'
import { readFd, readFlags, readRole } from './flags.ts'
import { nodeFolder } from './node-folder.ts'
import { askNode } from './node-socket.ts'
import type { Verb } from './verb.ts'

export const unseal: Verb = {
  summary: 'give a running, sealed node its passphrase',
  usage: `khien unseal --role ROLE [--data DIR] [--key-fd N]

The passphrase is asked on the terminal, unseen, or read from an open file descriptor; it goes to the node over
<data>/<role>/run/node.sock, which only the node's own user can open.
`,
  async run(args, io) {
    const { flags } = readFlags(args, ['data', 'role', 'key-fd'])
    const role = readRole(flags.role)
    const fd = readFd(flags['key-fd'])
    const passphrase =
      fd === undefined
        ? await askPassphrase(`Passphrase of the ${role} node: `, { input: io.stdin, output: io.err })
        : readPassphrase(fd)
    const answer = await askNode(nodeFolder(flags.data, role, io), '/unseal', { passphrase })
    io.out(`The ${role} node is unsealed.\n`)
    if (typeof answer['setupLink'] === 'string') io.out(`Create the first administrator: ${answer['setupLink']}\n`)
    return 0
  },
}
