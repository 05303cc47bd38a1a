import { KhienRefusal } from './error.ts'
import { sealing } from './sealing.ts'
import type { Spool, SpoolItem } from './spool.ts'
import { isAway, type Transport, type VaultState } from './transport.ts'
import type { Delivered, PutAnswer, PutItem, SoonAnswer } from './types.ts'

type Delivery = Delivered & { readonly later?: true }
type InboxAnswer = { items: Delivery[] }
export type SoonOptions = {
  readonly spool: Spool
  readonly serviceKey: string
  /** How long a first `putSoon` waits for a vault that hangs. */
  readonly soonMs: number
  readonly onDelivered: ((delivered: Delivered) => unknown) | undefined
}

/** Fewer than the inbox takes, so that the orders of the moment do not wait behind a long delivery. */
const BATCH = 200
const CHARACTERS = 2_000_000
const AGAIN_MS = [250, 500, 1_000, 2_000, 5_000, 15_000, 30_000]
/** What other processes left in a shared spool is looked for so often. */
const LOOK_MS = 15_000

/** Writes that never wait for the vault: put at once when it answers, else sealed, kept and delivered when it is back. */
export function soon(link: Transport, { spool, serviceKey, soonMs, onDelivered }: SoonOptions) {
  const seals = sealing(link, spool, serviceKey)
  const totals = { delivered: 0, lastError: undefined as string | undefined }
  let delivering: Promise<void> | undefined
  let timer: unknown
  let tries = 0
  let closed = false
  const looking: unknown = setInterval(() => void deliver(), LOOK_MS)
  ;(looking as { unref?: () => void }).unref?.()
  link.onUp(() => void deliver())
  void seals.prepare().then(deliver)

  async function putSoon(items: readonly PutItem[]): Promise<SoonAnswer[]> {
    const began = Date.now()
    checkItems(items)
    const plain = items.map(({ record = '-', ...item }) => ({ ...item, record }))
    const sealed = await seals.seal(plain, began)
    const answers = (await now(sealed)) ?? sealed.map(() => undefined)
    const other = answers.flatMap((one, i) => (one?.ok === false && one.code === 'vault/inbox-key-gone' ? [i] : []))
    if (other.length > 0) {
      // Another vault than the one whose key is noted here, or the same one restored: seal anew to the key of now.
      await seals.renew()
      const anew = await seals.seal(
        other.map((i) => plain[i]!),
        began,
      )
      const said = await now(anew)
      for (const [n, i] of other.entries()) [sealed[i], answers[i]] = [anew[n]!, said?.[n]]
    }
    const kept = sealed.filter((_, i) => answers[i] === undefined)
    if (kept.length > 0) await spool.add(kept)
    if (kept.length > 0 && link.state() === 'up') void deliver()
    return sealed.map(({ id }, i): SoonAnswer => answers[i] ?? { ok: true, spooled: id })
  }

  /**
   * What the vault says at once; undefined for all or for one item that must wait. Sealed here too: an answer that is
   * lost must not make it two writings, and one that a hanging vault takes late must not count as the newest.
   */
  async function now(sealed: readonly SpoolItem[]): Promise<(PutAnswer | undefined)[] | undefined> {
    if (link.state() !== 'up' || sealed.reduce((sum, item) => sum + item.sealed.length, 0) > CHARACTERS)
      return undefined
    try {
      const how = { onlyOnceMs: soonMs }
      const { items } = await link.call<InboxAnswer>('POST', '/api/vault/inbox', { items: sealed }, how)
      return items.map((one) => ('later' in one ? undefined : one))
    } catch (error) {
      if (!isAway(error)) throw error
      return undefined
    }
  }

  /** Delivers what waits, one batch after another, until nothing does or the vault is away; resolves then. */
  function deliver(): Promise<void> {
    if (closed) return Promise.resolve()
    return (delivering ??= work().finally(() => (delivering = undefined)))
  }

  async function work(): Promise<void> {
    // Files of a batch are cleared away while the next one travels.
    let settled: Promise<unknown> = Promise.resolve()
    let more = true
    while (more && !closed && link.state() === 'up') {
      const items = await spool.take(BATCH, CHARACTERS).catch(failed)
      if (items?.length === 0) break
      const results = items && (await send(items))
      await settled
      if (items && results) settled = spool.settle(items, results).catch(failed)
      // Away: the transport says when it is back. Anything else is tried again by and by, and shows in `lastError`.
      more = results !== undefined && results.done.size + results.refused.size > 0
      if (!more) again()
    }
    await settled
  }

  /** One batch to the vault; nothing done and nothing refused when it did not answer. */
  async function send(items: readonly SpoolItem[]) {
    const results = { done: new Set<string>(), refused: new Map<string, string>() }
    try {
      const how = { onlyOnceMs: 30_000 }
      const answer = await link.call<InboxAnswer>('POST', '/api/vault/inbox', { items }, how)
      totals.lastError = undefined
      tries = 0
      for (const one of answer.items) {
        if (!one.ok && one.later) continue
        if (one.ok) results.done.add(one.id)
        else results.refused.set(one.id, one.code)
        await tell(one)
      }
    } catch (error) {
      failed(error)
    }
    totals.delivered += results.done.size
    return results
  }

  function again(): void {
    if (closed || link.state() !== 'up') return
    const wait = AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]!
    clearTimeout(timer as Parameters<typeof clearTimeout>[0])
    timer = setTimeout(() => void deliver(), wait)
    ;(timer as { unref?: () => void }).unref?.()
  }

  function failed(error: unknown): undefined {
    totals.lastError = error instanceof KhienRefusal ? error.code : 'client/spool'
  }

  /** Heard before the item leaves the spool; after a crash the same may be told again. */
  async function tell(one: Delivery): Promise<void> {
    try {
      await onDelivered?.(one)
    } catch {
      totals.lastError = 'client/on-delivered'
    }
  }

  return {
    putSoon,
    deliver,
    async counts(): Promise<SpoolFigures> {
      const { lastError } = totals
      const figures = { ...(await spool.counts()), delivered: totals.delivered, state: link.state() }
      return lastError === undefined ? figures : { ...figures, lastError }
    },
    async close(): Promise<void> {
      closed = true
      clearTimeout(timer as Parameters<typeof clearTimeout>[0])
      clearInterval(looking as Parameters<typeof clearInterval>[0])
      await delivering
      await spool.close?.()
    },
  }
}

