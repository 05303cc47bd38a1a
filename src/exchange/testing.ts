import { createHash, randomBytes } from 'node:crypto'
import { signingKey } from '../engine/seal/index.ts'
import { noteKeyId, printVerifierKey, signNote, type NoteSigner } from '../engine/tlog/index.ts'
import { serve, type Listening } from '../http/index.ts'
import { manualClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { recordedActs } from '../kit/testing.ts'
import { migrate, openSqlite, type Database } from '../storage/sql/index.ts'
import { exchangeMigrations, openExchange, taxiiFetch, type Exchange, type ExchangeContext } from './index.ts'

export const START = Date.parse('2026-11-22T03:00:00.000Z')
const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/** An exchange key like a node's: the note signer and the key that checks it. */
export function exchangeKey(name: string): { vkey: string; signNote: (text: string) => string } {
  const key = signingKey(randomBytes(32))
  const signer: NoteSigner = { name, id: noteKeyId(sha256, name, key.publicKey), sign: key.sign }
  return { vkey: printVerifierKey(sha256, name, key.publicKey), signNote: (text) => signNote(text, [signer]) }
}

export type Node = AsyncDisposable & {
  readonly exchange: Exchange
  readonly db: Database
  readonly clock: ReturnType<typeof manualClock>
  readonly acts: ReturnType<typeof recordedActs>['acts']
  readonly events: { topic: string; payload: Readonly<Record<string, unknown>> }[]
  /** `http://127.0.0.1:PORT/taxii2/root/` */
  readonly root: string
}

/** A node's exchange on a real loopback port. */
export async function openNode(
  name: string,
  options: Partial<ExchangeContext> & { readonly db?: Database; readonly clock?: Node['clock'] } = {},
): Promise<Node> {
  const db = options.db ?? openSqlite(':memory:')
  await migrate(db, exchangeMigrations)
  const clock = options.clock ?? manualClock(START)
  const { acts, record } = recordedActs()
  const events: Node['events'] = []
  const exchange = await openExchange({
    db,
    clock,
    entropy: randomBytes,
    log: silentLog,
    record,
    emit: async (_, topic, payload) => void events.push({ topic, payload }),
    ...exchangeKey(`${name.replaceAll(/\s/g, '-')}/exchange`),
    sealSmall: (plain) => plain.map((byte) => byte ^ 0x5a),
    openSmall: (sealed) => sealed.map((byte) => byte ^ 0x5a),
    controller: name,
    role: 'authority',
    publicOrigin: 'http://127.0.0.1',
    ownRanges: [],
    demo: true,
    ...options,
  })
  const listening: Listening = await serve({ fetch: taxiiFetch(exchange.taxii) }, { host: '127.0.0.1', port: 0 })
  return {
    exchange,
    db,
    clock,
    acts,
    events,
    root: `http://127.0.0.1:${listening.port}/taxii2/root/`,
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]()
      await exchange.digest()
      await db[Symbol.asyncDispose]()
    },
  }
}

/** An identity object, numbered: the cheapest object that is versioned. */
export const numbered = (n: number, more: Readonly<Record<string, unknown>> = {}) => ({
  type: 'identity',
  spec_version: '2.1',
  id: `identity--${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`,
  created: '2026-11-01T00:00:00.000Z',
  modified: '2026-11-01T00:00:00.000Z',
  name: `n${n}`,
  ...more,
})
