import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { StartError } from '../kit/errors.ts'
import {
  type Address,
  type GatewayConfig,
  type KeySource,
  type NodeConfig,
  type Role,
  type StartConfig,
} from './config.ts'
import { mailKeys } from './demo-gifts.ts'

export type MarketplaceConfig = {
  readonly listen: Address
  readonly folder: string
  readonly apiOrigin: string
  readonly publicOrigin: string
  readonly gatewayOrigin: string
  readonly keyFile: string
}

export type MailboxConfig = {
  readonly folder: string
  readonly smtp: Address
  readonly web: Address & { readonly keys: string }
}

/** Everything one start brings up, before anything is touched. */
export type Plan = {
  readonly nodes: readonly NodeConfig[]
  readonly gateway: (GatewayConfig & { readonly origin: string }) | undefined
  readonly marketplace: MarketplaceConfig | undefined
  /** The demo's mail server, whose mails a page shows. */
  readonly mailbox: MailboxConfig | undefined
  readonly listeners: readonly Listener[]
}
export type Listener = { readonly name: string; readonly address: Address }

/** What the demo adds, above the three roles' ports. */
const DEMO = { shop: 20, proxied: 21, mail: 22, mailbox: 23 } as const
const OFFSET: Record<Role, number> = { platform: 1, telecom: 2, authority: 3 }
/** The demo's three organisations; the platform is the example shop's. */
const DEMO_CONTROLLER: Record<Role, string> = {
  platform: 'Chợ Sen',
  telecom: 'Viễn thông Sông Hồng (ví dụ)',
  authority: 'Trung tâm An ninh mạng (ví dụ)',
}
const MIB = 1 << 20
const TEN = 10

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** A browser calls the loopback `localhost`: passkeys are not given to bare addresses. */
export function originOf(address: Address): string {
  const { host, port } = address
  if (isLoopback(host)) return `http://localhost:${port}`
  const name = host === '0.0.0.0' || host === '::' ? hostname() : isIP(host) === 6 ? `[${host}]` : host
  return `http://${name}:${port}`
}

export function planStart(config: StartConfig, terminal: boolean): Plan {
  const gatewayAt = { host: config.bind.gateway, port: config.port }
  const shopAt = { host: '127.0.0.1', port: config.port + DEMO.shop }
  const nodes = config.roles.map((role) => planNode(config, role, terminal))
  const platform = nodes.find((node) => node.role === 'platform')
  if (platform !== undefined && config.upstream === undefined && !config.demo && !config.beside)
    throw new StartError(
      'upstream-needed',
      'A platform needs the application it protects: give its address with --upstream http://127.0.0.1:3000, or leave --role away for the demo.',
    )
  const upstream = config.upstream ?? `http://${shopAt.host}:${shopAt.port}`
  const gateway =
    !config.beside && platform
      ? {
          listen: gatewayAt,
          origin: originOf(gatewayAt),
          upstream,
          rules: config.rules,
          workers: config.workers,
          nodeSocket: join(platform.folder, 'run', 'node.sock'),
          intakeSocket: join(platform.folder, 'run', 'intake.sock'),
          ...(config.demo ? { demoListen: { host: '127.0.0.1', port: config.port + DEMO.proxied } } : {}),
          ...(config.tlsPort === undefined ? {} : { tlsListen: { ...gatewayAt, port: config.tlsPort } }),
          ...(config.proxyPort === undefined ? {} : { proxyListen: { ...gatewayAt, port: config.proxyPort } }),
          ...(config.acme === undefined ? {} : { acme: config.acme }),
          trustedProxies: config.trustedProxies,
          folder: join(platform.folder, 'gateway'),
          bodyLimit: TEN * MIB,
          mode: config.mode,
        }
      : undefined
  const marketplace =
    platform && config.demo && config.upstream === undefined
      ? {
          listen: shopAt,
          folder: join(config.data, 'marketplace'),
          apiOrigin: `http://${platform.internal.host}:${platform.internal.port}`,
          publicOrigin: platform.publicOrigin,
          gatewayOrigin: originOf(gatewayAt),
          keyFile: join(config.data, 'marketplace', 'service-key.json'),
        }
      : undefined
  const at = (offset: number): Address => ({ host: '127.0.0.1', port: config.port + offset })
  const mailbox = config.demo
    ? {
        folder: join(config.data, 'mailbox'),
        smtp: at(DEMO.mail),
        web: { ...at(DEMO.mailbox), keys: mailKeys(config.data) },
      }
    : undefined
  const listeners = [
    ...(gateway ? [{ name: 'gateway', address: gateway.listen }] : []),
    ...nodes.flatMap((node) => [
      { name: `${node.role} internal`, address: node.internal },
      { name: `${node.role} public`, address: node.public },
    ]),
    ...(marketplace ? [{ name: 'marketplace', address: marketplace.listen }] : []),
    ...(gateway?.tlsListen ? [{ name: 'gateway, TLS', address: gateway.tlsListen }] : []),
    ...(gateway?.proxyListen ? [{ name: 'gateway, PROXY', address: gateway.proxyListen }] : []),
    ...(gateway?.demoListen ? [{ name: 'gateway, demo', address: gateway.demoListen }] : []),
    ...(mailbox
      ? [
          { name: 'mail', address: mailbox.smtp },
          { name: 'mailbox', address: mailbox.web },
        ]
      : []),
  ]
  return { nodes, gateway, marketplace, mailbox, listeners }
}

