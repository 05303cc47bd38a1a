import { systemClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { jsonLog } from '../../kit/log.ts'
import { socketRecorder, startGateway } from '../../gateway/worker/index.ts'
import { runChild } from '../child.ts'
import type { GatewayConfig } from '../config.ts'

const log = jsonLog((line) => process.stderr.write(line), { process: 'gateway', pid: process.pid })

runChild(async (config) => {
  // Our own parent made it: parsed and checked before it crossed the channel.
  const told = config as GatewayConfig
  const recorder = socketRecorder(told.nodeSocket, log)
  try {
    const gateway = await startGateway(told, { recorder, log, clock: systemClock, entropy: systemEntropy })
    return {
      note: { host: gateway.address.host, port: gateway.address.port },
      async [Symbol.asyncDispose]() {
        await gateway[Symbol.asyncDispose]()
        await recorder[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await recorder[Symbol.asyncDispose]()
    throw error
  }
}, log)
