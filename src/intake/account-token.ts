import { createHmac } from 'node:crypto'
import { base32 } from '../kit/ids.ts'

export const ACCOUNT_TOKEN = /^acc_[0-9A-HJKMNP-TV-Z]{16}$/

/** What stands for an account in events: `acc_` + the first 80 bits of HMAC-SHA256(key, account). A token stays what it is. */
export function accountToken(key: Uint8Array, account: string): string {
  if (ACCOUNT_TOKEN.test(account)) return account
  return `acc_${base32(createHmac('sha256', key).update(account).digest().subarray(0, 10))}`
}
