import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Identity } from '../identity/index.ts'
import { STAFF_ROLES, type Scope } from '../kit/contract.ts'
import type { NodeConfig, Role } from './config.ts'

// What demo nodes leave in the data folder for the demo's other programs. A node that is no demo leaves nothing.

type App = { readonly name: string; readonly folder: string; readonly scopes: readonly Scope[] }
/** The programs around the demo's nodes: the shop, and the telecom's own collectors. */
const APPS: Readonly<Partial<Record<Role, App>>> = {
  platform: {
    name: 'Chợ Sen',
    folder: 'marketplace',
    scopes: [
      'processing:declare',
      'consent:write',
      'consent:read',
      'agreement:write',
      'vault:write',
      'vault:read',
      'vault:search',
      'vault:password',
      'vault:declare',
      'vault:erase',
      'vault:relay',
      'vault:tokens',
      'events:write',
    ],
  },
  telecom: { name: 'Mạng Sông Hồng', folder: 'telecom-network', scopes: ['events:write', 'subscribers:write'] },
}

/** The demo's programs find their service key here; a key that this node no longer knows is made anew. */
export async function leaveServiceKey(config: NodeConfig, identity: Identity): Promise<void> {
  const app = APPS[config.role]
  if (!app) return
  const known = (await identity.keys.list()).some((key) => key.name === app.name && key.revoked_at === null)
  if (known) return
  const { id, key } = await identity.keys.create(app.name, app.scopes, 'host')
  write(join(dirname(config.folder), app.folder, 'service-key.json'), { id, key })
}

/** What a name server would say of our mail's signature; the demo's mailbox checks with it. */
export function leaveMailKey(config: NodeConfig, record: { readonly name: string; readonly value: string }): void {
  write(join(mailKeys(dirname(config.folder)), `${config.role}.json`), { [record.name]: record.value })
}
export const mailKeys = (data: string): string => join(data, 'mailbox', 'dkim')

/**
 * The demo's own operators: whoever may open the node's socket may act as the host anyway. Never an administrator: the
 * link that a start prints for the first one must go on working.
 */
export async function demoInvite(identity: Identity, body: unknown): Promise<{ token: string }> {
  const { roles } = z.object({ roles: z.array(z.enum(STAFF_ROLES).exclude(['administrator'])).min(1) }).parse(body)
  return { token: await identity.staff.invite(roles, 'demo') }
}

function write(path: string, value: object): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // Whole or not at all: another program may be reading.
  writeFileSync(`${path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
}
