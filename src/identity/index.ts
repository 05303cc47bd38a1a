import type { Caller } from '../kit/contract.ts'
import { KhienError } from '../kit/errors.ts'
import { cookieOf } from '../http/index.ts'
import type { IdentityContext } from './context.ts'
import { serviceKeyService } from './service-keys.ts'
import { sessionService } from './sessions.ts'
import { staffService } from './staff.ts'

export { identityRoutes } from './contract.ts'
export { identityPages } from './pages.ts'
export { identityMigrations } from './store.ts'
export { hashPassword, verifyPassword } from './passwords.ts'
export type { IdentityContext } from './context.ts'
export type Identity = ReturnType<typeof openIdentity>

/** Who works here, which applications may call, and which citizen is in front of us. */
export function openIdentity(ctx: IdentityContext) {
  const staff = staffService(ctx)
  const sessions = sessionService(ctx)
  const keys = serviceKeyService(ctx)
  // All nodes of one host share its cookies whatever the port, so the role is part of the name.
  const cookieName = (kind: 'staff' | 'person'): string => `khien-${ctx.role}-${kind}`
  const cookie = (kind: 'staff' | 'person', token: string, site: 'Strict' | 'Lax'): string =>
    `${cookieName(kind)}=${token}; Path=/; HttpOnly; SameSite=${site}${ctx.secure[kind] ? '; Secure' : ''}${token === '' ? '; Max-Age=0' : ''}`

  /** Reads the credential of a request. No credential is nobody; a wrong service key is an error. */
  async function authenticate(request: Request, listener: 'internal' | 'public', touch: boolean): Promise<Caller> {
    const authorization = request.headers.get('authorization')
    if (authorization !== null && listener === 'internal') {
      const caller = /^Bearer \S+$/.test(authorization) ? await keys.find(authorization.slice(7)) : undefined
      if (!caller)
        throw new KhienError('identity/bad-key', 'authorization: this service key is unknown here or revoked.', {
          status: 401,
          field: 'header.authorization',
        })
      return caller
    }
    const kind = listener === 'internal' ? 'staff' : 'person'
    const token = cookieOf(request, cookieName(kind))
    return (token ? await sessions.find(token, kind, touch) : undefined) ?? { kind: 'nobody' }
  }

  return {
    staff,
    sessions,
    keys,
    authenticate,
    cookieName,
    staffCookie: (token: string): string => cookie('staff', token, 'Strict'),
    // Lax: the person arrives by a link from the shop's own site.
    personCookie: (token: string): string => cookie('person', token, 'Lax'),
  }
}
