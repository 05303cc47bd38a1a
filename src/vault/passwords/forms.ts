import { argon2, createHash, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** A password as another program kept it. Anything slow enough stays as it is until its owner comes; fast hashes are wrapped at once. */
export type Form =
  | {
      readonly scheme: 'argon2'
      readonly type: Argon2
      readonly cost: Cost
      readonly salt: Buffer
      readonly tag: Buffer
    }
  | { readonly scheme: 'bcrypt'; readonly text: string }
  | { readonly scheme: 'phpass'; readonly text: string }
  | {
      readonly scheme: 'pbkdf2'
      readonly digest: Digest
      readonly rounds: number
      readonly salt: Buffer
      readonly tag: Buffer
    }
  | { readonly scheme: 'fast'; readonly digest: FastDigest; readonly hex: string }
type Argon2 = 'argon2i' | 'argon2d' | 'argon2id'
type Cost = { readonly memory: number; readonly passes: number; readonly parallelism: number }
type Digest = 'sha1' | 'sha256' | 'sha512'
export type FastDigest = 'md5' | 'sha1' | 'sha256' | 'sha512'

const derive = promisify(argon2)
const stretch = promisify(pbkdf2)

// Bounds, so that an imported text cannot ask for all the memory or an hour of work at every log-in.
const MOST_MEMORY = 256 * 1024
const MOST_PASSES = 16
const MOST_ROUNDS = 2_000_000
const MOST_BCRYPT = 13
const MOST_PHPASS = 17

const PHC_ARGON =
  /^\$(argon2(?:id|i|d))\$v=19\$m=(\d{1,9}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{16,172})$/
const BCRYPT = /^\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const PHPASS = /^\$[PH]\$([./0-9A-Za-z])[./0-9A-Za-z]{30}$/
const DJANGO = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,8})\$([^$]{1,64})\$([A-Za-z0-9+/=]{16,120})$/
const PASSLIB = /^\$pbkdf2(?:-(sha256|sha512))?\$(\d{1,8})\$([A-Za-z0-9+/.]{1,90})\$([A-Za-z0-9+/.]{16,120})$/
const FAST: Readonly<Record<number, FastDigest>> = { 32: 'md5', 40: 'sha1', 64: 'sha256', 128: 'sha512' }
const PHPASS_SIGNS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/**
 * What a stored hash is: PHC argon2 (RFC 9106), bcrypt, PHPass portable (WordPress, phpBB), PBKDF2 of Django and
 * Passlib, or hexadecimal MD5, SHA-1, SHA-256, SHA-512. Undefined for anything else, and for costs out of bounds.
 */
export function formOf(text: string): Form | undefined {
  const argon = PHC_ARGON.exec(text)
  if (argon) {
    const [, type, m, t, p, salt, tag] = argon as unknown as [string, Argon2, string, string, string, string, string]
    const cost = { memory: Number(m), passes: Number(t), parallelism: Number(p) }
    const sound =
      cost.memory >= 8 * cost.parallelism &&
      cost.memory <= MOST_MEMORY &&
      cost.passes >= 1 &&
      cost.passes <= MOST_PASSES &&
      cost.parallelism >= 1 &&
      cost.parallelism <= 16
    return sound
      ? { scheme: 'argon2', type, cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') }
      : undefined
  }
  const bcrypt = BCRYPT.exec(text)
  if (bcrypt) return Number(bcrypt[1]) >= 4 && Number(bcrypt[1]) <= MOST_BCRYPT ? { scheme: 'bcrypt', text } : undefined
  const phpass = PHPASS.exec(text)
  if (phpass) {
    const cost = PHPASS_SIGNS.indexOf(phpass[1]!)
    return cost >= 7 && cost <= MOST_PHPASS ? { scheme: 'phpass', text } : undefined
  }
  const django = DJANGO.exec(text)
  if (django) {
    const [, digest, rounds, salt, tag] = django as unknown as [string, Digest, string, string, string]
    return stretched(digest, Number(rounds), Buffer.from(salt, 'utf8'), Buffer.from(tag, 'base64'))
  }
  const passlib = PASSLIB.exec(text)
  if (passlib) {
    const [, digest = 'sha1', rounds, salt, tag] = passlib as unknown as [
      string,
      Digest | undefined,
      string,
      string,
      string,
    ]
    // Passlib writes base64 with a dot for the plus and without padding.
    const bytes = (part: string): Buffer => Buffer.from(part.replaceAll('.', '+'), 'base64')
    return stretched(digest, Number(rounds), bytes(salt), bytes(tag))
  }
  const digest = /^[0-9a-f]+$/i.test(text) ? FAST[text.length] : undefined
  return digest && { scheme: 'fast', digest, hex: text.toLowerCase() }
}

const stretched = (digest: Digest, rounds: number, salt: Buffer, tag: Buffer): Form | undefined =>
  rounds >= 1 && rounds <= MOST_ROUNDS && tag.length >= 16 ? { scheme: 'pbkdf2', digest, rounds, salt, tag } : undefined

/** Whether a password is the one of a hash that node:crypto can check without holding the event loop. */
export async function fits(form: Extract<Form, { scheme: 'argon2' | 'pbkdf2' }>, password: string): Promise<boolean> {
  const tag =
    form.scheme === 'argon2'
      ? ((await derive(form.type, {
          message: password,
          nonce: form.salt,
          ...form.cost,
          tagLength: form.tag.length,
        })) as Buffer)
      : await stretch(password, form.salt, form.rounds, form.tag.length, form.digest)
  return timingSafeEqual(tag, form.tag)
}

/** PHPass portable hashing: MD5 over salt and password, 2^cost times more (Openwall, 2004). Some milliseconds of a core. */
export function phpass(password: string, setting: string): string {
  const count = 2 ** PHPASS_SIGNS.indexOf(setting[3]!)
  const secret = Buffer.from(password, 'utf8')
  let hash = createHash('md5').update(setting.slice(4, 12), 'latin1').update(secret).digest()
  for (let i = 0; i < count; i++) hash = createHash('md5').update(hash).update(secret).digest()
  let text = ''
  for (let i = 0; i < 16; i += 3) {
    let bits = hash[i]! | ((hash[i + 1] ?? 0) << 8) | ((hash[i + 2] ?? 0) << 16)
    for (let sign = 0; sign < (i === 15 ? 2 : 4); sign++, bits >>>= 6) text += PHPASS_SIGNS[bits & 63]
  }
  return setting.slice(0, 12) + text
}
