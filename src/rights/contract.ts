import { z } from 'zod'
import { route } from '../kit/contract.ts'

const page = { listener: 'public', kind: 'page' } as const
const file = { listener: 'public', kind: 'file' } as const
const person = { person: true } as const
const none = z.strictObject({})

export const rightsRoutes = {
  enter: route({
    ...page,
    id: 'rights.enter',
    method: 'GET',
    path: '/me/enter',
    spends: true,
    access: { open: true },
    summary: 'Arrive by a signed link of the protected app',
    query: z.strictObject({ t: z.string().max(2_000) }),
  }),
  me: route({
    ...page,
    id: 'rights.me',
    method: 'GET',
    path: '/me',
    access: person,
    summary: 'What is held, on what it rests, who read it',
    query: z.strictObject({ before: z.string().max(80).optional() }),
  }),
  withdraw: route({
    ...page,
    id: 'rights.withdraw',
    method: 'POST',
    path: '/me/withdraw',
    access: person,
    summary: 'Withdraw one consent',
    body: z.strictObject({ purpose: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/) }),
  }),
  withdrawn: route({
    ...page,
    id: 'rights.withdrawn',
    method: 'GET',
    path: '/me/withdrawn',
    access: person,
    summary: 'The withdrawal is done: receipt and what goes on',
    query: z.strictObject({ receipt: z.string().max(40) }),
  }),
  receipt: route({
    ...file,
    id: 'rights.receipt',
    method: 'GET',
    path: '/me/receipts/:code',
    access: person,
    summary: 'A signed receipt to keep',
    params: z.strictObject({ code: z.string().regex(/^KB(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/) }),
    query: none,
  }),
  proof: route({
    ...file,
    id: 'rights.proof',
    method: 'GET',
    path: '/me/proofs/:id',
    access: person,
    summary: 'Proof that a read stands in the log',
    params: z.strictObject({ id: z.string().regex(/^aud_[0-9A-Z]{26}$/) }),
    query: none,
  }),
  leave: route({
    ...page,
    id: 'rights.leave',
    method: 'POST',
    path: '/me/leave',
    access: { open: true },
    summary: 'End the visit',
  }),
  policy: route({
    ...page,
    id: 'rights.policy',
    method: 'GET',
    path: '/',
    access: { open: true },
    summary: 'What the controller does with data, and how to check it',
    query: none,
  }),
} as const
