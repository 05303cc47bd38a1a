import { KhienRefusal } from './error.ts'
import { fromBase64url, hpkeSeal, toBase64url } from './hpke.ts'
import type { Spool, SpoolItem } from './spool.ts'
import { isAway, type Transport } from './transport.ts'

type InboxKey = {
  readonly id: string
  readonly publicKey: string
  /** What to add to this machine's clock to have the vault's, in milliseconds. */
  readonly ahead: number
  readonly renewAt: number
}
type Answer = { id: string; publicKey: string; renewAt: string; now: string }

const text = new TextEncoder()
/** As the vault's (src/vault/inbox). */
const INFO = text.encode('khien/inbox/v1')
const NOTE = 'inbox-key'
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** Of one sealed item, in characters of base64url. */
const LONGEST = 65_536

/** Seals items to the vault's public key, which is kept beside the spool, so that a restart needs no vault either. */
export function sealing(link: Transport, spool: Spool, serviceKey: string) {
  let key: InboxKey | undefined
  let asking: Promise<void> | undefined
  let mac: Promise<(about: string) => Promise<string>> | undefined
  let last = 0

  async function refresh(): Promise<void> {
    const began = Date.now()
    const answer = await link.call<Answer>('GET', '/api/vault/inbox-key', undefined, { onlyOnceMs: 3_000 })
    const ended = Date.now()
    const ahead = Math.round(Date.parse(answer.now) - (began + ended) / 2)
    const fresh: InboxKey = {
      id: answer.id,
      publicKey: answer.publicKey,
      // Less than what a message takes to travel is no difference of clocks.
      ahead: Math.abs(ahead) <= ended - began ? 0 : ahead,
      renewAt: ended + Math.max(60_000, Date.parse(answer.renewAt) - Date.parse(answer.now)),
    }
    key = fresh
    const note = JSON.stringify({ ...fresh, mac: await (await macOf())(aboutKey(fresh)) })
    // A full disk is the spool's trouble when something must be kept; this process has its key.
    await spool.keepNote(NOTE, note).catch(() => undefined)
  }
  const ask = (): Promise<void> => (asking ??= refresh().finally(() => (asking = undefined)))

  /** A key that nobody could have slipped into the folder: the note is bound to the service key. */
  async function noted(): Promise<InboxKey | undefined> {
    try {
      const { mac: given, ...held } = JSON.parse((await spool.note(NOTE)) ?? '') as InboxKey & { mac: string }
      return given === (await (await macOf())(aboutKey(held))) ? held : undefined
    } catch {
      return undefined
    }
  }
  const macOf = () => (mac ??= macUnder(serviceKey))

  async function current(): Promise<InboxKey> {
    // Not `key ??= await …`: that would put what was noted over a key that came meanwhile.
    const held = key ?? (await noted())
    key ??= held
    if (link.state() === 'up') {
      const asked = key === undefined || key.renewAt < Date.now() ? ask() : undefined
      const silent = asked?.catch((error: unknown) => {
        if (!isAway(error) && key === undefined) throw error
      })
      // An old key serves as well: nobody waits for the new one.
      if (key === undefined) await silent
    }
    if (key === undefined)
      throw new KhienRefusal(0, {
        code: 'client/no-inbox-key',
        detail: 'The vault does not answer and its public key was never fetched; start the app once while it is there.',
      })
    return key
  }

  return {
    /** Fetches the key while the vault is there; what fails now is tried again when it is needed. */
    prepare: () => ask().catch(() => undefined),
    /** Fetches the key anew; throws when it cannot. */
    renew: ask,
    /** One sealed item for each; `at` is the vault's time of this moment, never earlier than that of the item before. */
    async seal(items: readonly object[], began: number): Promise<SpoolItem[]> {
      const { id: keyId, publicKey, ahead } = await current()
      const receiver = fromBase64url(publicKey)
      const sealed: SpoolItem[] = []
      for (const [i, item] of items.entries()) {
        const at = (last = Math.max(last, began + ahead))
        const id = newItemId(began)
        const aad = text.encode(`${keyId}\n${id}\n${at}`)
        const body = toBase64url(await hpkeSeal(receiver, text.encode(JSON.stringify(item)), { info: INFO, aad }))
        if (body.length > LONGEST)
          throw new KhienRefusal(0, {
            code: 'client/too-large',
            detail: 'An item to be kept for later has at most 48 KiB; send it in several.',
            field: `items.${i}`,
          })
        sealed.push({ id, key: keyId, at, sealed: body })
      }
      return sealed
    },
  }
}

const aboutKey = (key: InboxKey): string => `${key.id}\n${key.publicKey}\n${key.ahead}`

async function macUnder(serviceKey: string): Promise<(about: string) => Promise<string>> {
  const secret = await crypto.subtle.importKey('raw', text.encode(serviceKey), 'HKDF', false, ['deriveKey'])
  const info = text.encode('khien inbox key note v1')
  const key = await crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
    secret,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  )
  return async (about) => toBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, text.encode(about))))
}

let lastTime = 0
let inThisTime = 0

/** `inb_`, 48 bits of milliseconds, 80 bits of which the first 16 count within a millisecond: ids of one process sort by birth. */
export function newItemId(now: number): string {
  if (now > lastTime) [lastTime, inThisTime] = [now, 0]
  else inThisTime++
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  let bits = (BigInt(lastTime) << 80n) | (BigInt(inThisTime & 0xffff) << 64n)
  for (const [i, byte] of bytes.entries()) bits |= BigInt(byte) << BigInt(8 * (7 - i))
  let out = ''
  // 128 bits in 26 signs: the last has three of them, as kit/ids writes it.
  for (let left = 128; left > 0; left -= 5)
    out += CROCKFORD[Number(left >= 5 ? (bits >> BigInt(left - 5)) & 31n : (bits << BigInt(5 - left)) & 31n)]
  return `inb_${out}`
}
