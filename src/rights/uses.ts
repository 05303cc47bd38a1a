import type { Purpose, TakenOver } from '../consent/index.ts'
import { html, type Html } from '../http/index.ts'
import { dateTime, type Language } from '../kit/i18n.ts'
import { groundAt } from '../law/index.ts'
import type { FieldWords } from './field-words.ts'
import type { Words } from './pages.ts'

type Running = { readonly purpose: string; readonly version: number; readonly given_at: number }

/** One consent that runs, with the button that ends it. */
export function runningConsent(
  purpose: Purpose,
  consent: Running,
  m: Words,
  language: Language,
  controller: string,
  fields: FieldWords,
  /** The evidence it rests on, when it was given elsewhere before. */
  before: TakenOver | undefined,
): Html {
  const title = purpose.title[language]
  return html`<li class="con">
    <form method="post" action="/me/withdraw">
      <h2>${title}</h2>
      <p>${purpose.what[language]}</p>
      <dl>
        <div>
          <dt>${m.data}</dt>
          <dd>${fields.list(purpose.fields)}</dd>
        </div>
        <div>
          <dt>${m.receives}</dt>
          <dd>${recipients(purpose, m, controller)}</dd>
        </div>
        <div>
          <dt>${m.since}</dt>
          <dd>
            ${before ? givenWhen(before, m, language) : dateTime(consent.given_at, language)},
            ${m.version(consent.version)}
          </dd>
        </div>
        ${
          before
            ? html`<div>
                <dt>${m.before}</dt>
                <dd>${m.takenOver(before)}</dd>
              </div>`
            : ''
        }
        <div>
          <dt>${m.ifWithdrawn}</dt>
          <dd>${purpose.ifWithdrawn?.[language] ?? ''}</dd>
        </div>
      </dl>
      <input type="hidden" name="purpose" value="${purpose.id}" /><button class="btn">
        ${m.withdraw(title.toLocaleLowerCase(language))}
      </button>
    </form>
  </li>`
}

/** Of many old consents only the day is known; an hour would be made up. */
const givenWhen = ({ given }: TakenOver, m: Words, language: Language): string =>
  given.length === 10 ? m.day(given) : dateTime(Date.parse(given), language)

/** The uses that rest on something else than consent, and on what. */
export function goesOn(
  purposes: readonly Purpose[],
  running: readonly { kind: string; ref: string }[],
  takenOver: readonly TakenOver[],
  m: Words,
  language: Language,
  fields: FieldWords,
  now: number,
): Html {
  return html`<ul class="goes">
    ${purposes.map((purpose) => {
      const mine = running.filter((a) => a.kind === purpose.agreement)
      const old = takenOver.filter(
        (one) => one.what === 'agreement' && one.live && mine.some((a) => a.kind === one.name && a.ref === one.ref),
      )
      const state = purpose.ground !== 'agreement' ? '' : mine.length === 0 ? m.notRunning : m.running(mine.length)
      return html`<li>
        <b>${purpose.title[language]}</b>
        <p>
          ${purpose.what[language]} ${m.needs(fields.list(purpose.fields))} ${restsOn(purpose, m, language, now)}
          ${state}
        </p>
        ${old.map((one) => html`<p class="small">${m.before}: ${m.takenOver(one)}</p>`)}
      </li>`
    })}
  </ul>`
}

export const recipients = (purpose: Purpose, m: Words, controller: string): string =>
  purpose.recipients.length === 0 ? m.nobodyElse(controller) : purpose.recipients.map((r) => r.name).join(', ')

/** The ground of a use in words, with its article. */
export function restsOn(purpose: Purpose, m: Words, language: Language, now: number): string {
  const law = groundAt(purpose.ground, now)
  const basis = purpose.ground === 'law' && purpose.duty ? purpose.duty[language] : law?.name[language]
  return law ? m.restsOn(basis ?? '', law.article[language]) : ''
}

/** Which of the person's conversations the platform can read, and which only the devices of those in them. */
export function messagesSaid(counts: { open: number; sealed: number; boxes: number }, m: Words): Html | '' {
  if (counts.open + counts.sealed + counts.boxes === 0) return ''
  const open = html`<li>
    <b>${m.openMessages(counts.open)}</b>
    <p>${m.openMessagesMean}</p>
  </li>`
  const sealed = html`<li>
    <b>${m.sealedMessages(counts.sealed)}</b>
    <p>${m.sealedMessagesMean} ${m.boxes(counts.boxes)}</p>
  </li>`
  return html`<h2 id="messages">${m.messages}</h2>
    <ul class="goes">
      ${counts.open === 0 ? '' : open}${counts.sealed + counts.boxes === 0 ? '' : sealed}
    </ul>`
}
