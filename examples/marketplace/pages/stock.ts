import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { product } from '../goods.ts'
import { field, html, type Safe } from '../html.ts'
import { redirect, Stop, type Answer } from '../http.ts'
import type { Context, Row, Visit } from '../row.ts'
import type { Words } from '../words.ts'
import { timeOf } from './orders.ts'

const BATCH = 500
const SHOWN = 100
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** The back office: what staff may read, and what they are told when they may not. */
export function stockPages({ store, khien, folder }: Context): readonly Row[] {
  let code = newCode()

  /** One code, one use; only who can read the shop's folder can enter. */
  function newCode(): string {
    const fresh = randomBytes(15).toString('base64url')
    writeFileSync(join(folder, 'staff-code'), `${fresh}\n`, { mode: 0o600 })
    return fresh
  }

  function enterForm(visit: Visit, wrong?: string): Answer {
    const { w } = visit
    const body = html`<h1>${w.staffTitle}</h1>
      <form method="post" action="/kho/dang-nhap">
        ${field({ name: 'code', label: w.staffCode, hint: w.staffHint, type: 'password', autocomplete: 'one-time-code', wrong })}
        <p class="row"><button class="btn go">${w.enter}</button></p>
      </form>`
    return visit.page({ title: w.staffTitle, body, ...(wrong === undefined ? {} : { status: 401 }) })
  }

  async function enter(visit: Visit): Promise<Answer> {
    if (!timingSafeEqual(digest(visit.asked.form.get('code')?.trim() ?? ''), digest(code)))
      return enterForm(visit, visit.w.staffWrong)
    code = newCode()
    return redirect('/kho', [visit.begin('staff', '')])
  }

  async function list(visit: Visit): Promise<Answer> {
    const { w, asked } = visit
    const orders = store.recentOrders()
    const body = html`<h1>${w.stockTitle}</h1>
      ${
        orders.length === 0
          ? html`<p>${w.noStock}</p>`
          : html`<ul class="rows">
              ${orders.map(
                (o) =>
                  html`<li>
                    <h2>
                      <a href="/kho/${o.id}"><code>${o.id}</code></a>
                    </h2>
                    <p>${product(o.product)?.[asked.language] ?? o.product}</p>
                    <p class="soft">${timeOf(o.at, asked.language)}, ${w.states[o.state]}</p>
                  </li>`,
              )}
            </ul>`
      }`
    return visit.page({ title: w.stockTitle, body })
  }

  async function deliver(visit: Visit, id: string): Promise<Answer> {
    const { w } = visit
    const order = store.order(id)
    if (!order) throw new Stop(404)
    const { subject } = order
    const wish = { subject, agreement: id }
    const { items } = await khien().khien.get({
      purpose: 'order-delivery',
      reason: id,
      items: [
        { ...wish, collection: 'person', fields: ['name', 'phone'] },
        { ...wish, collection: 'order', record: id, fields: ['address', 'note'] },
      ],
    })
    const [person, place] = items
    if (!person?.ok || !place?.ok) {
      const refusal = person?.ok === false ? person.code : place?.ok === false ? place.code : ''
      return visit.page({ title: w.refusedTitle, status: 403, body: refused(refusal, w) })
    }
    const facts: [string, string | null | undefined][] = [
      [w.name, person.fields['name']],
      [w.phone, person.fields['phone']],
      [w.address, place.fields['address']],
      [w.noteRead, place.fields['note']],
    ]
    const body = html`<h1>${w.deliver(id)}</h1>
      <dl>
        ${facts
          .filter(([, value]) => value)
          .map(
            ([label, value]) =>
              html`<dt>${label}</dt>
                <dd>${value ?? ''}</dd>`,
          )}
      </dl>
      <p class="row"><a class="btn" href="/kho">${w.stockTitle}</a></p>`
    return visit.page({ title: w.deliver(id), body })
  }

  const lettersForm = (visit: Visit, done?: Safe): Answer =>
    visit.page({
      title: visit.w.lettersTitle,
      body: html`<h1>${visit.w.lettersTitle}</h1>
        <p class="lead">${visit.w.lettersLead}</p>
        <form method="post" action="/kho/thu-quang-cao">
          <p class="row"><button class="btn go">${visit.w.lettersButton}</button></p>
        </form>
        ${done}`,
    })

  async function letters(visit: Visit): Promise<Answer> {
    const { w } = visit
    const members = store.members()
    const outcomes: { subject: string; code: string }[] = []
    for (let at = 0; at < members.length; at += BATCH) {
      const part = members.slice(at, at + BATCH)
      const items = part.map((subject) => ({ subject, collection: 'person', fields: ['email'] }))
      const answers = await khien().khien.get({ purpose: 'marketing', reason: 'letter', items })
      for (const [i, answer] of answers.items.entries())
        outcomes.push({ subject: part[i]!, code: answer.ok ? '' : answer.code })
    }
    const yes = outcomes.filter((outcome) => outcome.code === '').length
    const done = html`<h2 role="status">${w.lettersDone(yes, outcomes.length - yes)}</h2>
      <ul class="rows">
        ${outcomes.slice(0, SHOWN).map(
          ({ subject, code }) =>
            html`<li id="${subject}">
              <code>${subject}</code>
              <p class="soft">${code === '' ? w.allowed : html`${w.refusedConsent} <code>${code}</code>`}</p>
            </li>`,
        )}
      </ul>`
    return lettersForm(visit, done)
  }

  return [
    { method: 'GET', path: /^\/kho\/dang-nhap$/, run: async (visit) => enterForm(visit) },
    { method: 'POST', path: /^\/kho\/dang-nhap$/, run: enter },
    { method: 'GET', path: /^\/kho$/, who: 'staff', run: list },
    { method: 'GET', path: /^\/kho\/(DH-[0-9A-Z]{8})$/, who: 'staff', run: deliver },
    { method: 'GET', path: /^\/kho\/thu-quang-cao$/, who: 'staff', run: async (visit) => lettersForm(visit) },
    { method: 'POST', path: /^\/kho\/thu-quang-cao$/, who: 'staff', run: letters },
  ]
}

function refused(code: string, w: Words): Safe {
  const why = { 'vault/no-agreement': w.refusedAgreement, 'vault/no-consent': w.refusedConsent }[code] ?? w.refusedOther
  return html`<h1>${w.refusedTitle}</h1>
    <p class="lead">${why}</p>
    <dl>
      <dt>${w.code}</dt>
      <dd><code id="refusal">${code}</code></dd>
    </dl>
    <p class="row"><a class="btn" href="/kho">${w.stockTitle}</a></p>`
}
