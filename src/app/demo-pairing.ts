import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Soc } from '../cases/index.ts'
import type { Exchange } from '../exchange/index.ts'
import type { Role } from './config.ts'
import type { Opened } from './node.ts'
import { newSecret } from '../kit/ids.ts'

/** What one demo node leaves for the other two in the folder they share. Real neighbours are entered by people. */
type Card = {
  readonly controller: string
  readonly publicOrigin: string
  /** Its signing key, base64url. */
  readonly voice: string
  /** Secrets under which the others sign in at its TAXII server. */
  readonly secrets: Readonly<Record<string, string>>
}
type Neighbours = { readonly exchange: Exchange; readonly soc?: Soc }

const ROLES: readonly Role[] = ['platform', 'telecom', 'authority']
const DEMO_NETWORK = ['198.18.0.0/15']
const POLL_MS = 300
/** Who signs in where: both push to the authority and read from it; the platform also tells the telecom what to block. */
const VISITS: readonly { readonly from: Role; readonly to: Role; readonly pull: boolean }[] = [
  { from: 'platform', to: 'authority', pull: true },
  { from: 'telecom', to: 'authority', pull: true },
  { from: 'platform', to: 'telecom', pull: false },
]

/** Makes the demo's three nodes know each other, each from the cards of the others; a job until all are known. */
export function demoPairing(opened: Opened, { exchange, soc }: Neighbours) {
  const { config, secrets, entropy } = opened
  const folder = join(dirname(config.folder), 'pairing')
  const mine = config.role
  const own = readCard(mine) ?? {
    controller: config.controller,
    publicOrigin: config.publicOrigin,
    voice: Buffer.from(secrets.voice.publicKey).toString('base64url'),
    secrets: Object.fromEntries(VISITS.filter(({ to }) => to === mine).map(({ from }) => [from, newSecret(entropy)])),
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${mine}.json`)
  writeFileSync(`${path}.new`, JSON.stringify(own), { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  const missing = new Set(ROLES.filter((role) => role !== mine))

  function readCard(role: Role): Card | undefined {
    try {
      return JSON.parse(readFileSync(join(folder, `${role}.json`), 'utf8')) as Card
    } catch {
      return undefined
    }
  }

  async function turn(): Promise<void> {
    for (const role of missing) {
      const card = readCard(role)
      if (!card) continue
      await meet(role, card)
      missing.delete(role)
    }
  }

  async function meet(role: Role, card: Card): Promise<void> {
    const known = (await exchange.peers.list()).some((peer) => peer.name === card.controller)
    const visit = VISITS.find(({ from, to }) => (from === mine && to === role) || (from === role && to === mine))
    if (!known && visit) {
      const going = visit.from === mine
      const secret = going ? card.secrets[mine] : own.secrets[role]
      if (secret === undefined) return
      await exchange.peers.add(
        {
          name: card.controller,
          role,
          maxTlp: 'amber',
          own: false,
          networks: role === 'telecom' ? DEMO_NETWORK : [],
          ...(going
            ? {
                remote: {
                  root: `${card.publicOrigin}/taxii2/root/`,
                  user: mine,
                  secret,
                  push: 'in',
                  pull: visit.pull ? 'out' : null,
                },
              }
            : { credentials: { user: role, secret } }),
        },
        'node',
      )
    }
    if (mine === 'telecom' && role === 'platform') await soc?.addClient(card.controller, card.voice, 'node')
    if (mine === 'platform' && role === 'telecom' && (await soc?.show())?.contract === null)
      await soc?.setContract({ name: card.controller, url: card.publicOrigin }, 'node')
  }
  return { name: 'demo-pairing', everyMs: POLL_MS, work: turn }
}
