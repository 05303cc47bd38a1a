import { z } from 'zod'
import { route, SCOPES, STAFF_ROLES } from '../../kit/contract.ts'
import { At } from '../../kit/listing.ts'

export const meRoutes = {
  me: route({
    listener: 'internal',
    id: 'identity.me',
    method: 'GET',
    path: '/api/me',
    access: { roles: STAFF_ROLES },
    summary: 'Who is signed in, on whose node, and how far its log is signed',
    query: z.strictObject({}),
    response: z.strictObject({
      name: z.string(),
      roles: z.array(z.enum(STAFF_ROLES)),
      node: z.strictObject({
        role: z.enum(['platform', 'telecom', 'authority']),
        /** Null where the node does not tell its pages. */
        controller: z.string().nullable(),
        /** A demo key: anybody can open it. */
        demoKey: z.boolean(),
        publicOrigin: z.string().nullable(),
      }),
      log: z.strictObject({ leaves: z.int(), signedAt: At }).nullable(),
      /** Minutes without a request after which the session ends. */
      idleMinutes: z.int(),
    }),
  }),
  callers: route({
    listener: 'internal',
    id: 'identity.callers',
    method: 'GET',
    path: '/api/callers',
    access: { roles: ['administrator', 'dpo', 'auditor'] },
    summary: 'The names that service keys were given, to say who a caller is; never a secret',
    query: z.strictObject({}),
    response: z.strictObject({
      callers: z.array(
        z.strictObject({
          /** As it stands in the log and in enforcement: `service:` and the id of the key. */
          caller: z.string(),
          name: z.string(),
          scopes: z.array(z.enum(SCOPES)),
          createdAt: At,
          revokedAt: At.nullable(),
        }),
      ),
    }),
  }),
} as const
