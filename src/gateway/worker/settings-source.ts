import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'undici'
import { StartError } from '../../kit/errors.ts'
import { GatewaySettings } from '../contract.ts'
import type { GatewayConfig } from './config.ts'
import { readRuleSet } from './rule-files.ts'
import { checkOrigin } from './upstreams.ts'

const FILE = 'gateway-settings.json'
const LARGEST = 32 << 20
const ASK_MS = 2_000

/** `none`: the node has no settings; `away`: it does not answer. */
export type Fetched = GatewaySettings | 'none' | 'away'

/** Asks the node for its settings. Throws `StartError` naming the field of a document that is not in order. */
export async function fetchSettings(nodeSocket: string): Promise<Fetched> {
  if (nodeSocket === '') return 'none'
  const client = new Client('http://node.internal', {
    socketPath: nodeSocket,
    connect: { timeout: ASK_MS },
    headersTimeout: ASK_MS,
    bodyTimeout: ASK_MS,
  })
  let text: string
  try {
    const { statusCode, body } = await client.request({ method: 'GET', path: '/gateway/settings' })
    if (statusCode !== 200) {
      await body.dump()
      return statusCode === 404 ? 'none' : 'away'
    }
    let size = 0
    const chunks: Buffer[] = []
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > LARGEST) return 'away'
      chunks.push(chunk)
    }
    text = Buffer.concat(chunks).toString('utf8')
  } catch {
    return 'away'
  } finally {
    await client.destroy()
  }
  return parseSettings(text)
}

/** JSON text → settings. Throws `StartError`. */
export function parseSettings(text: string): GatewaySettings {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new StartError('gateway/settings', 'The gateway settings are not valid JSON.')
  }
  const result = GatewaySettings.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const field = issue!.path.join('.')
  throw new StartError('gateway/settings', `Gateway settings, ${field}: ${issue!.message}`, { field })
}

/** The last settings that were good, from the folder; undefined when there are none or they no longer are. */
export async function keptSettings(folder: string | undefined): Promise<GatewaySettings | undefined> {
  if (folder === undefined) return undefined
  try {
    return parseSettings(await readFile(join(folder, FILE), 'utf8'))
  } catch {
    return undefined
  }
}

/** Kept for a start without the node. Written beside and renamed, so that it is one or the other, never half. */
export async function keepSettings(folder: string | undefined, settings: GatewaySettings): Promise<void> {
  if (folder === undefined) return
  const beside = join(folder, `${FILE}.${process.pid}`)
  await writeFile(beside, JSON.stringify(settings), { mode: 0o600 })
  await rename(beside, join(folder, FILE))
}

/** The one site of a gateway that was told an upstream and no more. Throws `StartError` for an upstream that is no origin. */
export function settingsOf(config: GatewayConfig): GatewaySettings {
  return GatewaySettings.parse({
    version: 0,
    sites: [
      {
        name: 'default',
        hosts: ['*'],
        upstreams: [{ url: checkOrigin(config.upstream) }],
        mode: config.mode,
        trustedProxies: config.trustedProxies,
        placement: config.trustedProxies.length > 0 ? 'behind' : 'front',
        body: { limit: config.bodyLimit, beyond: 'reject' },
      },
    ],
    ruleSets: [{ name: 'default', rules: [config.rules] }],
  })
}

/** The same, with `rules` in place of every rule set that cannot be read. */
export async function withReadableRules(settings: GatewaySettings, rules: string): Promise<GatewaySettings> {
  const ruleSets = await Promise.all(
    settings.ruleSets.map((set) =>
      readRuleSet(set).then(
        () => set,
        () => ({ name: set.name, setup: [], rules: [rules] }),
      ),
    ),
  )
  return { ...settings, ruleSets }
}
