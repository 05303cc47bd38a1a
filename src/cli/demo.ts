import { loadPart } from './part.ts'
import type { Io, Verb } from './verb.ts'

export const demo: Verb = {
  summary: 'a day with Khiên in a minute, on the demo that npm start runs',
  usage: 'khien demo\n\nBuys, leaks, attacks, withdraws and checks on the running demo, and says what happened.\n',
  async run(_args, io) {
    const { runDemo } = await loadPart<{ runDemo: (io: Io) => Promise<number> }>(
      io.root,
      'examples/marketplace/demo.ts',
    )
    return await runDemo(io)
  },
}
