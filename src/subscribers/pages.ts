import { answer, html, type Asked, type Bound, type Frame } from '../http/index.ts'
import { dateTime, inLanguage } from '../kit/i18n.ts'
import type { CodeCheck, Confirmed } from './confirm.ts'
import { subscriberRoutes as rows } from './contract.ts'
import { disarmed } from './letter.ts'
import { subscriberMessages } from './messages.ts'

const words = (asked: Asked) => inLanguage(subscriberMessages, asked.language).pages

/** The citizen's side: is this warning from us, what to do now, it is not my device; all of it without script. */
export function warningPages({ codes }: { readonly codes: CodeCheck }, frame: Frame): readonly Bound[] {
  const page = (asked: Asked, body: Awaited<ReturnType<typeof html>> | ReturnType<typeof html>): Promise<Response> =>
    frame(asked, { title: words(asked).title, path: '/warning', body: body as ReturnType<typeof html> })

  const form = (asked: Asked): Promise<Response> => {
    const m = words(asked)
    return page(
      asked,
      html`<h1>${m.question}</h1>
        <p class="lead">${m.lead}</p>
        <form method="post" action="/warning">
          <label class="field"
            ><span>${m.code}</span><small>${m.codeHint}</small
            ><input class="in code" name="code" required maxlength="40" autocomplete="off" spellcheck="false"
          /></label>
          <div class="row"><button class="btn go">${m.look}</button></div>
        </form>`,
    )
  }

  const yes = (asked: Asked, code: string, { notice, infection }: Confirmed): Promise<Response> => {
    const m = words(asked)
    const at = (time: number): string => dateTime(time, asked.language)
    return page(
      asked,
      html`<div class="ans yes">
          <h1>${m.yes}</h1>
          <p class="lead">
            ${m.sentAt(at(notice.sent_at!))} ${m.about(disarmed(infection.contacted), at(infection.last_at))}
            ${infection.state === 'clean' ? m.cleanNow : ''}
          </p>
        </div>
        <h2>${m.now}</h2>
        <ol class="do">
          ${m.steps.map((step) => html`<li>${step}</li>`)}
        </ol>
        ${
          infection.state === 'not-theirs'
            ? html`<p>${m.stopped}</p>`
            : html`<h2>${m.notMineTitle}</h2>
                <p>${m.notMineMore}</p>
                <form method="post" action="/warning/not-mine">
                  <input type="hidden" name="code" value="${code}" />
                  <div class="row"><button class="btn">${m.notMine}</button></div>
                </form>`
        }`,
    )
  }

  const no = (asked: Asked): Promise<Response> => {
    const m = words(asked)
    return page(
      asked,
      html`<div class="ans no">
          <h1>${m.no}</h1>
          <p class="lead">${m.noMore}</p>
        </div>
        <h2>${m.now}</h2>
        <ol class="do">
          ${m.doNot.map((step) => html`<li>${step}</li>`)}
        </ol>
        <div class="row"><a class="btn" href="/warning">${m.again}</a></div>`,
    )
  }

  return [
    answer(rows.confirmForm, (_, asked) => form(asked)),
    answer(rows.confirm, async ({ body }, asked) => {
      const found = await codes.find(body.code, asked.address)
      return found ? yes(asked, body.code, found) : no(asked)
    }),
    answer(rows.notTheirs, async ({ body }, asked) => {
      const found = await codes.notTheirs(body.code, asked.address)
      if (!found) return no(asked)
      const m = words(asked)
      return page(
        asked,
        html`<div class="ans sent">
          <h1>${m.stopped}</h1>
          <p class="lead">${m.stoppedMore}</p>
        </div>`,
      )
    }),
  ]
}
