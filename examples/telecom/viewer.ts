import { readdir, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { asset } from '../marketplace/assets.ts'
import { html, Safe } from '../marketplace/html.ts'
import { checkDkim, type DkimResult } from './dkim-check.ts'
import { headerOf, splitMail, textOf } from './mail-text.ts'
import type { Kept, Mailbox } from './mailbox.ts'

export type ViewerConfig = {
  readonly host: string
  readonly port: number
  /** Folder of JSON files: DKIM record name → TXT value, as a name server would answer. */
  readonly keys?: string
}
/** What `/mails.json` answers of each mail. */
export type ShownMail = {
  readonly id: string
  readonly to: string
  readonly from: string
  readonly subject: string
  readonly messageId: string
  readonly at: number
  readonly text: string
  readonly dkim: DkimResult
}

const WORDS = {
  vi: {
    title: 'Hộp thư mẫu',
    lead: 'Mọi thư gửi tới @example.vn trong bản trình diễn đến đây. Không có thư nào ra Internet.',
    none: 'Chưa có thư nào.',
    from: 'Từ',
    to: 'Đến',
    at: 'Lúc',
    dkim: 'Chữ ký DKIM',
    twice: 'Thư này đến hai lần',
    raw: 'Thư gốc',
    all: 'Tất cả thư',
    other: 'English',
    results: { pass: 'đúng', fail: 'SAI', none: 'không có', 'no-key': 'chưa biết khóa của tên miền' },
    missing: 'Không có thư này.',
  },
  en: {
    title: 'Example mailbox',
    lead: 'Every mail to @example.vn in the demo comes here. None goes to the Internet.',
    none: 'No mail yet.',
    from: 'From',
    to: 'To',
    at: 'At',
    dkim: 'DKIM signature',
    twice: 'This mail came twice',
    raw: 'The mail as it came',
    all: 'All mails',
    other: 'Tiếng Việt',
    results: { pass: 'holds', fail: 'DOES NOT HOLD', none: 'none', 'no-key': 'key of the domain not known' },
    missing: 'There is no such mail.',
  },
} as const
type Language = keyof typeof WORDS
const HEADERS = {
  'content-security-policy': "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}
const TIME = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Ho_Chi_Minh',
  dateStyle: 'short',
  timeStyle: 'medium',
})