export type SpoolFigures = {
  /** Sealed items that wait, those of other processes of this spool with them. */
  readonly pending: number
  /** Taken by the vault since this client was made. */
  readonly delivered: number
  /** Not taken and never will be; they lie in the spool with their code until somebody clears them away. */
  readonly refused: number
  readonly state: VaultState
  /** Code of what keeps the delivery from going on, when it is not the vault's absence. */
  readonly lastError?: string
}

const SUBJECT = /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/

/** What nobody would see again until it was refused later is said at once. */
function checkItems(items: readonly PutItem[]): void {
  const wrong = (field: string, detail: string): KhienRefusal =>
    new KhienRefusal(0, { code: 'client/invalid', detail: `${field}: ${detail}.`, field })
  if (items.length === 0 || items.length > 500) throw wrong('items', 'expected 1 to 500 of them')
  for (const [i, { subject, fields }] of items.entries()) {
    if (!SUBJECT.test(subject)) throw wrong(`items.${i}.subject`, 'expected a subject token')
    const values = Object.entries(fields)
    if (values.length === 0) throw wrong(`items.${i}.fields`, 'expected at least one')
    for (const [field, value] of values)
      if (typeof value !== 'string' || value.trim() === '') throw wrong(`items.${i}.fields.${field}`, 'expected a text')
  }
}
