import { jsonLog } from '../../kit/log.ts'
import { startStore, type StoreConfig } from '../../storage/events/store-process.ts'
import { runChild } from '../child.ts'

const log = jsonLog((line) => process.stderr.write(line), { process: 'store', pid: process.pid })

// Our own parent made the configuration: checked before it crossed the channel.
runChild((config) => startStore(config as StoreConfig), log)
