import { createTransport } from 'nodemailer'
import { KhienError } from '../kit/errors.ts'
import type { DkimKey } from './dkim.ts'

export type MailConfig = {
  readonly host: string
  readonly port: number
  /** TLS from the first byte; otherwise STARTTLS where the server offers it. */
  readonly secure?: boolean
  readonly user?: string
  readonly pass?: string
  /** `Name <box@domain>` */
  readonly from: string
  readonly dkim?: DkimKey
}
export type Mail = {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** Without angle brackets; the same for every try of one mail, so that a receiver can tell a repeat. */
  readonly messageId: string
  readonly headers?: Readonly<Record<string, string>>
}
export type Mailer = {
  /**
   * Resolves when the server has taken the mail. Errors: `mail/refused` (the server will never take it), `mail/away`
   * (try again), `mail/in-doubt` (the connection broke after the text was sent: it may have been taken).
   */
  send(mail: Mail): Promise<void>
}

const TIMEOUT_MS = 15_000

/** Plain-text mail over SMTP, signed with DKIM when there is a key. No address or text is ever logged. */
export function openMailer(config: MailConfig): Mailer {
  const { host, port, secure = false, user, pass = '', dkim } = config
  // One transport a mail, no pool: a pool would send a mail again by itself when a connection breaks.
  const transportFor = (watch: (line: string) => void) =>
    createTransport({
      host,
      port,
      secure,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      debug: true,
      logger: listener(watch),
      disableFileAccess: true,
      disableUrlAccess: true,
      // Loopback relays have certificates of nobody.
      tls: { rejectUnauthorized: !/^(?:localhost|127\.|::1$)/.test(host) },
      ...(user === undefined ? {} : { auth: { user, pass } }),
      ...(dkim === undefined
        ? {}
        : { dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.privateKey } }),
    })
  return {
    async send({ to, subject, text, messageId, headers }) {
      let handedOver = false
      const transport = transportFor((line) => {
        // "354 go on": from here to the answer the server may have the mail.
        if (line.startsWith('354')) handedOver = true
      })
      try {
        await transport.sendMail({
          from: config.from,
          to: { name: '', address: to },
          subject,
          text,
          messageId: `<${messageId}>`,
          headers: { 'auto-submitted': 'auto-generated', ...headers },
        })
      } catch (error) {
        throw faultOf(error, handedOver)
      } finally {
        transport.close()
      }
    },
  }
}

/** nodemailer tells its lines to a logger; this one looks at what the server said and keeps nothing. */
function listener(watch: (line: string) => void) {
  const hear = (entry: { tnx?: string }, text: unknown): void => {
    if (entry.tnx === 'server' && typeof text === 'string') watch(text)
  }
  return { level: () => {}, trace: hear, debug: hear, info: hear, warn: hear, error: hear, fatal: hear }
}

/** The message of a server is left out: it repeats the address. */
function faultOf(error: unknown, handedOver: boolean): KhienError {
  const { code, responseCode } = error as { code?: string; responseCode?: number }
  if (responseCode !== undefined)
    return responseCode >= 500
      ? new KhienError('mail/refused', `The mail server refused the mail (${responseCode}).`)
      : new KhienError('mail/away', `The mail server asks to come back later (${responseCode}).`, { status: 503 })
  return handedOver
    ? new KhienError('mail/in-doubt', 'The connection broke after the mail was sent; it may have been taken.')
    : new KhienError('mail/away', `The mail server cannot be reached (${code ?? 'unknown'}).`, { status: 503 })
}
