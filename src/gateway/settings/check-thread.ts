import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'
import { KhienError } from '../../kit/errors.ts'
import type { GatewaySettings } from '../contract.ts'
import { openBreachedPasswords } from '../worker/breached-passwords.ts'
import { compileSchema } from '../worker/json-schema.ts'
import { compileSettings } from '../worker/sites.ts'
import type { Checked } from './check.ts'

// Reads and compiles settings as a worker will, once, and says what is wrong with them.

function checkCertificate(site: string, { certificate, key }: { certificate: string; key: string }): void {
  try {
    createSecureContext({ cert: readFileSync(certificate), key: readFileSync(key), minVersion: 'TLSv1.2' })
  } catch {
    throw new KhienError(
      'gateway/certificate',
      `Site ${site}: the certificate ${certificate} and the key ${key} cannot be read, or do not belong together.`,
    )
  }
}

const settings = workerData as GatewaySettings
const port = parentPort!
const answer = (told: Checked): void => port.postMessage(told)
try {
  await compileSettings(settings, undefined, undefined)
  for (const site of settings.sites) {
    if (site.tls !== undefined && 'certificate' in site.tls) checkCertificate(site.name, site.tls)
    for (const { breachedPasswords } of site.routes)
      if (breachedPasswords !== undefined)
        await (await openBreachedPasswords(breachedPasswords.file))[Symbol.asyncDispose]()
    for (const { path, schema } of site.routes)
      if (schema !== undefined)
        try {
          compileSchema(schema)
        } catch (error) {
          throw new KhienError('gateway/schema', `Site ${site.name}, path ${path}: ${(error as Error).message}`)
        }
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
