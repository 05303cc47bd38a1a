import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerResponse } from 'node:http'
import { inLanguage } from '../../../kit/i18n.ts'
import type { Asked, Req, Res } from '../asked.ts'
import { lineOf } from '../rate-limits.ts'
import { readBody } from '../body.ts'
import { endWith } from '../end.ts'
import { messages } from '../messages.ts'
import type { Shared } from '../shared.ts'
import { cookie, COOKIES } from './brought.ts'
import type { Demand } from './gate.ts'
import { checkPage, type Again } from './page.ts'

const SCRIPT = readFileSync(join(import.meta.dirname, 'check-script.js'))
const WAIT_COOKIE_MS = 3_600_000
/** Of a longer form the person goes back to it instead. */
const LONGEST_FORM = 16_384
const MOST_FIELDS = 100

export function sendScript(res: Res): void {
  const headers = {
    'Content-Type': 'text/javascript; charset=utf-8',
    'Content-Length': String(SCRIPT.length),
    'Cache-Control': 'public, max-age=3600',
    'X-Content-Type-Options': 'nosniff',
  }
  ;(res as ServerResponse).writeHead(200, headers)
  ;(res as ServerResponse).end(SCRIPT)
}

/** Asks for the check: a page for people, problem+json (RFC 9457) with the sum for programs. `read`: the form, where its body was read already; `partly` where not all of it was. */
export async function demandCheck(
  shared: Shared,
  req: Req,
  res: Res,
  asked: Asked,
  demand: Demand,
  secure: boolean,
  read?: Uint8Array | 'partly',
): Promise<void> {
  const value = (name: string): string => asked.headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? ''
  const page = /text\/html/i.test(value('accept')) && !/^(?:cors|no-cors|same-origin)$/.test(value('sec-fetch-mode'))
  const again = page ? await againOf(shared, req, asked, value('content-type'), read) : undefined
  if (res.destroyed) return
  const body =
    again === undefined
      ? problem(demand, asked.id, /^\s*en/i.test(value('accept-language')) ? 'en' : 'vi')
      : checkPage(demand, again, waitTarget(asked, value('referer')), asked.id)
  endWith(req, res, asked, 429, {
    close: shared.closing,
    body,
    headers: {
      'Content-Type': again === undefined ? 'application/problem+json; charset=utf-8' : 'text/html; charset=utf-8',
      'Retry-After': String(demand.waitSeconds),
      'Set-Cookie': cookie(COOKIES.wait, demand.waitToken, WAIT_COOKIE_MS, secure),
      'Content-Security-Policy':
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    },
  })
}

/** How the page can send again what was sent: a form of text it holds itself, so that nothing of it is kept here. */
async function againOf(
  shared: Shared,
  req: Req,
  asked: Asked,
  contentType: string,
  read: Uint8Array | 'partly' | undefined,
): Promise<Again> {
  if (!asked.hasBody) return { kind: asked.method === 'GET' ? 'load' : 'back' }
  if (!isOwn(asked)) return { kind: 'back' }
  const plain = /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(contentType)
  if (asked.method !== 'POST' || !plain || foreign(asked.target) || (asked.length ?? 0) > LONGEST_FORM)
    return { kind: 'back' }
  const body = read ?? (await formOf(shared, req, asked))
  if (body === undefined || body === 'partly' || body.length > LONGEST_FORM) return { kind: 'back' }
  const fields = [...new URLSearchParams(Buffer.from(body).toString('utf8'))]
  return fields.length > MOST_FIELDS ? { kind: 'back' } : { kind: 'form', target: asked.target, fields }
}

async function formOf(shared: Shared, req: Req, asked: Asked): Promise<Uint8Array | undefined> {
  const { body, held } = await readBody(req, asked, { limit: LONGEST_FORM, beyond: 'reject' }, shared.held, {
    ms: shared.limits.requestMs,
    wholeMs: shared.limits.wholeMs,
  })
  shared.held.give(held, lineOf(asked.client.address))
  return Buffer.isBuffer(body) ? body : undefined
}

/**
 * Whether a page of the site itself sent it. Sent again by our page, another site's form would come as if it were the site's own, past
 * SameSite cookies and looks at Origin.
 */
function isOwn({ headers, host }: Asked): boolean {
  const value = (name: string): string | undefined => headers.find(([key]) => key.toLowerCase() === name)?.[1]
  const site = value('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const origin = value('origin') ?? ''
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}

/** A path that a browser would read as another host's. */
const foreign = (target: string): boolean => /^\/[/\\]/.test(target)

/** Where one without a script goes after the wait: the page the form was on, if it is of this site. */
function waitTarget({ method, target, host }: Asked, referer: string): string {
  const from = method !== 'GET' && URL.canParse(referer) ? new URL(referer) : undefined
  const place = from?.host === host.toLowerCase() ? `${from.pathname}${from.search}` : target
  return foreign(place) ? '/' : place
}

function problem(demand: Demand, id: string, language: 'vi' | 'en'): string {
  const code = 'gateway/check'
  return JSON.stringify({
    type: `urn:khien:error:${code}`,
    title: code,
    status: 429,
    code,
    detail: inLanguage(messages, language).check.program,
    requestId: id,
    check: {
      algorithm: 'SHA-256',
      token: demand.token,
      bits: demand.bits,
      header: 'Khien-Check',
      cookie: COOKIES.check,
    },
  })
}
