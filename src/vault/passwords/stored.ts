import { createHash } from 'node:crypto'
import { hashPassword, verifyPassword } from '../../identity/index.ts'
import type { Entropy } from '../../kit/ids.ts'
import { fits, formOf, type FastDigest, type Form } from './forms.ts'
import type { SlowHashes } from './slow.ts'

// What lies sealed under account.password: our own argon2id with pepper as it always was; `foreign:` and another
// program's slow hash; `wrapped:` digest, order and salt of a fast one, and our argon2id over its hexadecimal text.

export type Order = 'salt-first' | 'salt-last'
export type Imported = { readonly hash: string; readonly salt?: string | undefined; readonly order?: Order | undefined }

export type Passwords = { readonly pepper: Uint8Array; readonly entropy: Entropy; readonly slow: SlowHashes }

/** The form of an imported hash, or what is wrong with it. */
export function importable({ hash, salt }: Imported): Form | 'vault/unknown-hash' | 'vault/hash-salt' {
  const form = formOf(hash)
  if (form === undefined) return 'vault/unknown-hash'
  return salt !== undefined && form.scheme !== 'fast' ? 'vault/hash-salt' : form
}

/** The text to be sealed for an imported hash; a fast one is wrapped now. */
export async function storedForm(
  form: Form,
  { hash, salt = '', order = 'salt-first' }: Imported,
  own: Passwords,
): Promise<string> {
  if (form.scheme !== 'fast') return `foreign:${hash}`
  const wrapped = await hashPassword(form.hex, own.pepper, own.entropy)
  return `wrapped:${form.digest}:${order}:${Buffer.from(salt, 'utf8').toString('base64url')}:${wrapped}`
}

export type Outcome = {
  readonly right: boolean
  /** Right, but kept in another program's form: to be kept in ours from now on. */
  readonly renew: boolean
}

/** Whether a password is the stored one. */
export async function checkStored(stored: string, password: string, own: Passwords): Promise<Outcome> {
  if (stored.startsWith('foreign:')) {
    const form = formOf(stored.slice('foreign:'.length))
    if (form === undefined || form.scheme === 'fast') return { right: false, renew: false }
    const right =
      form.scheme === 'bcrypt' || form.scheme === 'phpass'
        ? await own.slow.check(form.scheme, form.text, password)
        : await fits(form, password)
    return { right, renew: right }
  }
  if (stored.startsWith('wrapped:')) {
    const [, digest, order, salt = '', wrapped = ''] = stored.split(':') as [string, FastDigest, Order, string, string]
    const bytes = Buffer.from(salt, 'base64url')
    const secret = Buffer.from(password, 'utf8')
    const hex = createHash(digest)
      .update(order === 'salt-first' ? Buffer.concat([bytes, secret]) : Buffer.concat([secret, bytes]))
      .digest('hex')
    const right = await verifyPassword(wrapped, hex, own.pepper)
    return { right, renew: right }
  }
  return { right: await verifyPassword(stored, password, own.pepper), renew: false }
}
