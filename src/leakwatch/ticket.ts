import { createHash } from 'node:crypto'
import { KhienError } from '../kit/errors.ts'
import { base32, type Entropy } from '../kit/ids.ts'

/** A form is good for an hour. */
export const TICKET_MS = 3_600_000
/** Who comes without script waits instead of computing; nobody types a report faster. */
export const SLOW_MS = 20_000
/** Reports without script that one node takes in a minute. */
const SLOW_A_MINUTE = 30
/** Of which one address has at most so many. */
const SLOW_A_CALLER = 5

/** What came with the form: when it was given out, how hard its puzzle is, and our mark that we gave it. */
export type Ticket = {
  readonly id: string
  readonly at: number
  readonly bits: number
  /** Takes its place among those without script; to be called once the ticket is spent. */
  readonly spend: () => void
}

/**
 * Tickets against floods. A form carries one; sending it back costs the sender `bits` bits of SHA-256 work in the
 * browser, or, without script, twenty seconds and a place among thirty a minute. Each ticket is good for one report.
 */
export function ticketOffice(mark: (text: string) => string, entropy: Entropy) {
  let slow: { at: number; caller: string }[] = []

  function issue(now: number, bits: number): string {
    const body = `${now.toString(36)}.${bits}.${base32(entropy(10))}`
    return `${body}.${mark(`ticket ${body}`)}`
  }

  /** The ticket, when it is ours, in time, and paid for; errors `report/ticket`, `report/slow-down`. */
  function redeem(text: string, answer: string, caller: string, now: number): Ticket {
    const [at = '', bits = '', id = '', own = '', more] = text.split('.')
    if (more !== undefined || mark(`ticket ${at}.${bits}.${id}`) !== own) throw stale()
    const ticket = { id, at: parseInt(at, 36), bits: Number(bits), spend: () => {} }
    if (!(now - ticket.at >= 0 && now - ticket.at <= TICKET_MS)) throw stale()
    if (isSolved(text, answer, ticket.bits)) return ticket
    if (answer !== '') throw stale()
    const wait = SLOW_MS - (now - ticket.at)
    slow = slow.filter((one) => now - one.at < 60_000)
    const mine = slow.filter((one) => one.caller === caller).length
    if (wait > 0 || slow.length >= SLOW_A_MINUTE || mine >= SLOW_A_CALLER)
      throw new KhienError(
        'report/slow-down',
        wait > 0
          ? `Without JavaScript a report can be sent ${Math.ceil(SLOW_MS / 1000)} seconds after the form was opened; go back and send it again.`
          : 'Very many reports arrive at the moment; go back and send it again in a minute.',
        { status: 429, retryAfter: wait > 0 ? Math.ceil(wait / 1000) : 60 },
      )
    return { ...ticket, spend: () => void slow.push({ at: now, caller }) }
  }
  return { issue, redeem }
}

/** SHA-256 of `ticket:answer` begins with that many zero bits. The same test runs in ui/assets/report.js. */
export function isSolved(ticket: string, answer: string, bits: number): boolean {
  if (!/^\d{1,15}$/.test(answer)) return false
  const head = createHash('sha256').update(`${ticket}:${answer}`).digest().readUInt32BE(0)
  return head >>> (32 - bits) === 0
}

const stale = (): KhienError =>
  new KhienError('report/ticket', 'This form is too old or was sent already. Open it anew and send it once more.', {
    status: 400,
    field: 'form.ticket',
  })
