// What the node takes and answers, written out so that the packed client needs nothing else; test/client/types.test.ts
// holds each against the node's own contract.

export type Both = { readonly vi: string; readonly en: string }
export type Purpose = {
  readonly id: string
  readonly title: Both
  readonly what: Both
  readonly ground: 'consent' | 'agreement' | 'law'
  /** Kind of agreement this use serves; required for ground `agreement`. */
  readonly agreement?: string
  /** The duty in words; required for ground `law`. */
  readonly duty?: Both
  /** `person.phone` */
  readonly fields: readonly string[]
  readonly recipients: readonly { readonly id: string; readonly name: string; readonly notify?: string }[]
  /** Required for ground `consent`. */
  readonly ifWithdrawn?: Both
}
export type Declared = {
  notice: { version: number; text: { vi: string; en: string } }
  purposes: { version: number; purpose: Purpose }[]
}
export type Decisions = {
  readonly subject: string
  readonly notice: number
  readonly language: 'vi' | 'en'
  readonly method: 'web-form' | 'app' | 'paper' | 'call' | 'sms'
  readonly decisions: readonly { readonly purpose: string; readonly version: number; readonly given: boolean }[]
}
export type ConsentReceipt = { code: string; receipt: string }
export type Consents = {
  consents: { purpose: string; version: number; givenAt: string; withdrawnAt: string | null }[]
}
export type Agreement = { readonly subject: string; readonly kind: string; readonly ref: string }

/** One refused item of a batch; the others are not touched by it. */
export type Refused = { ok: false; code: string; detail: string; field?: string }
/** Where something lies. `record`: one thing of a person (an order); without it the person's only one. */
export type Place = { readonly subject: string; readonly collection: string; readonly record?: string }
export type PutItem = Place & { readonly fields: Readonly<Record<string, string>> }
export type PutAnswer = { ok: true; tokens?: Record<string, string>; bands?: Record<string, string> } | Refused
/** `spooled`: sealed and kept under this id, and delivered when the vault is back. */
export type SoonAnswer = PutAnswer | { ok: true; spooled: string }
/** What became of an item that was spooled. */
export type Delivered =
  /** `known`: it was there already; ask `tokens` for its tokens. */
  | { id: string; ok: true; known?: true; tokens?: Record<string, string>; bands?: Record<string, string> }
  | { id: string; ok: false; code: string; detail: string; field?: string }

export type GetItem = Place & { readonly fields: readonly string[]; readonly agreement?: string }
export type GetBody = {
  readonly purpose: string
  /** A ticket or code, never a sentence. */
  readonly reason: string
  readonly items: readonly GetItem[]
  /** Beside each value the form in which it may stand on a screen. */
  readonly masks?: boolean
}
type Values = Record<string, string | null>
export type GetAnswer = { items: ({ ok: true; fields: Values; masks?: Values } | Refused)[] }
/** `stale`: the vault did not answer; this is what it said at `at` (milliseconds). */
export type MaskedItem = { ok: true; masks: Values; stale: boolean; at: number } | Refused
export type SearchBody = {
  readonly purpose: string
  readonly reason: string
  readonly collection: string
  readonly field: string
  readonly value: string
  readonly by?: 'equal' | 'last' | 'prefix' | 'name'
}
export type Found = { found: { subject: string; record: string }[] }
export type PasswordBody = {
  readonly purpose: string
  readonly reason: string
  readonly subject: string
  readonly password: string
}
export type EraseItem = Place & { readonly fields?: readonly string[] }
export type EraseAnswer = { items: ({ ok: true; erased: number } | Refused)[] }
export type Exported = {
  subject: string
  at: string
  records: { collection: string; record: string; fields: Values }[]
  closed: { collection: string; record: string; code: string }[]
  /** Read one by one with `conversations.read`. */
  conversations: { id: string; mode: 'open' | 'sealed' }[]
}
export type StoredHash = {
  readonly subject: string
  /** argon2 (PHC), bcrypt, PHPass, PBKDF2 of Django or Passlib, or MD5, SHA-1, SHA-256, SHA-512 in hexadecimal. */
  readonly hash: string
  /** Of MD5 and SHA alone: the others carry theirs. */
  readonly salt?: string
  readonly order?: 'salt-first' | 'salt-last'
}
export type ImportAnswer = { items: ({ ok: true; scheme: string } | Refused)[] }
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }
export type RelayBody = {
  readonly recipient: string
  readonly purpose: string
  readonly reason: string
  /** `body`: what is sent, with `{{person.phone}}` or `{{order.address#DH-1}}` where a value belongs. */
  readonly items: readonly {
    readonly id: string
    readonly subject: string
    readonly record?: string
    readonly agreement?: string
    readonly body: { readonly [name: string]: Json }
  }[]
}
export type RelayAnswer = {
  items: (
    | { ok: true; id: string; status: number; answer: Record<string, unknown>; again: boolean }
    | { ok: false; id: string; code: string; detail: string; status?: number }
  )[]
}
export type Recipient = {
  id: string
  name: string
  url: string
  form: boolean
  headers: string[]
  timeoutMs: number
  atOnce: number
  repeats: boolean
  pass: string[]
  keep: { pointer: string; collection: string; field: string }[]
  since: string
}
export type ShredReceipt = {
  id: string
  subject: string
  unreadableHere: string
  unreadableInBackups: string
  receipt: string
}
/** What people are shown instead of a name of the program, at most 80 characters a language. */
export type Title = { readonly vi: string; readonly en: string }
export type FieldDeclaration = {
  readonly title?: Title
  readonly kind: FieldKind
  readonly class?: 'basic' | 'sensitive'
  readonly index?: readonly ('equal' | 'last' | 'prefix' | 'name')[]
  readonly last?: number
  readonly prefix?: number
  readonly token?: 'stable' | 'digits'
  readonly mask?: 'all' | 'last' | 'initials' | 'domain'
  readonly bands?: readonly ('province' | 'birth-decade')[]
  readonly keepDays?: number
  readonly longest?: number
}
export type FieldKind =
  | 'name'
  | 'phone'
  | 'email'
  | 'personal-id'
  | 'address'
  | 'password'
  | 'bank'
  | 'message'
  | 'birth-date'
  | 'sex'
  | 'passport'
  | 'plate'
  | 'tax-code'
  | 'social-insurance'
  | 'other'
  | 'origin'
  | 'belief'
  | 'private-life'
  | 'health'
  | 'biometric'
  | 'sex-life'
  | 'crime'
  | 'location'
  | 'id-image'
  | 'behaviour'
export type CollectionDeclaration = {
  readonly name: string
  readonly title?: Title
  readonly fields: Readonly<Record<string, FieldDeclaration>>
}
export type FieldShown = {
  collection: string
  collectionTitle: Title | null
  field: string
  title: Title | null
  kind: string
  class: 'basic' | 'sensitive'
  builtIn: boolean
  index: string[]
  token: string | null
  mask: string
  bands: string[]
  keepDays: number | null
  writeOnly: boolean
  longest: number
  indexing: boolean
}
