import { html, raw } from 'hono/html'
import type { Language } from '../kit/i18n.ts'
import { catalogue, inLanguage } from '../kit/i18n.ts'

export { html, raw }
/** Escaped HTML. Anything put into a template is escaped unless it is one of these. */
export type Html = ReturnType<typeof html>

const words = catalogue(
  {
    skip: 'Đến nội dung chính',
    otherLanguage: 'English',
    duties: 'Nghĩa vụ',
    platform: 'Nền tảng',
    telecom: 'Viễn thông',
    authority: 'Cơ quan',
    signOut: 'Thoát',
    unsealed: 'Đã mở niêm phong',
    leaves: (n: string) => `${n} lá`,
  },
  {
    skip: 'Skip to the main content',
    otherLanguage: 'Tiếng Việt',
    duties: 'Duties',
    platform: 'Platform',
    telecom: 'Telecom',
    authority: 'Authority',
    signOut: 'Sign out',
    unsealed: 'Unsealed',
    leaves: (n: string) => `${n} leaves`,
  },
)

const MARK = raw(
  '<svg class="mk" viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true"><circle cx="12" cy="12" r="10.5" stroke-width="2"/><circle cx="12" cy="12" r="6.6" stroke-width="2.4" stroke-dasharray="2.3 1.15"/><circle cx="12" cy="12" r="2.4" fill="currentColor" stroke="none"/></svg>',
)
const ICONS = {
  protect: '<circle cx="8" cy="8" r="6"/><circle cx="8" cy="8" r="2"/>',
  person: '<circle cx="8" cy="5.5" r="2.7"/><path d="M2.8 13.5c.6-2.6 2.6-4 5.2-4s4.6 1.4 5.2 4"/>',
  leaf: '<circle cx="4" cy="13" r="1.5"/><circle cx="12" cy="13" r="1.5"/><circle cx="8" cy="3" r="1.5"/><path d="M7.2 4.4 4.6 11.6M8.8 4.4l2.6 7.2"/>',
  gear: '<path d="M2 5h7M13 5h1M2 11h1M7 11h7"/><circle cx="11" cy="5" r="1.7"/><circle cx="5" cy="11" r="1.7"/>',
  law: '<path d="M3 2.5h7.5a2 2 0 0 1 2 2v9H5a2 2 0 0 1-2-2Z"/><path d="M6 6h3.5M6 9h3.5"/>',
  open: '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5V5M8 11v2.5M2.5 8H5M11 8h2.5"/>',
} as const
export type Icon = keyof typeof ICONS
export const icon = (name: Icon): Html =>
  html`<svg class="i" viewBox="0 0 16 16" aria-hidden="true">${raw(ICONS[name])}</svg>`

/** Changes with every release, so that a browser never mixes an old sheet with a new page. */
const VERSION = '1'
const head = (title: string, sheet: 'citizen' | 'console', script?: string): Html =>
  html`<meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title><link rel="icon" href="/assets/mark.svg" type="image/svg+xml" />${[
      'tokens',
      'base',
      sheet,
      'pages',
    ].map(
      (name) => html`<link rel="stylesheet" href="/assets/${name}.css?v=${VERSION}" />`,
    )}${script ? html`<script type="module" src="/assets/${script}?v=${VERSION}"></script>` : ''}`

export const htmlResponse = async (page: Html, status = 200, headers: Record<string, string> = {}): Promise<Response> =>
  new Response(`<!doctype html>${await page}`, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', ...headers },
  })

export const redirect = (location: string, cookies: readonly string[] = []): Response => {
  const headers = new Headers({ location, 'cache-control': 'no-store' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 303, headers })
}

const otherLanguage = (path: string, language: Language): string =>
  `${path}${path.includes('?') ? '&' : '?'}lang=${language}`

export type CitizenPage = {
  readonly language: Language
  readonly controller: string
  readonly title: string
  /** Same page in the other language. */
  readonly path: string
  readonly body: Html
  readonly script?: string
  readonly foot?: Html
}

/** One question a page, readable without script on a five-year-old phone. */
export function citizenPage(page: CitizenPage): Html {
  const m = inLanguage(words, page.language)
  const other = page.language === 'vi' ? 'en' : 'vi'
  return html`<html lang="${page.language}">
    <head>
      ${head(`${page.title} · ${page.controller}`, 'citizen', page.script)}
    </head>
    <body>
      <a class="skip" href="#main">${m.skip}</a>
      <header class="bar-top">
        <div>
          <a class="own" href="/">${MARK}<b>${page.controller}</b></a
          ><a class="lang" href="${otherLanguage(page.path, other)}" lang="${other}">${m.otherLanguage}</a>
        </div>
      </header>
      <main id="main" tabindex="-1">${page.body}</main>
      <footer class="foot"><div>${page.foot ?? html`<span>Khiên</span>`}</div></footer>
    </body>
  </html>`
}

export type RailItem = {
  readonly href: string
  readonly label: string
  readonly icon: Icon
  readonly current?: boolean
}
export type ConsolePage = {
  readonly language: Language
  readonly controller: string
  readonly role: 'platform' | 'telecom' | 'authority'
  readonly title: string
  readonly path: string
  readonly rail: readonly RailItem[]
  readonly who?: string
  readonly sealed?: boolean
  readonly leaves?: string
  readonly script?: string
  readonly body: Html
}

const SHAPE = { platform: '', telecom: 'tel', authority: 'aut' } as const

/** Internal pages: one left rail by duty, a top bar that says whose node this is and who you are. */
export function consolePage(page: ConsolePage): Html {
  const m = inLanguage(words, page.language)
  const other = page.language === 'vi' ? 'en' : 'vi'
  return html`<html lang="${page.language}">
    <head>
      ${head(`${page.title} · Khiên`, 'console', page.script)}
    </head>
    <body>
      <a class="skip" href="#main">${m.skip}</a>
      <nav class="rail" aria-label="${m.duties}">
        <div>
          <a class="brand" href="/">${MARK}Khiên</a>
          <ul>
            ${page.rail.map(
              (item) =>
                html`<li>
                  <a href="${item.href}" ${item.current ? raw('aria-current="page"') : ''}
                    >${icon(item.icon)}${item.label}</a
                  >
                </li>`,
            )}
          </ul>
        </div>
      </nav>
      <header class="top">
        <div class="who">
          <span class="role ${SHAPE[page.role]}"></span><span class="soft">${m[page.role]}</span
          ><b>${page.controller}</b>
        </div>
        <div class="state">
          ${page.sealed === false ? html`<span>${icon('open')}<span class="txt">${m.unsealed}</span></span>` : ''}${
            page.leaves === undefined ? '' : html`<span class="leaf opt">${icon('leaf')}${m.leaves(page.leaves)}</span>`
          }<a href="${otherLanguage(page.path, other)}" lang="${other}">${m.otherLanguage}</a>${
            page.who === undefined
              ? ''
              : html`<span class="txt">${page.who}</span>
                  <form method="post" action="/sign-out"><button class="btn bare">${m.signOut}</button></form>`
          }
        </div>
      </header>
      <main id="main" tabindex="-1">${page.body}</main>
    </body>
  </html>`
}
