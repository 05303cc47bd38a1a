import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeConfig, Role } from '../src/app/config.ts'
import { startNode } from '../src/app/node.ts'
import { systemEntropy } from '../src/kit/ids.ts'
import { jsonLog } from '../src/kit/log.ts'
import { freePort } from '../src/storage/sql/testing.ts'

export const PASSWORD = 'một câu dễ nhớ và dài'

/** A node as the demo runs it, on ports of the test's own. */
export const demoConfig = (role: Role, folder: string, internal: number, publicPort: number): NodeConfig => ({
  role,
  controller: 'Chợ Sen',
  contact: undefined,
  folder,
  internal: { host: '127.0.0.1', port: internal },
  public: { host: '127.0.0.1', port: publicPort },
  internalOrigin: `http://localhost:${internal}`,
  publicOrigin: `http://localhost:${publicPort}`,
  key: { from: 'demo' },
  demo: true,
  databaseUrl: undefined,
  keysDatabaseUrl: undefined,
  trustedProxies: [],
  internalAllow: [],
  mail: undefined,
  ownRanges: [],
})

export type RunningNode = AsyncDisposable & {
  readonly config: NodeConfig
  readonly internal: string
  readonly public: string
  readonly socket: string
  /** Everything the node wrote to its log. */
  readonly logged: () => string
  readonly setupToken: string
  readonly serviceKey: () => { id: string; key: string }
}

/** A real node in this process: own folder, own ports, real store; its clock may be moved. */
export async function runningNode(
  options: { role?: Role; clock?: () => number; config?: Partial<NodeConfig> } = {},
): Promise<RunningNode> {
  const role = options.role ?? 'platform'
  const data = mkdtempSync(join(tmpdir(), 'khien-node-'))
  const [internal, publicPort] = [await freePort(), await freePort()]
  const config: NodeConfig = { ...demoConfig(role, join(data, role), internal, publicPort), ...options.config }
  const lines: string[] = []
  const node = await startNode(config, {
    clock: options.clock ?? Date.now,
    entropy: systemEntropy,
    log: jsonLog((line) => lines.push(line)),
  })
  return {
    config,
    internal: config.internalOrigin,
    public: config.publicOrigin,
    socket: join(config.folder, 'run', 'node.sock'),
    logged: () => lines.join(''),
    setupToken: new URL(String(node.note?.['setupLink'] ?? 'http://x/?token=')).searchParams.get('token') ?? '',
    serviceKey: () =>
      JSON.parse(readFileSync(join(data, 'marketplace', 'service-key.json'), 'utf8')) as { id: string; key: string },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  }
}

/** Six digits as an authenticator app shows them (RFC 6238), from the base32 secret on the page. */
export function authenticator(base32: string, now = Date.now()): string {
  const bits = [...base32.replaceAll(' ', '')]
    .map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0'))
    .join('')
  const secret = Uint8Array.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)))
  const mac = createHmac('sha1', secret).update(counter).digest()
  return String((mac.readUInt32BE(mac[19]! & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

export const form = (
  origin: string,
  cookie: string | undefined,
  fields: Record<string, string> | [string, string][],
): RequestInit => ({
  method: 'POST',
  redirect: 'manual',
  headers: { origin, 'content-type': 'application/x-www-form-urlencoded', ...(cookie === undefined ? {} : { cookie }) },
  body: new URLSearchParams(fields).toString(),
})

export const cookieOf = (response: Response): string => (response.headers.get('set-cookie') ?? '').split(';')[0]!

/** Redeems a one-time link as a person would: reads the secret off the page, types the six digits. */
export async function enrol(origin: string, token: string, name: string, now?: number): Promise<string> {
  const page = await (await fetch(`${origin}/setup?token=${token}`)).text()
  const secret = /id="totp-secret"[^>]*>([^<]+)</.exec(page)![1]!
  const response = await fetch(
    `${origin}/setup`,
    form(origin, undefined, { token, name, password: PASSWORD, code: authenticator(secret, now) }),
  )
  if (response.status !== 303) throw new Error(`enrolment answered ${response.status}`)
  return cookieOf(response)
}
