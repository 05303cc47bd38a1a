import { answer, type Bound } from '../../http/index.ts'
import { iso } from '../../kit/clock.ts'
import { KhienError } from '../../kit/errors.ts'
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
}

/** What the console shows on top of every page. A node that answers this is unsealed; a sealed one answers 503. */
export const meApi = ({ node, head }: MeContext): readonly Bound[] => [
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
]
