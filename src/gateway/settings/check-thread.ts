import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'
import { KhienError } from '../../kit/errors.ts'
import { compileRules, SecLangError } from '../../engine/waf/index.ts'
import type { GatewaySettings, Site } from '../contract.ts'
import { openBreachedPasswords } from '../../storage/breached/index.ts'
import { compileSchema } from '../worker/json-schema.ts'
import { compileSettings } from '../worker/sites.ts'
import type { Checked } from './check.ts'
import { placeOf } from './words.ts'

// Reads and compiles settings as a worker will, once, and says what is wrong with them and where.

type Path = readonly (string | number)[]
type Place = { readonly site: number; readonly path: Path }

const settings = workerData as GatewaySettings
const port = parentPort!

const wrong = (code: string, { site, path }: Place, says: string): KhienError =>
  new KhienError(code, `${placeOf(settings, ['sites', site, ...path])}: ${says}`, {
    field: ['sites', site, ...path].join('.'),
  })

function checkCertificate(site: number, { certificate, key }: { certificate: string; key: string }): void {
  try {
    createSecureContext({ cert: readFileSync(certificate), key: readFileSync(key), minVersion: 'TLSv1.2' })
  } catch {
    throw wrong(
      'gateway/certificate',
      { site, path: ['tls', 'certificate'] },
      `the certificate ${certificate} and the key ${key} cannot be read, or do not belong together.`,
    )
  }
}

async function checkSite({ tls, routes }: Site, site: number): Promise<void> {
  if (tls !== undefined && 'certificate' in tls) checkCertificate(site, tls)
  for (const [i, { breachedPasswords, schema }] of routes.entries()) {
    const told = async (path: Path, work: () => unknown): Promise<void> => {
      try {
        await work()
      } catch (error) {
        if (!(error instanceof KhienError)) throw error
        throw wrong(error.code, { site, path: ['routes', i, ...path] }, error.message)
      }
    }
    if (breachedPasswords !== undefined)
      await told(['breachedPasswords', 'file'], async () =>
        (await openBreachedPasswords(breachedPasswords.file))[Symbol.asyncDispose](),
      )
    if (schema !== undefined) await told(['schema'], () => compileSchema(schema))
  }
}

/** What a person wrote in the language of the rules, each with its place. */
function* ownTexts(): Generator<Place & { readonly text: string }> {
  for (const [site, one] of settings.sites.entries())
    for (const [at, { exclusions, virtualPatches }] of [
      [[], one] as const,
      ...one.routes.map((route, i) => [['routes', i], route] as const),
    ]) {
      if (virtualPatches) yield { site, path: [...at, 'virtualPatches'], text: virtualPatches }
      for (const side of ['before', 'after'] as const)
        if (exclusions?.[side]) yield { site, path: [...at, 'exclusions', side], text: exclusions[side] }
    }
}

/**
 * A worker joins these texts before it compiles them, so its error counts the joined lines: each is read alone to find the one that says the
 * same. One that is wrong only beside the other rules is told as the worker tells it.
 */
function located(error: KhienError): KhienError {
  if (error.code === 'gateway/acme-host') return atSite(error, ({ tls }) => tls !== undefined && 'acme' in tls, 'hosts')
  if (error.code === 'waf/no-rules') return atSite(error, () => true, 'ruleSet')
  const { cause } = error
  if (!(cause instanceof SecLangError)) return error
  const whatOf = ({ message, file, line }: SecLangError): string => message.slice(`${file}:${line}: `.length)
  for (const { text, ...place } of ownTexts())
    try {
      compileRules([{ name: 'own', text }])
    } catch (own) {
      if (own instanceof SecLangError && whatOf(own) === whatOf(cause))
        return wrong(error.code, place, `line ${own.line}: ${whatOf(own)}`)
    }
  return error
}

function atSite(error: KhienError, of: (site: Site) => boolean, field: string): KhienError {
  const found = settings.sites.findIndex((site) => of(site) && error.message.startsWith(`Site ${site.name}:`))
  const site = found < 0 && settings.sites.length === 1 ? 0 : found
  if (site < 0) return error
  return new KhienError(error.code, error.message, { field: `sites.${site}.${field}` })
}

const answer = (told: Checked): void => port.postMessage(told)
try {
  await compileSettings(settings, undefined, undefined).catch((error: unknown) => {
    throw error instanceof KhienError ? located(error) : error
  })
  for (const [i, site] of settings.sites.entries()) await checkSite(site, i)
  answer({ wrong: undefined })
} catch (error) {
  answer({
    wrong:
      error instanceof KhienError
        ? { code: error.code, detail: error.message, field: error.field }
        : { code: 'gateway/settings', detail: 'The settings could not be compiled.', field: undefined },
  })
}
