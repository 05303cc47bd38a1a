import { inLanguage, type Language } from '../../kit/i18n.ts'
import { messages } from './messages.ts'

type Kind = 'refused' | 'broken' | 'tooMuch' | 'tooOften' | 'away' | 'unsupported'

function kindOf(status: number): Kind {
  if (status === 403) return 'refused'
  if (status === 413 || status === 414 || status === 431) return 'tooMuch'
  if (status === 429) return 'tooOften'
  if (status === 405 || status === 415 || status === 501 || status === 505) return 'unsupported'
  return status >= 500 ? 'away' : 'broken'
}

const CODES: Readonly<Record<number, string>> = {
  400: 'gateway/malformed',
  403: 'gateway/refused',
  405: 'gateway/method',
  408: 'gateway/too-slow',
  413: 'gateway/body-too-large',
  414: 'gateway/target-too-long',
  415: 'gateway/cannot-inspect',
  421: 'gateway/unknown-host',
  422: 'gateway/does-not-fit',
  429: 'gateway/too-many-requests',
  431: 'gateway/head-too-large',
  500: 'internal',
  501: 'gateway/upgrade-unsupported',
  502: 'gateway/upstream-down',
  503: 'gateway/busy',
  504: 'gateway/upstream-slow',
  505: 'gateway/http-version',
}

const STYLE =
  'body{margin:0;background:#fefefd;color:#151b2a;font:17px/1.6 system-ui,sans-serif}main{max-width:34rem;margin:12vh auto;padding:0 24px}h1{font-size:1.5rem;line-height:1.3;margin:0 0 8px}h2{font-size:1.1rem;margin:32px 0 4px}p{margin:0 0 16px}code{display:inline-block;padding:8px 14px;border:1px solid #c9c9c4;border-radius:8px;background:#f6f6f3;font:600 1.25rem ui-monospace,monospace;letter-spacing:.05em}small{display:block;color:#5b606c;margin-bottom:4px}@media(prefers-color-scheme:dark){body{background:#13171f;color:#ebedf1}code{background:#1b1f29;border-color:#3e4451}small{color:#999eaa}}'

function page(status: number, id: string): string {
  const kind = kindOf(status)
  const vi = inLanguage(messages, 'vi')
  const en = inLanguage(messages, 'en')
  return `<!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${vi[kind].title}</title><style>${STYLE}</style></head><body><main><h1>${vi[kind].title}</h1><p>${vi[kind].text}</p><small>${vi.code} · <span lang="en">${en.code}</span></small><p><code>${id}</code></p><div lang="en"><h2>${en[kind].title}</h2><p>${en[kind].text}</p></div></main></body></html>`
}

function problem(status: number, id: string, language: Language): string {
  const code = CODES[status] ?? 'gateway/refused'
  const { text } = inLanguage(messages, language)[kindOf(status)]
  return JSON.stringify({ type: `urn:khien:error:${code}`, title: code, status, code, detail: text, requestId: id })
}

export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a request that goes no further is told: a page for people, problem+json (RFC 9457) for programs. Holds nothing of the request. */
export function answerFor(status: number, id: string, accept: string, acceptLanguage = ''): Answer {
  const html = /text\/html/i.test(accept)
  const body = html ? page(status, id) : problem(status, id, /^\s*en/i.test(acceptLanguage) ? 'en' : 'vi')
  const headers: Record<string, string> = {
    'Content-Type': html ? 'text/html; charset=utf-8' : 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': id,
  }
  if (html) headers['Content-Security-Policy'] = "default-src 'none'; style-src 'unsafe-inline'"
  if (status === 503 || status === 502 || status === 504) headers['Retry-After'] = '30'
  return { status, headers, body }
}
