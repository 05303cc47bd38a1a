import { inLanguage } from '../../../kit/i18n.ts'
import { messages } from '../messages.ts'
import type { Demand } from './gate.ts'

export const SCRIPT_PATH = '/.khien/check.js'

const STYLE =
  'body{margin:0;background:#fefefd;color:#151b2a;font:17px/1.6 system-ui,sans-serif}main{max-width:34rem;margin:12vh auto;padding:0 24px}h1{font-size:1.5rem;line-height:1.3;margin:0 0 8px}h2{font-size:1.1rem;margin:32px 0 4px}p{margin:0 0 16px}progress{width:100%;height:8px;accent-color:#1f5f4c}code{font:600 1rem ui-monospace,monospace}small{display:block;color:#5b606c;margin-top:32px}.none{border-left:3px solid #c9c9c4;padding-left:14px}@media(prefers-color-scheme:dark){body{background:#13171f;color:#ebedf1}small{color:#999eaa}.none{border-color:#3e4451}progress{accent-color:#6fc3a8}}'

export type Again =
  /** The form that was sent, to be sent again by the page itself. */
  | { readonly kind: 'form'; readonly target: string; readonly fields: readonly (readonly [string, string])[] }
  /** A page that is only to be loaded again. */
  | { readonly kind: 'load' }
  /** What was sent cannot be sent again by the page: the person goes back to it. */
  | { readonly kind: 'back' }

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]!)

/** The page that asks for a check. Without a script it waits and loads `waitTarget`. The form's fields go back to the one who sent them, and nowhere else. */
export function checkPage(demand: Demand, again: Again, waitTarget: string, id: string): string {
  const [vi, en] = [inLanguage(messages, 'vi').check, inLanguage(messages, 'en').check]
  const { code } = inLanguage(messages, 'vi')
  const form =
    again.kind === 'form'
      ? `<form method="post" action="${escaped(again.target)}" hidden>${again.fields.map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`).join('')}</form>`
      : ''
  const wait = `<noscript><style>[data-script]{display:none}</style><meta http-equiv="refresh" content="${demand.waitSeconds};url=${escaped(waitTarget)}"><div class="none"><p>${vi.wait(demand.waitSeconds)}</p><p lang="en">${en.wait(demand.waitSeconds)}</p></div></noscript>`
  return `<!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex"><title>${vi.title}</title><style>${STYLE}</style></head><body><main data-khien-check="${demand.token}" data-bits="${demand.bits}"${again.kind === 'back' ? ' data-back="1"' : ''}><h1>${vi.title}</h1><p data-script>${vi.text}</p><progress data-script max="1" value="0" aria-label="${vi.title}"></progress>${wait}<div lang="en"><h2>${en.title}</h2><p data-script>${en.text}</p></div><div class="none" data-cookies hidden><p>${vi.cookies}</p><p lang="en">${en.cookies}</p></div><small>${code}: <code>${id}</code></small>${form}</main><script src="${SCRIPT_PATH}"></script></body></html>`
}
