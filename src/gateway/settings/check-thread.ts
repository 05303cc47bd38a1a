import { parentPort, workerData } from 'node:worker_threads'
import { KhienError } from '../../kit/errors.ts'
import type { GatewaySettings } from '../contract.ts'
import { compileSchema } from '../worker/json-schema.ts'
import { compileSettings } from '../worker/sites.ts'
import type { Checked } from './check.ts'

// Reads and compiles settings as a worker will, once, and says what is wrong with them.

const settings = workerData as GatewaySettings
const port = parentPort!
const answer = (told: Checked): void => port.postMessage(told)
try {
  await compileSettings(settings, undefined, undefined)
  for (const site of settings.sites)
    for (const { path, schema } of site.routes)
      if (schema !== undefined)
        try {
          compileSchema(schema)
        } catch (error) {
          throw new KhienError('gateway/schema', `Site ${site.name}, path ${path}: ${(error as Error).message}`)
        }
  answer({ wrong: undefined })
} catch (error) {
  answer({
    wrong:
      error instanceof KhienError
        ? { code: error.code, detail: error.message }
        : { code: 'gateway/settings', detail: 'The settings could not be compiled.' },
  })
}
