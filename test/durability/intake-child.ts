import { startIntake, type IntakeConfig } from '../../src/intake/receiver/index.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { jsonLog } from '../../src/kit/log.ts'

// An intake in a process that a test may trace: `node intake-child.ts CONFIG`. Says a line when it serves; ends when its
// standard input does, so that none outlives its test.
const log = jsonLog((line) => process.stderr.write(line))
const config = JSON.parse(process.argv[2]!) as IntakeConfig
const intake = await startIntake(config, { clock: systemClock, entropy: systemEntropy, log })
process.stdout.write('serving\n')
process.stdin.resume().on('end', () => void intake[Symbol.asyncDispose]().then(() => process.exit(0)))
