import { createHash } from 'node:crypto'
import { base32 } from '../kit/ids.ts'
import type { SubscriberContext } from './context.ts'

/** The code in a mail follows from the notice under the node's key, so that a second try says the same; kept is its hash. */
export const codeOf = (ctx: Pick<SubscriberContext, 'fingerprint'>, notice: string): string => {
  const bytes = createHash('sha256')
    .update(ctx.fingerprint(`warning code ${notice}`))
    .digest()
  const text = base32(bytes.subarray(0, 5))
  return `${text.slice(0, 4)}-${text.slice(4)}`
}
export const codeHash = (ctx: Pick<SubscriberContext, 'fingerprint'>, code: string): string =>
  ctx.fingerprint(`warning ${tidy(code)}`)

/** As a person copies it: small letters, blanks for dashes, O for 0, I and L for 1. */
const tidy = (code: string): string =>
  code
    .toUpperCase()
    .replace(/[\s–—-]+/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
