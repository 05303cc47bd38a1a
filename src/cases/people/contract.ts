import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At } from '../../kit/listing.ts'

const internal = { listener: 'internal' } as const
const readers = { roles: ['administrator', 'analyst', 'auditor'] } as const
const administrators = { roles: ['administrator'] } as const
const Level = z.enum(['low', 'medium', 'high', 'critical'])
const Recipient = z.strictObject({
  id: z.string(),
  kind: z.enum(['email', 'webhook']),
  /** Masked: `h•••@example.vn`, `https://chat.example.vn/•••`. */
  target: z.string(),
  from: Level,
  told: z.int(),
  failing: z.boolean(),
  lastAt: At.nullable(),
})
const Recipients = z.strictObject({
  items: z.array(Recipient),
  mail: z.boolean(),
  /** Notices not sent because a recipient had sixty in the hour; since the node started. */
  held: z.int(),
})

export const peopleRoutes = {
  list: route({
    ...internal,
    id: 'people.list',
    method: 'GET',
    path: '/api/detection/recipients',
    access: readers,
    summary: 'Who is told of new alerts, by e-mail or webhook',
    response: Recipients,
  }),
  add: route({
    ...internal,
    id: 'people.add',
    method: 'POST',
    path: '/api/detection/recipients',
    access: administrators,
    summary: 'Tell somebody of new alerts from a level on',
    body: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('email'),
        target: z.email().max(254),
        from: Level,
        language: z.enum(['vi', 'en']),
      }),
      z.strictObject({ kind: z.literal('webhook'), target: z.url({ protocol: /^https?$/ }).max(500), from: Level }),
    ]),
    response: Recipients,
  }),
  remove: route({
    ...internal,
    id: 'people.remove',
    method: 'DELETE',
    path: '/api/detection/recipients/:id',
    access: administrators,
    summary: 'Tell this recipient no more',
    params: z.strictObject({ id: z.string().regex(/^rcp_[0-9A-Z]{26}$/, 'expected the id of a recipient') }),
    body: z.strictObject({}),
    response: Recipients,
  }),
} as const
