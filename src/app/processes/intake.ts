import { startIntake, type IntakeConfig } from '../../intake/receiver/index.ts'
import { systemClock } from '../../kit/clock.ts'
import { systemEntropy } from '../../kit/ids.ts'
import { jsonLog } from '../../kit/log.ts'
import { runChild } from '../child.ts'

const log = jsonLog((line) => process.stderr.write(line), { process: 'intake', pid: process.pid })

// Our own parent made the configuration: checked before it crossed the channel.
runChild((config) => startIntake(config as IntakeConfig, { clock: systemClock, entropy: systemEntropy, log }), log)
