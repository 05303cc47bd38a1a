import { systemClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { jsonLog } from '../../kit/log.ts'
import { runChild } from '../child.ts'
import type { NodeConfig } from '../config.ts'
import { startNode } from '../node.ts'

runChild((given) => {
  const config = given as NodeConfig
  const said = jsonLog((line) => process.stderr.write(line), { process: config.role })
  // The demo shares one terminal with its summary: only what went wrong is said there.
  const log = config.demo ? { ...said, info: () => {} } : said
  return startNode(config, { clock: systemClock, entropy: systemEntropy, log })
})
