import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { consentMigrations, openConsent } from '../consent/index.ts'
import { ff1, sealer } from '../engine/seal/index.ts'
import { exchangeMigrations, openExchange } from '../exchange/index.ts'
import { exchangeKey } from '../exchange/testing.ts'
import { manualClock } from '../kit/clock.ts'
import { systemEntropy } from '../kit/ids.ts'
import { silentLog } from '../kit/log.ts'
import { recordedActs } from '../kit/testing.ts'
import { openMailer, type Mailer } from '../mail/index.ts'
import { openOutbox, outboxMigrations } from '../outbox/index.ts'
import { migrate, onceMigrations, type Database } from '../storage/sql/index.ts'
import { keyMigrations, openVault, vaultMigrations } from '../vault/index.ts'
import { NOTICE, openSubscribers, subscriberMigrations, type SubscriberContext } from './index.ts'

export const NOW = Date.parse('2026-11-22T13:00:00Z')
export const C2 = 'update-cdn.test'
export type Letterbox = AsyncDisposable & {
  readonly port: number
  readonly got: { to: string; text: string; id: string }[]
}

/** A mail server on loopback that keeps what it takes. */
export async function letterbox(options: SMTPServerOptions = {}, port = 0): Promise<Letterbox> {
  const got: Letterbox['got'] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const parts: Buffer[] = []
      stream.on('data', (part: Buffer) => parts.push(part))
      stream.on('end', () => {
        const text = Buffer.concat(parts).toString('latin1')
        const id = /^Message-ID: <([^>]+)>/im.exec(text)?.[1] ?? ''
        got.push({ to: session.envelope.rcptTo[0]!.address, text, id })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port: (server.server.address() as AddressInfo).port,
    got,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
/** The text of a mail as it came over the line. */
export function bodyOf(raw: string): string {
  const at = raw.indexOf('\r\n\r\n')
  const body = raw.slice(at + 4)
  if (/^content-transfer-encoding: base64/im.test(raw.slice(0, at))) return Buffer.from(body, 'base64').toString('utf8')
  const plain = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(plain, 'latin1').toString('utf8').replaceAll('\r\n', '\n')
}
export const mailerTo = (port: number): Mailer =>
  openMailer({ host: '127.0.0.1', port, from: 'Viễn thông Sông Hồng <canh-bao@song-hong.test>' })

const hmac = (text: string): string => createHmac('sha256', 'a test key').update(text).digest('base64url')

/** A telecom's vault, exchange, outbox and subscribers over one store; events to search are handed in. */
export async function openWorld(
  db: Database,
  keysDb: Database,
  options: Partial<SubscriberContext> & { readonly clock?: ReturnType<typeof manualClock> } = {},
) {
  await migrate(db, [
    ...onceMigrations,
    ...outboxMigrations,
    ...consentMigrations,
    ...vaultMigrations,
    ...exchangeMigrations,
    ...subscriberMigrations,
  ])
  await migrate(keysDb, keyMigrations)
  const clock = options.clock ?? manualClock(NOW)
  const { acts, record } = recordedActs()
  const outbox = openOutbox({ db, clock, entropy: systemEntropy, log: silentLog })
  const mask = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x5a)
  const exchange = await openExchange({
    db,
    clock,
    entropy: randomBytes,
    log: silentLog,
    record,
    emit: outbox.emit,
    ...exchangeKey('song-hong/exchange'),
    sealSmall: mask,
    openSmall: mask,
    controller: 'Viễn thông Sông Hồng (ví dụ)',
    role: 'telecom',
    publicOrigin: 'http://127.0.0.1',
    ownRanges: ['198.18.0.0/15'],
    demo: true,
  })
  const consent = openConsent({
    db,
    clock,
    entropy: systemEntropy,
    record,
    controller: 'Viễn thông Sông Hồng (ví dụ)',
    signNote: (text) => text,
    emit: outbox.emit,
  })
  const kek = createSecretKey(Buffer.alloc(32, 7))
  const vault = openVault({
    db,
    keysDb,
    clock,
    entropy: systemEntropy,
    record,
    consent,
    sealer: sealer({ entropy: systemEntropy }),
    kek,
    kekId: 'kek_test',
    wrapping: { current: () => ({ id: 'kek_test', key: kek }), of: () => kek },
    node: 'telecom-test',
    pepper: Buffer.alloc(32, 8),
    tag: (collection, field, text) => hmac(`${collection}.${field}.${text}`).slice(0, 4),
    token: (collection, field, text) => `kh_${hmac(`token ${collection}.${field}.${text}`).slice(0, 16)}`,
    digits: () => ff1({ key: createSecretKey(Buffer.alloc(32, 9)), radix: 10, tweak: new Uint8Array() }),
    sealSmall: (plain) => plain,
    openSmall: (sealed) => sealed,
    signReceipt: (text) => text,
    controller: 'Viễn thông Sông Hồng (ví dụ)',
    keyBackupsUntil: async () => null,
    forgetRecords: async () => 0,
  })
  const ctx: SubscriberContext = {
    db,
    clock,
    entropy: randomBytes,
    log: silentLog,
    record,
    emit: outbox.emit,
    consent,
    vault,
    fingerprint: hmac,
    mailer: undefined,
    controller: 'Viễn thông Sông Hồng (ví dụ)',
    contact: '1800 0000',
    publicOrigin: 'https://song-hong.vn',
    ownRanges: ['198.18.0.0/15'],
    indicators: exchange.indicators,
    sighted: (trx, seen) => exchange.sightings.sight({ ...seen, actor: 'node' }, trx),
    searchEvents: async () => ({ events: [], next: null }),
    firstMode: 'on',
    ...options,
  }
  const subscribers = await openSubscribers(ctx)
  outbox.handle(NOTICE, ({ notice }) => subscribers.send(String(notice)))
  const list = async (value: string, kind: 'domain' | 'ipv4' = 'domain'): Promise<string> => {
    const { id } = await exchange.indicators.propose({
      value,
      kind,
      role: 'c2',
      confidence: 90,
      validUntil: clock() + 20 * 86_400_000,
      tlp: 'green',
      caseId: null,
      actor: 'staff:lan',
    })
    await exchange.indicators.share(id, undefined, 'staff:lan')
    return id
  }
  return { ctx, subscribers, exchange, outbox, clock, acts, consent, vault, list }
}

export const LOG = (rows: readonly string[]): Uint8Array =>
  Buffer.from(`address,port_from,port_to,subscriber,start,end,device\n${rows.join('\n')}\n`)
export const contact = (subscriber: string, language: 'vi' | 'en' = 'vi') => ({
  subscriber,
  name: `Người ${subscriber}`,
  email: `${subscriber.toLowerCase()}@example.vn`,
  language,
})
