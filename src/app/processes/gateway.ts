import { systemClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { jsonLog } from '../../kit/log.ts'
import { socketRecorder, startGateway } from '../../gateway/worker/index.ts'
import { batchSender } from '../../storage/segments/index.ts'
import { runChild } from '../child.ts'
import type { GatewayConfig } from '../config.ts'

const log = jsonLog((line) => process.stderr.write(line), { process: 'gateway', pid: process.pid })

runChild(async (config) => {
  // Our own parent made it: parsed and checked before it crossed the channel.
  const told = config as GatewayConfig
  await using stack = new AsyncDisposableStack()
  const recorder = stack.use(socketRecorder(told.nodeSocket, log))
  const events = stack.use(batchSender({ socketPath: told.intakeSocket, source: 'gateway', log }))
  const deps = { recorder, events, log, clock: systemClock, entropy: systemEntropy }
  const gateway = stack.use(await startGateway(told, deps))
  const owned = stack.move()
  return {
    note: { host: gateway.address.host, port: gateway.address.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}, log)
