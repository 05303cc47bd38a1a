import { z } from 'zod'
import { route } from '../kit/contract.ts'

const watchers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const internal = { listener: 'internal' } as const
export const RefusalId = z
  .string()
  .regex(/^R(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/, 'expected a request id such as R-7Q4K-2MXB')

export const gatewayRoutes = {
  list: route({
    ...internal,
    kind: 'page',
    id: 'gateway.refusals',
    method: 'GET',
    path: '/refusals',
    access: watchers,
    summary: 'Refused requests, newest first, live',
    query: z.strictObject({
      before: RefusalId.optional(),
      id: z.string().trim().toUpperCase().pipe(RefusalId).optional(),
    }),
  }),
  one: route({
    ...internal,
    kind: 'page',
    id: 'gateway.refusal',
    method: 'GET',
    path: '/refusals/:id',
    access: watchers,
    summary: 'One refused request',
    params: z.strictObject({ id: RefusalId }),
    query: z.strictObject({}),
  }),
  live: route({
    ...internal,
    kind: 'stream',
    id: 'gateway.live',
    method: 'GET',
    path: '/refusals/live',
    access: watchers,
    summary: 'Refusals as they happen (server-sent events)',
    query: z.strictObject({}),
  }),
} as const
