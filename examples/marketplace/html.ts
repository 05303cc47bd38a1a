import type { Answer, Asked } from './http.ts'
import { wordsIn } from './words.ts'

/** HTML that is already safe; everything else put into a template is escaped. */
export class Safe {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
type Value = string | number | Safe | readonly Value[] | undefined | false

const SIGNS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escape = (text: string): string => text.replace(/[&<>"']/g, (sign) => SIGNS[sign]!)

function put(value: Value): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Safe) return value.text
  if (typeof value === 'object') return value.map(put).join('')
  return escape(String(value))
}

export const html = (parts: TemplateStringsArray, ...values: Value[]): Safe =>
  new Safe(parts.map((part, i) => part + (i < values.length ? put(values[i]) : '')).join(''))

export type Page = {
  readonly title: string
  readonly body: Safe
  readonly status?: number
  readonly cookies?: readonly string[]
}
type Who = 'nobody' | 'member' | 'staff'

/** The frame of every page: name, ways, language, foot. */
export function page(asked: Asked, who: Who, { title, body, status = 200, cookies = [] }: Page): Answer {
  const w = wordsIn(asked.language)
  const other = asked.language === 'vi' ? 'en' : 'vi'
  const here = new URLSearchParams(asked.query)
  here.set('lang', other)
  // A form that came back cannot be asked for again: its other language is the empty form's.
  const toOther = `${asked.path}?${here}`
  const link = (path: string, text: string): Safe =>
    html`<a href="${path}" ${asked.path === path ? new Safe(' aria-current="page"') : ''}>${text}</a>`
  const ways = {
    nobody: [link('/dang-nhap', w.signIn), link('/dang-ky', w.register)],
    member: [link('/don-hang', w.myOrders), link('/tin-nhan', w.message), link('/ho-so', w.profile)],
    staff: [link('/kho', w.stock), link('/kho/thu-quang-cao', w.letters)],
  }[who]
  const text = html`<!doctype html>
    <html lang="${asked.language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Chợ Sen</title>
        <link rel="stylesheet" href="/_/shop.css" />
        <link rel="icon" href="/_/mark.svg" type="image/svg+xml" />
      </head>
      <body>
        <a class="skip" href="#main">${w.skip}</a>
        <header>
          <div>
            <a class="own" href="/"><img src="/_/mark.svg" alt="" width="28" height="28" />Chợ Sen</a>
            <nav aria-label="${w.ways}">${ways}</nav>
            <a class="lang" href="${toOther}" lang="${other}" hreflang="${other}">${w.otherLanguage}</a>
          </div>
        </header>
        <main id="main" tabindex="-1">${body}</main>
        <footer>
          <div>
            <p>${w.foot} <a href="/kho/dang-nhap">${w.staffDoor}</a></p>
          </div>
        </footer>
      </body>
    </html>`
  const kept = asked.query.has('lang') ? [`lang=${asked.language}; Path=/; SameSite=Lax; Max-Age=31536000`] : []
  return { status, body: text.text, cookies: [...cookies, ...kept] }
}

export type Field = {
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly value?: string
  readonly wrong?: string | undefined
  readonly type?: string
  readonly autocomplete?: string
  readonly optional?: boolean
  readonly long?: boolean
}

/** One labelled field; what is wrong with it stands beside it in words and is read out with it. */
export function field(f: Field): Safe {
  const about = [f.hint ? `${f.name}-hint` : '', f.wrong ? `${f.name}-wrong` : ''].filter(Boolean).join(' ')
  const common = html`id="${f.name}"
  name="${f.name}"${f.optional ? '' : new Safe(' required')}${
    about ? html` aria-describedby="${about}"` : ''
  }${f.wrong ? new Safe(' aria-invalid="true"') : ''}${f.autocomplete ? html` autocomplete="${f.autocomplete}"` : ''}`
  const control = f.long
    ? html`<textarea ${common} rows="4" maxlength="4000">${f.value ?? ''}</textarea>`
    : html`<input ${common} type="${f.type ?? 'text'}" value="${f.value ?? ''}" maxlength="300" />`
  return html`<p class="field">
    <label for="${f.name}">${f.label}</label>${
      f.hint ? html`<small id="${f.name}-hint">${f.hint}</small>` : ''
    }${control}${f.wrong ? html`<span class="wrong" id="${f.name}-wrong">${f.wrong}</span>` : ''}
  </p>`
}
