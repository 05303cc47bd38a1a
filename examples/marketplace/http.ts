import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a page is given: everything checked and decoded once, here. */
export type Asked = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly cookies: ReadonlyMap<string, string>
  readonly language: 'vi' | 'en'
  readonly body: Uint8Array<ArrayBuffer>
  readonly type: string
  readonly form: URLSearchParams
}
export type Answer = {
  readonly status?: number
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
}

/** Ends a request with a status and, for the page, a word of the catalogue that says why. */
export class Stop extends Error {
  override readonly name = 'Stop'
  readonly status: number
  constructor(status: number) {
    super(`answered ${status}`)
    this.status = status
  }
}

const FORM_LIMIT = 64 * 1024
const UPLOAD_LIMIT = 6 * 1024 * 1024

export const redirect = (location: string, cookies: readonly string[] = []): Answer => ({
  status: 303,
  headers: { location },
  cookies,
})
export const cookie = (name: string, value: string, seconds: number): string =>
  `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}`

export async function read(req: IncomingMessage): Promise<Asked> {
  const url = URL.parse(req.url ?? '/', 'http://shop')
  if (url === null) throw new Stop(400)
  const cookies = new Map(
    (req.headers.cookie ?? '').split(';').flatMap((part) => {
      const at = part.indexOf('=')
      return at < 1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const]
    }),
  )
  const type = (req.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  if (req.method === 'POST') checkOrigin(req)
  const body = await readBody(req, type === 'multipart/form-data' ? UPLOAD_LIMIT : FORM_LIMIT)
  const text = type === 'application/x-www-form-urlencoded' ? new TextDecoder().decode(body) : ''
  const wish = url.searchParams.get('lang') ?? cookies.get('lang') ?? req.headers['accept-language'] ?? ''
  return {
    method: req.method ?? 'GET',
    path: decoded(url.pathname),
    query: url.searchParams,
    cookies,
    language: /^en/i.test(wish) ? 'en' : 'vi',
    body,
    type: req.headers['content-type'] ?? '',
    form: new URLSearchParams(text),
  }
}

/** A browser says where a form came from; the gateway passes Host through, so the two must agree. */
function checkOrigin(req: IncomingMessage): void {
  const origin = URL.parse(req.headers.origin ?? '')
  if (origin === null || origin.host !== req.headers.host) throw new Stop(403)
}

async function readBody(req: IncomingMessage, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of req as AsyncIterable<Buffer>) {
    size += part.length
    if (size > limit) throw new Stop(413)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new Stop(400)
  }
}

export function send(res: ServerResponse, answer: Answer, policy: string): void {
  if (res.headersSent || res.destroyed) return void res.destroy()
  const body = typeof answer.body === 'object' ? answer.body : Buffer.from(answer.body ?? '')
  res.writeHead(answer.status ?? 200, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy,
    // Not `no-referrer`: with it a browser sends `Origin: null`, and every form would look foreign.
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'content-length': body.length,
    ...answer.headers,
    ...(answer.cookies && answer.cookies.length > 0 ? { 'set-cookie': [...answer.cookies] } : {}),
  })
  res.end(body)
}
