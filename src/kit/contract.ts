import type { z } from 'zod'

/** Who works for the controller. Nobody holds a right that is not named here. */
export const STAFF_ROLES = ['administrator', 'dpo', 'analyst', 'moderator', 'inspector', 'support', 'auditor'] as const
export type StaffRole = (typeof STAFF_ROLES)[number]

/** What a service key (the protected app) may be allowed to do. */
export const SCOPES = [
  'processing:declare',
  'consent:write',
  'consent:read',
  'agreement:write',
  'vault:write',
  /** Without it the tokens of only so many values are given in an hour. */
  'vault:tokens',
  'vault:read',
  'vault:search',
  'vault:password',
  'vault:declare',
  'vault:erase',
  'vault:relay',
  'events:write',
  'subscribers:write',
] as const
export type Scope = (typeof SCOPES)[number]

/** Who may call a route. Several may be named; with none of them the route answers 401 or 403. */
export type Access = {
  /** Anyone, without a session. */
  readonly open?: true
  /** A member of staff with one of these roles, on the internal listener. */
  readonly roles?: readonly StaffRole[]
  /** The protected app, with a service key of this scope. */
  readonly scope?: Scope
  /** The data subject, handed over by the protected app. */
  readonly person?: true
}

export type Listener = 'internal' | 'public'
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** One row of a slice's route table. The same row is served, documented, tested and typed from. */
export type Route = {
  readonly id: string
  readonly method: Method
  /** `/api/vault/records/:id` */
  readonly path: string
  readonly listener: Listener
  readonly access: Access
  readonly summary: string
  /** `page` answers HTML and reads forms; `stream` keeps the answer open; `file` answers other bytes. */
  readonly kind?: 'api' | 'page' | 'stream' | 'file'
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly response?: z.ZodType
  /** Takes `Idempotency-Key`; a repeat answers what the first answered. */
  readonly once?: true
  /** The body is handed over as the bytes that came (`application/x-ndjson`, text or a file); `body` is not parsed. */
  readonly bytes?: true
  /** Largest body in bytes; 64 KiB unless said. */
  readonly maxBody?: number
  /** A GET that uses something up (a one-time link): HEAD, which previews send, is refused. */
  readonly spends?: true
  /** Served although the node is sealed. */
  readonly whileSealed?: true
}

type Of<R, K extends string> = R extends { readonly [key in K]: infer S extends z.ZodType } ? z.output<S> : undefined
export type Input<R extends Route> = {
  readonly params: Of<R, 'params'>
  readonly query: Of<R, 'query'>
  readonly body: R extends { readonly bytes: true } ? Uint8Array : Of<R, 'body'>
}
export type Output<R extends Route> = R extends { readonly response: infer S extends z.ZodType } ? z.input<S> : unknown

/** Keeps the literal types of one row. */
export const route = <const T extends Route>(row: T): T => row

/** Who calls, once known. */
export type Caller =
  | { readonly kind: 'nobody' }
  | {
      readonly kind: 'staff'
      readonly id: string
      readonly session: string
      readonly roles: readonly StaffRole[]
      readonly name: string
    }
  | { readonly kind: 'service'; readonly id: string; readonly scopes: readonly Scope[] }
  | { readonly kind: 'person'; readonly id: string; readonly session: string; readonly subject: string }

/** The name a caller has in the log: an id, never a person's name. */
export const actorOf = (caller: Caller): string => (caller.kind === 'nobody' ? 'nobody' : `${caller.kind}:${caller.id}`)

/** An `Idempotency-Key` as it reached us. `fingerprint` binds it to caller, route and body without keeping any value. */
export type Once = { readonly key: string; readonly caller: string; readonly fingerprint: string }
