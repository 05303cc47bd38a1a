import { answer, type Bound } from '../../http/index.ts'
import { iso } from '../../kit/clock.ts'
import type { Scope } from '../../kit/contract.ts'
import { KhienError } from '../../kit/errors.ts'
import type { serviceKeyService } from '../service-keys.ts'
import { idleLimit } from '../sessions.ts'
import { meRoutes as rows } from './contract.ts'

export { meRoutes } from './contract.ts'

export type MeContext = {
  readonly node: {
    readonly role: 'platform' | 'telecom' | 'authority'
    readonly controller: string | null
    readonly demoKey: boolean
    readonly publicOrigin: string | null
  }
  readonly head: () => Promise<{ readonly size: number; readonly signedAt: number }>
  readonly keys: Pick<ReturnType<typeof serviceKeyService>, 'list'>
}

const MOST_CALLERS = 500

/** What the console shows on top of every page. A node that answers this is unsealed; a sealed one answers 503. */
export const meApi = ({ node, head, keys }: MeContext): readonly Bound[] => [
  answer(rows.me, async (_, { caller }) => {
    if (caller.kind !== 'staff') throw new KhienError('identity/not-allowed', 'Only for people.', { status: 403 })
    const log = await head().catch(() => undefined)
    return {
      name: caller.name,
      roles: [...caller.roles],
      node,
      log: log === undefined ? null : { leaves: log.size, signedAt: iso(log.signedAt) },
      idleMinutes: idleLimit(caller.roles) / 60_000,
    }
  }),
  answer(rows.callers, async () => ({
    callers: (await keys.list()).slice(-MOST_CALLERS).map((key) => ({
      caller: `service:${key.id}`,
      name: key.name,
      scopes: key.scopes.split(' ') as Scope[],
      createdAt: iso(Number(key.created_at)),
      revokedAt: key.revoked_at === null ? null : iso(Number(key.revoked_at)),
    })),
  })),
]
