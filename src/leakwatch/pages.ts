import { answer, html, type Asked, type Bound, type Frame } from '../http/index.ts'
import { dateTime, inLanguage } from '../kit/i18n.ts'
import { leakwatchRoutes as rows, WHAT } from './contract.ts'
import { leakwatchMessages } from './messages.ts'
import type { Leakwatch } from './service.ts'

const words = (asked: Asked) => inLanguage(leakwatchMessages, asked.language)

/** The citizen's side: tell, keep the code, follow, answer; all of it without script. */
export function leakwatchPages(leakwatch: Leakwatch, frame: Frame): readonly Bound[] {
  const form = async (asked: Asked): Promise<Response> => {
    const m = words(asked)
    const body = html`<h1>${m.question}</h1>
      <p class="lead">${m.lead}</p>
      <form method="post" action="/report" data-working="${m.working}">
        <input type="hidden" name="ticket" value="${await leakwatch.ticket()}" />
        <input type="hidden" name="answer" value="" />
        <fieldset class="field">
          <legend>${m.what}</legend>
          ${WHAT.map(
            (what, i) =>
              html`<label class="tick"
                ><input type="radio" name="what" value="${what}" required ${i === 0 ? 'checked' : ''} />${
                  m.whats[what]
                }</label
              >`,
          )}
        </fieldset>
        <label class="field"
          ><span>${m.about}</span><small>${m.aboutHint}</small
          ><input class="in" name="about" required minlength="2" maxlength="200" autocomplete="off"
        /></label>
        <label class="field"
          ><span>${m.when}</span><small>${m.whenHint}</small
          ><input class="in" name="when" maxlength="100" autocomplete="off"
        /></label>
        <label class="field"
          ><span>${m.story}</span><small>${m.storyHint}</small
          ><textarea class="in" name="story" required minlength="10" maxlength="8000" rows="8"></textarea>
        </label>
        <noscript><p class="small">${m.noScript}</p></noscript>
        <div class="row">
          <button class="btn go">${m.send}</button><a class="btn" href="/report/follow">${m.haveCode}</a>
        </div>
      </form>`
    return frame(asked, { title: m.title, path: '/report', body, script: 'report.js' })
  }

  const follow = (asked: Asked): Promise<Response> => {
    const m = words(asked)
    const body = html`<h1>${m.followQuestion}</h1>
      <form method="post" action="/report/follow">
        <label class="field"
          ><span>${m.code}</span><small>${m.codeHint}</small
          ><input class="in code" name="code" required maxlength="40" autocomplete="off" spellcheck="false"
        /></label>
        <div class="row"><button class="btn go">${m.look}</button></div>
      </form>`
    return frame(asked, { title: m.followTitle, path: '/report/follow', body })
  }

  const shown = async (code: string, asked: Asked): Promise<Response> => {
    const m = words(asked)
    const report = await leakwatch.state(code, asked.address)
    const body = html`<div class="ans ${report.state === 'question' ? 'yes' : 'no'}">
        <h1>${m.states[report.state]}</h1>
        ${report.outcome === null ? '' : html`<p class="lead">${m.outcomes[report.outcome] ?? ''}</p>`}
      </div>
      <p>
        ${m.receivedAt(dateTime(report.receivedAt, asked.language))}
        ${report.state === 'received' ? m.promise(dateTime(report.promisedBy, asked.language)) : ''}
      </p>
      ${
        report.messages.length === 0
          ? ''
          : html`<h2>${m.conversation}</h2>
              <ul class="goes">
                ${report.messages.map(
                  (message) =>
                    html`<li>
                      <b>${m.from[message.from]}</b>
                      <p>${dateTime(Date.parse(message.at), asked.language)}</p>
                      <div class="said">${message.text}</div>
                    </li>`,
                )}
              </ul>`
      }
      ${
        report.state === 'question'
          ? html`<form method="post" action="/report/reply">
              <input type="hidden" name="code" value="${code}" />
              <label class="field"
                ><span>${m.answer}</span><textarea class="in" name="text" required maxlength="4000" rows="5"></textarea>
              </label>
              <div class="row"><button class="btn go">${m.sendAnswer}</button></div>
            </form>`
          : ''
      }`
    return frame(asked, { title: m.followTitle, path: '/report/follow', body })
  }

  return [
    answer(rows.form, (_, asked) => form(asked)),
    answer(rows.follow, (_, asked) => follow(asked)),
    answer(rows.send, async ({ body }, asked) => {
      const m = words(asked)
      const { code, at } = await leakwatch.receive(body, asked.address)
      const page = html`<div class="ans sent">
          <h1>${m.sentTitle}</h1>
          <p class="lead">${m.sent}</p>
        </div>
        <div class="slip">
          <p class="small">${m.code}</p>
          <p class="code" id="code">${code}</p>
          <p class="small">${m.keep} ${m.receivedAt(dateTime(at, asked.language))}</p>
        </div>
        <h2>${m.next}</h2>
        <ol class="do">
          <li>${m.nextRead}</li>
          <li>${m.nextAsk}</li>
          <li>${m.nextEnd} <a href="/report/follow">${m.followTitle}</a></li>
        </ol>`
      return frame(asked, { title: m.sentTitle, path: '/report', body: page })
    }),
    answer(rows.state, ({ body }, asked) => shown(body.code, asked)),
    answer(rows.reply, async ({ body }, asked) => {
      await leakwatch.reply(body.code, body.text, asked.address)
      return shown(body.code, asked)
    }),
  ]
}
