import { hkdfSync } from 'node:crypto'
import type { Server } from 'node:tls'

const DAY_MS = 86_400_000
const LOOK_MS = 60_000

/** The keys of TLS session tickets for a day, 48 bytes as node:tls wants them: the same in every worker that has the secret. */
export const ticketKeysOf = (secret: Uint8Array, day: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `khien tls tickets ${day}`, 48))

export type SharedTickets = Disposable & {
  /** To be called when the server's context has been replaced: it comes with keys of its own. */
  again(): void
}

/**
 * Lets a client that comes again to another worker go on with its session (RFC 5077, RFC 8446 §2.2). Keys are new each day: a ticket of the day
 * before makes for a whole handshake, and what a key opens is one day's.
 */
export function shareTickets(server: Server, secret: Uint8Array, now: () => number): SharedTickets {
  let day = -1
  const look = (): void => {
    const today = Math.floor(now() / DAY_MS)
    if (today === day) return
    day = today
    server.setTicketKeys(ticketKeysOf(secret, today))
  }
  look()
  const timer = setInterval(look, LOOK_MS)
  timer.unref()
  return {
    again() {
      day = -1
      look()
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
