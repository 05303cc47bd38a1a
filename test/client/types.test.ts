import assert from 'node:assert/strict'
import test from 'node:test'
import type { z } from 'zod'
import type { Khien, MessageItem, MessagesWanted, RelayBody } from '../../src/client/index.ts'
import type { consentRoutes } from '../../src/consent/contract.ts'
import type { vaultRoutes } from '../../src/vault/contract.ts'
import { vaultRoutes as vault } from '../../src/vault/contract.ts'

// The packed client carries types of its own, without zod. Here the compiler holds each against the node's contract:
// what the client may send, the node takes; what the node answers, the client says. A difference is an error of `tsc`.

type C = typeof consentRoutes
type V = typeof vaultRoutes
type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T
type Body<R> = R extends { readonly body: infer S extends z.ZodType } ? z.input<S> : never
/** JSON has no `undefined`: what is optional is there or is not. */
type Exact<T> = T extends object ? { [K in keyof T]: Exact<Exclude<T[K], undefined>> } : T
type Answer<R> = R extends { readonly response: infer S extends z.ZodType } ? Exact<z.output<S>> : never
type Method = Exclude<keyof Khien, 'conversations'>
type Sent<K extends Method> = Writable<Parameters<Khien[K]>[0]>
type Said<K extends Method> = Awaited<ReturnType<Khien[K]>>
type Talk = Khien['conversations']
type Heard<K extends keyof Talk> = Awaited<ReturnType<Talk[K]>>

/** An error where the first type does not fit the second. */
type Fits<A extends B, B> = A
export type Sends = [
  Fits<Sent<'declare'>, Body<C['declare']>>,
  Fits<Sent<'decide'>, Body<C['decide']>>,
  Fits<Sent<'withdraw'>, Body<C['withdraw']>>,
  Fits<Sent<'openAgreement'>, Body<C['openAgreement']>>,
  Fits<Sent<'closeAgreement'>, Body<C['closeAgreement']>>,
  Fits<Sent<'put'>, Body<V['put']>['items']>,
  Fits<Sent<'check'>, Body<V['check']>['items']>,
  Fits<Sent<'update'>, Body<V['update']>['items']>,
  Fits<Sent<'tokens'>, Body<V['tokens']>>,
  Fits<Sent<'get'>, Body<V['get']>>,
  Fits<Sent<'search'>, Body<V['search']>>,
  Fits<Sent<'checkPassword'>, Body<V['checkPassword']>>,
  Fits<Sent<'erase'>, Body<V['erase']>>,
  Fits<Sent<'export'>, Body<V['export']>>,
  Fits<Sent<'importPasswords'>, Body<V['importPasswords']>['items']>,
  // By name alone: what is sent on is any JSON, which the compiler would follow without end.
  Fits<keyof RelayBody, keyof Body<V['relay']>>,
  Fits<keyof RelayBody['items'][number], keyof Body<V['relay']>['items'][number]>,
  Fits<Sent<'declareCollections'>, Body<V['declareCollections']>['collections']>,
  Fits<Writable<Parameters<Talk['open']>[0]>, Body<V['openConversation']>['people']>,
  Fits<Writable<MessageItem>, Body<V['writeMessages']>['items'][number]>,
  Fits<Writable<MessagesWanted>, Body<V['readMessages']>>,
]
export type Hears = [
  Fits<Answer<C['declare']>, Said<'declare'>>,
  Fits<Answer<C['processing']>, Said<'processing'>>,
  Fits<Answer<C['decide']>, Said<'decide'>>,
  Fits<Answer<C['state']>, Said<'consents'>>,
  Fits<Answer<C['openAgreement']>, Said<'openAgreement'>>,
  Fits<Answer<V['put']>, Said<'put'>>,
  Fits<Answer<V['update']>, Said<'update'>>,
  Fits<Answer<V['tokens']>, Said<'tokens'>>,
  Fits<Answer<V['get']>, Said<'get'>>,
  Fits<Answer<V['search']>, Said<'search'>>,
  Fits<Answer<V['checkPassword']>, Said<'checkPassword'>>,
  Fits<Answer<V['erase']>, Said<'erase'>>,
  Fits<Answer<V['export']>, Said<'export'>>,
  Fits<Answer<V['shred']>, Said<'shred'>>,
  Fits<Answer<V['importPasswords']>, Said<'importPasswords'>>,
  Fits<Answer<V['relay']>, Said<'relay'>>,
  Fits<Answer<V['recipients']>['recipients'], Said<'recipients'>>,
  Fits<Answer<V['collections']>, Said<'collections'>>,
  Fits<Answer<V['declareCollections']>, Said<'declareCollections'>>,
  Fits<Answer<V['openConversation']>, Heard<'open'>>,
  Fits<Answer<V['conversation']>, Heard<'find'>>,
  Fits<Answer<V['writeMessages']>, Heard<'write'>>,
  Fits<Answer<V['readMessages']>, Heard<'read'>>,
  Fits<Answer<V['eraseMessages']>, Heard<'erase'>>,
  Fits<Answer<V['endConversation']>, Heard<'end'>>,
  Fits<Answer<V['addBox']>, Heard<'addBox'>>,
  Fits<Answer<V['removeBox']>, Heard<'removeBox'>>,
]

test('every route of the vault that a service key may call has its method in the client', () => {
  const named: Readonly<Record<string, keyof Khien | 'inside'>> = {
    'vault.put': 'put',
    'vault.check': 'check',
    'vault.update': 'update',
    'vault.tokens': 'tokens',
    'vault.get': 'get',
    'vault.search': 'search',
    'vault.check-password': 'checkPassword',
    'vault.erase': 'erase',
    'vault.export': 'export',
    'vault.shred': 'shred',
    'vault.collections': 'collections',
    'vault.declare-collections': 'declareCollections',
    'vault.import-passwords': 'importPasswords',
    'vault.relay': 'relay',
    'vault.recipients': 'recipients',
    'vault.open-conversation': 'conversations',
    'vault.conversation': 'conversations',
    'vault.write-messages': 'conversations',
    'vault.read-messages': 'conversations',
    'vault.erase-messages': 'conversations',
    'vault.end-conversation': 'conversations',
    'vault.add-box': 'conversations',
    'vault.remove-box': 'conversations',
    'vault.inbox-key': 'inside',
    'vault.inbox': 'inside',
    // The receipt is answered by `shred`; looking at it again is for staff.
    'vault.shred-receipt': 'inside',
  }
  const open = Object.values(vault).filter((route) => 'scope' in route.access)
  assert.deepEqual(
    open.map((route) => route.id).filter((id) => !Object.hasOwn(named, id)),
    [],
  )
})
