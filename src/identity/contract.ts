import { z } from 'zod'
import { SCOPES, STAFF_ROLES, route } from '../kit/contract.ts'

const Token = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'expected the 43 signs of a one-time link')
const Name = z
  .string()
  .trim()
  .min(2)
  .max(40)
  .regex(/^[\p{L}\p{M}\p{N}._ -]+$/u, 'expected letters, digits, dot, dash or space')
const Password = z.string().min(12, 'expected at least 12 signs').max(200)
const Code = z.string().regex(/^\d{6}$/, 'expected six digits')
const many = <T extends z.ZodType>(item: T) =>
  z.preprocess(
    (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]),
    z.array(item).min(1).max(20),
  )

const internal = { listener: 'internal', kind: 'page' } as const
const administrators = { roles: ['administrator'] } as const

export const identityRoutes = {
  setup: route({
    ...internal,
    id: 'identity.setup',
    method: 'GET',
    path: '/setup',
    access: { open: true },
    summary: 'Redeem a one-time link: the form',
    query: z.strictObject({ token: Token }),
  }),
  enrol: route({
    ...internal,
    id: 'identity.enrol',
    method: 'POST',
    path: '/setup',
    access: { open: true },
    summary: 'Redeem a one-time link',
    body: z.strictObject({ token: Token, name: Name.optional(), password: Password, code: Code }),
  }),
  signInForm: route({
    ...internal,
    id: 'identity.sign-in-form',
    method: 'GET',
    path: '/sign-in',
    access: { open: true },
    summary: 'Sign in: the form',
    query: z.strictObject({}),
  }),
  signIn: route({
    ...internal,
    id: 'identity.sign-in',
    method: 'POST',
    path: '/sign-in',
    access: { open: true },
    summary: 'Sign in',
    body: z.strictObject({ name: z.string().trim().min(1).max(40), password: z.string().min(1).max(200), code: Code }),
  }),
  signOut: route({
    ...internal,
    id: 'identity.sign-out',
    method: 'POST',
    path: '/sign-out',
    access: { open: true },
    summary: 'Sign out',
  }),
  settings: route({
    ...internal,
    id: 'identity.settings',
    method: 'GET',
    path: '/settings',
    access: administrators,
    summary: 'People and keys',
    query: z.strictObject({}),
  }),
  invite: route({
    ...internal,
    id: 'identity.invite',
    method: 'POST',
    path: '/settings/invitations',
    access: administrators,
    summary: 'Invite a member of staff',
    body: z.strictObject({ roles: many(z.enum(STAFF_ROLES)) }),
  }),
  newKey: route({
    ...internal,
    id: 'identity.new-key',
    method: 'POST',
    path: '/settings/keys',
    access: administrators,
    summary: 'Make a service key',
    body: z.strictObject({ name: Name, scopes: many(z.enum(SCOPES)) }),
  }),
  revokeKey: route({
    ...internal,
    id: 'identity.revoke-key',
    method: 'POST',
    path: '/settings/keys/:id/revoke',
    access: administrators,
    summary: 'Revoke a service key',
    params: z.strictObject({ id: z.string().regex(/^khk_[0-9A-Z]{26}$/, 'expected a key id') }),
  }),
} as const
