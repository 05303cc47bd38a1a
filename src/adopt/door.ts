import { setTimeout as sleep } from 'node:timers/promises'
import { KhienRefusal } from '../client/index.ts'
import { KhienError } from '../kit/errors.ts'

export type VaultItem = { subject: string; collection: string; record: string }
export type PutItem = VaultItem & { fields: Record<string, string> }
export type Refused = { ok: false; code: string; detail: string; field?: string }
export type PutAnswer = { ok: true; tokens?: Record<string, string> } | Refused
export type GetAnswer = { ok: true; fields: Record<string, string | null> } | Refused
export type Field = { collection: string; field: string; token: string | null; writeOnly: boolean; longest: number }

type OldEvidence = { given: string; method: string; text: string; kept: string }
/** As `POST /api/consents/taken-over` and `/api/agreements/taken-over` take them. */
export type OldConsent = { subject: string; evidence: OldEvidence } & (
  | { purpose: string; version: number; withdrawn?: string }
  | { kind: string; ref: string; ended?: string }
)
export type TakenAnswer = { ok: true; state: 'live' | 'kept' | 'ended' | 'known'; why: string | null } | Refused

type Place = { collection: string; record: string; fields: string[] }
type Records = { records: { collection: string; record: string; fields: Record<string, string | null> }[] }

/** What moving needs of a vault. Every call takes at most 200 items. */
export type Door = {
  /** Whether it is a vault that answers there, asked without the key. Errors: `adopt/vault`, with the address. */
  readonly greet: () => Promise<void>
  readonly put: (items: readonly PutItem[]) => Promise<PutAnswer[]>
  readonly get: (
    purpose: string,
    reason: string,
    items: readonly (VaultItem & { fields: string[] })[],
  ) => Promise<GetAnswer[]>
  readonly tokens: (collection: string, field: string, values: readonly string[]) => Promise<string[]>
  readonly erase: (reason: string, items: readonly (VaultItem & { fields?: string[] })[]) => Promise<void>
  /** Places of one person that a purpose opens. */
  readonly heldOf: (purpose: string, reason: string, subject: string) => Promise<Place[]>
  readonly fields: () => Promise<Field[]>
  /** Consents or agreements of before, with the evidence there is. */
  readonly takeOver: (
    what: 'consents' | 'agreements',
    statedBy: string,
    items: readonly OldConsent[],
  ) => Promise<TakenAnswer[]>
}
export const CALL = 200
/** A vault that is just being started is back by then. */
const GREET_MS = 20_000
const UNREACHABLE = { code: 'client/unreachable', detail: 'The vault does not answer.' }

export type DoorOptions = {
  readonly origin: string
  readonly key: string
  /** How long one call may take, repeats included. Rows are locked meanwhile, so: short. */
  readonly timeoutMs?: number
}

/**
 * The vault over HTTP. Writes carry an idempotency key, so a repeat after a lost answer does no harm. Errors:
 * `KhienRefusal`, with status 0 or 503 when the vault is away and trying later makes sense.
 */