function planNode(config: StartConfig, role: Role, terminal: boolean): NodeConfig {
  const folder = join(config.data, role)
  const internal = { host: config.bind.internal, port: config.port + OFFSET[role] }
  const publicAt = { host: config.bind.public, port: config.port + TEN + OFFSET[role] }
  return {
    role,
    controller: config.controller ?? (config.demo ? DEMO_CONTROLLER[role] : 'Công ty Ví Dụ (example)'),
    contact: config.contact ?? (config.demo ? '1900 0000 (demo)' : undefined),
    folder,
    internal,
    public: publicAt,
    internalOrigin: config.origin.internal ?? originOf(internal),
    publicOrigin: config.origin.public ?? originOf(publicAt),
    key: chooseKey(config, role, folder, terminal),
    demo: config.demo,
    ...(config.beside ? { beside: true } : {}),
    ...(config.tokenBudget === undefined ? {} : { tokenBudget: config.tokenBudget }),
    databaseUrl: config.databaseUrl,
    keysDatabaseUrl: config.keysDatabaseUrl,
    trustedProxies: config.trustedProxies,
    internalAllow: config.internalAllow,
    mail: config.demo ? demoMail(config, role) : config.mail,
    ownRanges: config.demo && role === 'telecom' ? ['198.18.0.0/15'] : config.ownRanges,
  }
}

/** The demo's own mailbox: see examples/telecom. */
const demoMail = (config: StartConfig, role: Role): NodeConfig['mail'] => ({
  url: `smtp://127.0.0.1:${config.port + DEMO.mail}`,
  from: `khien@${role}.example`,
})

/** A key that anyone can make guards nothing: it stays on this machine and before nobody's application. */
function chooseKey(config: StartConfig, role: Role, folder: string, terminal: boolean): KeySource {
  const own = ownKey(folder)
  const exposed =
    config.beside || config.upstream !== undefined || Object.values(config.bind).some((host) => !isLoopback(host))
  if (own !== 'real' && exposed) throw new StartError('demo-key', demoKeySentence(config, role, own))
  if (config.key !== undefined && own === 'real') return config.key
  if (config.key !== undefined)
    throw new StartError(
      'no-key',
      `There is no key in ${folder} to open: run ./bin/khien.js key init --role ${role} --data ${config.data} first.`,
    )
  if (own !== 'real') return { from: 'demo' }
  return terminal ? { from: 'prompt' } : { from: 'sealed' }
}

function demoKeySentence(config: StartConfig, role: Role, own: 'none' | 'demo'): string {
  const init = `./bin/khien.js key init --role ${role} --data`
  if (own === 'none')
    return `Only a demo key would guard the ${role} node, and it guards nothing: run ${init} ${config.data} first.`
  return `The data in ${config.data} lies under a demo key, which guards nothing: run ${init} NEW-FOLDER, and start with --data NEW-FOLDER.`
}

/** `key.json` is written by `khien key init`; one that says `"demo": true` was made by a demo for itself. */
export function ownKey(folder: string): 'none' | 'demo' | 'real' {
  const path = join(folder, 'key.json')
  if (!existsSync(path)) return 'none'
  try {
    const bundle: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return typeof bundle === 'object' && bundle !== null && 'demo' in bundle && bundle.demo === true ? 'demo' : 'real'
  } catch {
    // Unreadable is for the node to say; it is certainly nothing a demo may pass over.
    return 'real'
  }
}
