import type { GatewayConfig } from '../gateway/worker/index.ts'

export type { GatewayConfig }

export type Role = 'platform' | 'telecom' | 'authority'
export const ROLES: readonly Role[] = ['platform', 'telecom', 'authority']

export type Address = { readonly host: string; readonly port: number }

/** Where a node's key comes from. `demo` makes its own and says so loudly; `sealed` waits for `khien unseal`. */
export type KeySource =
  | { readonly from: 'demo' }
  | { readonly from: 'prompt' }
  | { readonly from: 'fd'; readonly fd: number }
  | { readonly from: 'credential'; readonly path: string }
  /** A copy that a Transit engine opens; the token lies in a file. */
  | { readonly from: 'transit'; readonly path: string }
  /** A copy that a PKCS#11 token opens; the PIN lies in a file. */
  | { readonly from: 'pkcs11'; readonly path: string }
  | { readonly from: 'sealed' }

/** What one node (one role, one controller, one data folder) is told at start. Serialisable: it travels over IPC. */
export type NodeConfig = {
  readonly role: Role
  /** Name of the legal controller, shown on every page. */
  readonly controller: string
  /** How people reach the data-protection officer; on every citizen page. */
  readonly contact: string | undefined
  /** `<data>/<role>`: control.db, keys.db, key.json, log/, run/node.sock */
  readonly folder: string
  readonly internal: Address
  readonly public: Address
  /** The origin a browser reaches the public listener under; links and cookies are made from it. */
  readonly publicOrigin: string
  readonly internalOrigin: string
  readonly key: KeySource
  readonly demo: boolean
  /** A further process of a node that runs elsewhere, on the same PostgreSQL: the vault and what it rests on, no more. */
  readonly beside?: boolean
  /** Values whose tokens a service key may ask for in an hour; undefined: the vault's own default. */
  readonly tokenBudget?: number
  /** PostgreSQL instead of control.db, from DATABASE_URL; travels apart from everything that is ever printed. */
  readonly databaseUrl: string | undefined
  readonly keysDatabaseUrl: string | undefined
  readonly trustedProxies: readonly string[]
  readonly internalAllow: readonly string[]
  /** Through which server mail goes, with its credentials, and who sends; undefined: no mail is sent. */
  readonly mail: { readonly url: string; readonly from: string } | undefined
  /** Ranges of the node's own network. */
  readonly ownRanges: readonly string[]
}

/** What a person asked for on the command line, in the environment and in a file; every value checked, none missing. */
export type StartConfig = {
  /** All roles and the example marketplace in one go, on keys of its own making. */
  readonly demo: boolean
  readonly roles: readonly Role[]
  /** Only the vault, beside a whole node on the same PostgreSQL. */
  readonly beside: boolean
  readonly tokenBudget: number | undefined
  /** Undefined when nothing was said: each role then has a name that says it is an example. */
  readonly controller: string | undefined
  /** How people reach the data-protection officer. */
  readonly contact: string | undefined
  /** Absolute. */
  readonly data: string
  readonly port: number
  readonly bind: { readonly internal: string; readonly public: string; readonly gateway: string }
  readonly origin: { readonly internal: string | undefined; readonly public: string | undefined }
  readonly upstream: string | undefined
  readonly workers: number
  readonly mode: 'block' | 'detect'
  /** Absolute. */
  readonly rules: string
  /** Further doors of the gateway, closed unless asked for. */
  readonly tlsPort: number | undefined
  readonly proxyPort: number | undefined
  readonly acme: GatewayConfig['acme']
  readonly trustedProxies: readonly string[]
  readonly internalAllow: readonly string[]
  /** Undefined when nothing was said: the plan decides by what lies in the data folder. */
  readonly key: KeySource | undefined
  readonly databaseUrl: string | undefined
  readonly keysDatabaseUrl: string | undefined
  readonly mail: { readonly url: string; readonly from: string } | undefined
  readonly ownRanges: readonly string[]
}