export function openDoor({ origin, key: serviceKey, timeoutMs = 4_000 }: DoorOptions): Door {
  if (!/^khk_[0-9A-Z]{26}_[\w-]{43}$/.test(serviceKey))
    throw new KhienError('adopt/key', 'The file of --key-file does not hold a service key (khk_…).', {
      field: 'key-file',
    })
  if (!/^https?:\/\/[^/]+\/?$/.test(origin))
    throw new KhienError('adopt/vault', '--vault: expected the internal address of the node, http://127.0.0.1:8081.', {
      field: 'vault',
    })
  const base = origin.replace(/\/$/, '')

  async function call<T>(method: string, path: string, body?: object, key?: string): Promise<T> {
    const end = Date.now() + timeoutMs
    const headers: Record<string, string> = {
      authorization: `Bearer ${serviceKey}`,
      'content-type': 'application/json',
    }
    if (key !== undefined) headers['idempotency-key'] = key
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    for (let wait = 50; ; wait *= 2) {
      const signal = AbortSignal.timeout(Math.max(1, end - Date.now()))
      const response = await fetch(base + path, { method, headers, ...text, signal }).catch(() => undefined)
      if (response?.ok) return (await response.json().catch(() => Promise.reject(notVault(base)))) as T
      const problem = (await response?.json().catch(() => ({}))) as object | undefined
      if (response && response.status !== 503) throw new KhienRefusal(response.status, problem ?? {})
      if (Date.now() + wait >= end) throw new KhienRefusal(response?.status ?? 0, problem ?? UNREACHABLE)
      await sleep(wait)
    }
  }

  async function greet(): Promise<void> {
    for (const end = Date.now() + GREET_MS; ; await sleep(500)) {
      const signal = AbortSignal.timeout(timeoutMs)
      const response = await fetch(`${base}/api/vault/collections`, { signal, redirect: 'manual' }).catch(() => undefined) // prettier-ignore
      if (response === undefined) {
        if (Date.now() < end) continue
        throw new KhienError('adopt/vault', `Nothing answers at ${base}; ${INTERNAL}`, { field: 'vault' })
      }
      const { type } = (await response.json().catch(() => ({}))) as { type?: unknown }
      if (!String(type).startsWith('urn:khien:error:') || response.status === 404) throw notVault(base)
      return
    }
  }

  /**
   * A write whose answer was lost may still be under way, and would land on top of a newer one. So it is repeated under its
   * key until it is known to be done with, and until then nothing else is written.
   */
  let unsettled: Promise<void> | undefined
  async function write<T>(path: string, body: object): Promise<T> {
    if (unsettled)
      await Promise.race([unsettled, sleep(timeoutMs).then(() => Promise.reject(new KhienRefusal(0, UNREACHABLE)))])
    const key = crypto.randomUUID()
    try {
      return await call<T>('POST', path, body, key)
    } catch (error) {
      if (isAway(error)) unsettled = settle(path, body, key, unsettled)
      throw error
    }
  }
  async function settle(path: string, body: object, key: string, before: Promise<void> | undefined): Promise<void> {
    await before
    for (let wait = 100; ; wait = Math.min(5_000, wait * 2)) {
      await sleep(wait, undefined, { ref: false })
      try {
        await call('POST', path, body, key)
        break
      } catch (error) {
        if (!isAway(error)) break
      }
    }
  }
  type Items<T> = { items: T[] }

  return {
    greet,
    put: async (items) => (await write<Items<PutAnswer>>('/api/vault/put', { items })).items,
    get: async (purpose, reason, items) =>
      (await call<Items<GetAnswer>>('POST', '/api/vault/get', { purpose, reason, items })).items,
    tokens: async (collection, field, values) =>
      (await call<{ tokens: string[] }>('POST', '/api/vault/tokens', { collection, field, values })).tokens,
    erase: async (reason, items) => {
      const { items: answers } = await write<Items<{ ok: boolean } & Refused>>('/api/vault/erase', { reason, items })
      const refused = answers.find((answer) => !answer.ok)
      if (refused) throw new KhienError(refused.code, refused.detail)
    },
    heldOf: async (purpose, reason, subject) =>
      (await call<Records>('POST', '/api/vault/export', { purpose, reason, subject })).records.map(
        ({ collection, record, fields }) => ({ collection, record, fields: Object.keys(fields) }),
      ),
    takeOver: async (what, statedBy, items) =>
      (await write<Items<TakenAnswer>>(`/api/${what}/taken-over`, { statedBy, items })).items,
    fields: async () => (await call<{ fields: Field[] }>('GET', '/api/vault/collections')).fields,
  }
}

const INTERNAL = '--vault is the internal address of the node, http://127.0.0.1:8081 unless told otherwise.'
const notVault = (base: string): KhienError =>
  new KhienError('adopt/vault', `What answers at ${base} is not the vault: the gateway, or the public address? ${INTERNAL}`, { field: 'vault' }) // prettier-ignore

/** The vault is away, sealed or busy: it will be worth asking again. */
export const isAway = (error: unknown): boolean =>
  error instanceof KhienRefusal && [0, 429, 502, 503, 504].includes(error.status)

export function* parts<T>(list: readonly T[], size = CALL): Generator<T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size)
}
