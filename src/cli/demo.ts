import { readFlags } from './flags.ts'
import { loadPart } from './part.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

export const demo: Verb = {
  summary: 'a day with Khiên in a minute, on the demo that npm start runs',
  usage: `khien demo [--data DIR] [--port P]

Buys, leaks, attacks, withdraws and checks on the running demo, and says what happened. DIR and P as they were given to
start (or KHIEN_DATA and KHIEN_PORT).
`,
  async run(args, io) {
    const { flags, words } = readFlags(args, ['data', 'port'])
    if (words.length > 0) throw new UsageError(`khien demo takes no "${words[0]}".`)
    const { runDemo } = await loadPart<{ runDemo: (io: Io, at: { data?: string; port?: string }) => Promise<number> }>(
      io.root,
      'examples/marketplace/demo.ts',
    )
    return await runDemo(io, flags)
  },
}
