import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { KhienRefusal } from '../../src/client/index.ts'
import { asset } from './assets.ts'
import { page, html } from './html.ts'
import { cookie, read, redirect, send, Stop, type Answer, type Asked } from './http.ts'
import { connectKhien } from './khien.ts'
import { accountPages } from './pages/account.ts'
import { goodsPages } from './pages/goods.ts'
import { orderPages } from './pages/orders.ts'
import { stockPages } from './pages/stock.ts'
import type { Context, Row, Visit } from './row.ts'
import { openStore } from './store.ts'
import { wordsIn } from './words.ts'

export type ShopConfig = {
  readonly listen: { readonly host: string; readonly port: number }
  readonly folder: string
  readonly apiOrigin: string
  readonly publicOrigin: string
  readonly keyFile: string
}

export const SESSION = 'cho-sen'

/** The whole shop: its pages over one small server, its own database, people's data in Khiên. */
export async function startShop(config: ShopConfig): Promise<AsyncDisposable> {
  const store = openStore(config.folder)
  const khien = connectKhien(config, async (api) => {
    // An agreement whose order never came about must not go on carrying reads.
    for (const { id, subject } of store.unfinished()) {
      await api.closeAgreement({ subject, kind: 'order', ref: id }).catch(neverOpened)
      store.setOrder(id, 'dropped')
    }
  })
  const context: Context = { store, khien: khien.open, folder: config.folder }
  const rows: readonly Row[] = [
    ...goodsPages(context),
    ...accountPages(context),
    ...orderPages(context),
    ...stockPages(context),
  ]
  // A form that ends on the person's own pages is redirected there, and form-action holds for redirects too.
  const policy = `default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self' ${config.publicOrigin}; frame-ancestors 'none'; base-uri 'none'`
  let requests = 0

  async function answer(req: IncomingMessage): Promise<Answer> {
    const own = req.headers['x-forwarded-for'] === undefined
    if (own && req.url === '/_/count')
      return { body: `{"requests":${requests}}`, headers: { 'content-type': 'application/json' } }
    requests++
    const asked = await read(req)
    const file = asked.method === 'GET' ? await asset(asked.path) : undefined
    if (file) return file
    const token = asked.cookies.get(SESSION) ?? ''
    const session = token === '' ? undefined : store.session(token)
    const kind = session?.kind
    const visit: Visit = {
      asked,
      w: wordsIn(asked.language),
      session,
      subject: session?.kind === 'member' ? session.subject : '',
      page: (content) => page(asked, kind ?? 'nobody', content),
      begin: (next, subject) => {
        if (token !== '') store.closeSession(token)
        return cookie(SESSION, store.openSession(next, subject), 12 * 3600)
      },
      end: () => {
        store.closeSession(token)
        return cookie(SESSION, '', 0)
      },
    }
    return route(rows, visit).catch((error: unknown) => failed(error, asked, kind))
  }

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (req, res: ServerResponse) => {
    answer(req)
      .catch((error: unknown) => bare(error))
      .then((done) => send(res, done, policy))
      // Name only: a message may hold what somebody typed.
      .catch((error: unknown) => {
        process.stderr.write(
          `${JSON.stringify({ event: 'shop.failed', error: error instanceof Error ? error.name : 'unknown' })}\n`,
        )
        res.destroy()
      })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.listen.port, config.listen.host, resolve)
  })
  return {
    async [Symbol.asyncDispose]() {
      khien.stop()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 3_000).unref()
      await closed
      store[Symbol.dispose]()
    },
  }
}

/** The shop ended before it could say that the order began: there is nothing to close. */
const neverOpened = (error: unknown): void => {
  if (!(error instanceof KhienRefusal && (error.status === 400 || error.status === 404))) throw error
}

async function route(rows: readonly Row[], visit: Visit): Promise<Answer> {
  const { method, path } = visit.asked
  const here = rows.flatMap((row) => {
    const match = row.path.exec(path)
    return match ? [{ row, id: match[1] ?? '' }] : []
  })
  const found = here.find(({ row }) => row.method === (method === 'HEAD' ? 'GET' : method))
  if (!found) throw new Stop(here.length > 0 ? 405 : 404)
  const needs = found.row.who
  if (needs !== undefined && visit.session?.kind !== needs)
    return redirect(needs === 'staff' ? '/kho/dang-nhap' : '/dang-nhap?sau=1')
  return found.row.run(visit, found.id)
}

function statusOf(error: unknown): number {
  if (error instanceof Stop) return error.status
  if (error instanceof KhienRefusal)
    return error.status === 0 || error.status === 401 || error.status >= 500 ? 503 : 500
  return 500
}

function failed(error: unknown, asked: Asked, kind: 'member' | 'staff' | undefined): Answer {
  const status = statusOf(error)
  const w = wordsIn(asked.language)
  if (status === 500) process.stderr.write(`${JSON.stringify({ event: 'shop.failed', error: nameOf(error) })}\n`)
  const text = w.errors[status] ?? w.errors[500]!
  const done = page(asked, kind ?? 'nobody', {
    title: text,
    status,
    body: html`<h1>${text}</h1>
      <p class="row"><a class="btn" href="/">${w.all}</a></p>`,
  })
  return status === 503 ? { ...done, headers: { 'retry-after': '3' } } : done
}

const nameOf = (error: unknown): string =>
  error instanceof KhienRefusal ? error.code : error instanceof Error ? error.name : 'unknown'

/** For what goes wrong before a request could be read. */
function bare(error: unknown): Answer {
  const status = statusOf(error)
  const headers = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }
  return { status, body: `${wordsIn('vi').errors[status] ?? ''}\n${wordsIn('en').errors[status] ?? ''}\n`, headers }
}
