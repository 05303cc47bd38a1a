import { z } from 'zod'
import { route } from '../../kit/contract.ts'
import { At } from '../../kit/listing.ts'

const internal = { listener: 'internal' } as const
const readers = { roles: ['administrator', 'analyst', 'dpo', 'auditor'] } as const
const administrators = { roles: ['administrator'] } as const
const Name = z.string().trim().min(2).max(120)
/** 32 bytes of an Ed25519 key, base64url. */
const Key = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected the 43 signs of a signing key')
const Delivery = z.strictObject({
  alert: z.string(),
  state: z.enum(['waiting', 'sent', 'failed']),
  tries: z.int(),
  /** Kinds of observables the gate held back. */
  held: z.array(z.string()),
  error: z.string().nullable(),
  at: At,
})
const Client = z.strictObject({ keyId: z.string(), name: Name, addedAt: At, lastAt: At.nullable(), alerts: z.int() })
const Soc = z.strictObject({
  /** This node's own signing key, for the other side to enter. */
  key: z.string(),
  contract: z.strictObject({ name: Name, url: z.string() }).nullable(),
  deliveries: z.array(Delivery),
  clients: z.array(Client),
})

export const socRoutes = {
  show: route({
    ...internal,
    id: 'soc.show',
    method: 'GET',
    path: '/api/soc',
    access: readers,
    summary: 'The security operations centre that watches for us, and those we watch for',
    response: Soc,
  }),
  contract: route({
    ...internal,
    id: 'soc.contract',
    method: 'PUT',
    path: '/api/soc/contract',
    access: administrators,
    summary: 'Name the contracted centre; from now on lawful fields of each alert go there, signed',
    body: z.strictObject({ name: Name, url: z.url({ protocol: /^https?$/ }).max(300) }),
    response: Soc,
  }),
  endContract: route({
    ...internal,
    id: 'soc.end-contract',
    method: 'DELETE',
    path: '/api/soc/contract',
    access: administrators,
    summary: 'End the contract: nothing leaves any more',
    body: z.strictObject({}),
    response: Soc,
  }),
  addClient: route({
    ...internal,
    id: 'soc.add-client',
    method: 'POST',
    path: '/api/soc/clients',
    access: administrators,
    summary: 'Take alerts from a platform that contracted us, signed with this key',
    body: z.strictObject({ name: Name, key: Key }),
    response: Soc,
  }),
  receive: route({
    listener: 'public',
    id: 'soc.receive',
    method: 'POST',
    path: '/soc/alerts',
    access: { open: true },
    bytes: true,
    summary: 'One alert of a client platform, with an RFC 9421 signature (Ed25519); a repeat changes nothing',
    response: z.strictObject({ received: z.literal(true) }),
  }),
} as const