/** A page that shows what the mailbox holds: a list, one mail as text, the mail as it came. */
export async function startViewer(box: Mailbox, config: ViewerConfig): Promise<AsyncDisposable & { port: number }> {
  const hosts = new Set<string>()
  const server: Server = createServer({ requestTimeout: 10_000 }, (req, res) => {
    const url = URL.parse(req.url ?? '/', 'http://mailbox')
    const say = (status: number, type: string, body: string | Buffer): void =>
      void res.writeHead(status, { ...HEADERS, 'content-type': type }).end(req.method === 'HEAD' ? undefined : body)
    // A name that was made to point here reads nobody's mail.
    if (!hosts.has(req.headers.host ?? '')) return say(421, 'text/plain', '')
    if (url === null || (req.method !== 'GET' && req.method !== 'HEAD')) return say(405, 'text/plain', '')
    const wish = url.searchParams.get('lang') ?? req.headers['accept-language']?.slice(0, 2)
    answer(url.pathname, wish === 'en' ? 'en' : 'vi').then(
      ({ status, type, body }) => say(status, type, body),
      () => say(500, 'text/plain', ''),
    )
  })

  const keys = async (): Promise<Readonly<Record<string, string>>> => {
    const { keys: folder } = config
    const names = folder === undefined ? [] : (await readdir(folder).catch(() => [])).filter((n) => n.endsWith('.json'))
    const texts = await Promise.all(names.map((name) => readFile(join(folder!, name), 'utf8')))
    return Object.assign({}, ...texts.map((text) => JSON.parse(text) as Record<string, string>)) as Record<
      string,
      string
    >
  }
  async function shown(one: Kept): Promise<ShownMail> {
    const mail = splitMail(one.raw)
    return {
      id: one.id,
      to: one.to,
      from: headerOf(mail, 'from'),
      subject: headerOf(mail, 'subject'),
      messageId: headerOf(mail, 'message-id').replace(/^<|>$/g, ''),
      at: Number(one.id.split('-')[0]),
      text: textOf(mail),
      dkim: checkDkim(mail, await keys()),
    }
  }

  async function answer(
    path: string,
    language: Language,
  ): Promise<{ status: number; type: string; body: string | Buffer }> {
    const file = await asset(path)
    if (file) return { status: 200, type: file.headers!['content-type']!, body: file.body! }
    const w = WORDS[language]
    const mails = await box.list()
    if (path === '/mails.json')
      return { status: 200, type: 'application/json', body: JSON.stringify(await Promise.all(mails.map(shown))) }
    const page = (status: number, title: string, body: Safe) => ({
      status,
      type: 'text/html; charset=utf-8',
      body: frame(language, path, title, body),
    })
    if (path === '/') return page(200, w.title, list(await Promise.all(mails.map(shown)), language))
    const [, id, raw] = /^\/mails\/(\d{13}-[0-9a-f]{12})(\.eml)?$/.exec(path) ?? []
    const one = mails.find((mail) => mail.id === id)
    if (!one)
      return page(
        404,
        w.missing,
        html`<h1>${w.missing}</h1>
          <p><a href="/">${w.all}</a></p>`,
      )
    if (raw) return { status: 200, type: 'text/plain; charset=utf-8', body: one.raw }
    return page(200, w.title, single(await shown(one), language))
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.port, config.host, resolve)
  })
  const { port } = server.address() as { port: number }
  for (const name of [config.host, 'localhost']) hosts.add(`${name}:${port}`)
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function list(mails: readonly ShownMail[], language: Language): Safe {
  const w = WORDS[language]
  const ids = Map.groupBy(mails, (mail) => mail.messageId)
  return html`<h1>${w.title}</h1>
    <p class="lead">${w.lead}</p>
    ${mails.length === 0 ? html`<p class="soft">${w.none}</p>` : ''}
    <ul class="rows">
      ${mails.map(
        (mail) =>
          html`<li>
            <h2><a href="/mails/${mail.id}?lang=${language}">${mail.subject}</a></h2>
            <p class="soft">${w.to} ${mail.to} · ${TIME.format(mail.at)}</p>
            ${ids.get(mail.messageId)!.length > 1 ? html`<p class="trouble">${w.twice}</p>` : ''}
          </li>`,
      )}
    </ul>`
}

function single(mail: ShownMail, language: Language): Safe {
  const w = WORDS[language]
  return html`<p><a href="/?lang=${language}">${w.all}</a></p>
    <h1>${mail.subject}</h1>
    <dl>
      <dt>${w.from}</dt>
      <dd>${mail.from}</dd>
      <dt>${w.to}</dt>
      <dd>${mail.to}</dd>
      <dt>${w.at}</dt>
      <dd>${TIME.format(mail.at)}</dd>
      <dt>${w.dkim}</dt>
      <dd>${w.results[mail.dkim.result]}${mail.dkim.domain === '' ? '' : ` (${mail.dkim.domain})`}</dd>
    </dl>
    <pre>${mail.text}</pre>
    <p><a href="/mails/${mail.id}.eml">${w.raw}</a></p>`
}

function frame(language: Language, path: string, title: string, body: Safe): string {
  const w = WORDS[language]
  const other = language === 'vi' ? 'en' : 'vi'
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="/_/shop.css" />
        <link rel="icon" href="/_/mark.svg" type="image/svg+xml" />
      </head>
      <body>
        <header>
          <div>
            <a class="own" href="/">${w.title}</a>
            <a class="lang" href="${path}?lang=${other}" lang="${other}">${w.other}</a>
          </div>
        </header>
        <main>${body}</main>
      </body>
    </html>`.text
}
