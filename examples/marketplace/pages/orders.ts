import { GOODS, product } from '../goods.ts'
import { field, html, type Safe } from '../html.ts'
import { redirect, Stop, type Answer } from '../http.ts'
import type { Context, Row, Visit } from '../row.ts'
import { newRef, type Order } from '../store.ts'
import { inWords } from './account.ts'
import { priceOf } from './goods.ts'

const TIME = { timeZone: 'Asia/Ho_Chi_Minh', dateStyle: 'short', timeStyle: 'short' } as const
export const timeOf = (at: number, language: string): string =>
  new Intl.DateTimeFormat(language === 'vi' ? 'vi-VN' : 'en-GB', TIME).format(at)

/** An order is an agreement: what rests on it may be read while it is open, and no longer. */
export function orderPages({ store, khien }: Context): readonly Row[] {
  function form(visit: Visit, wrong: Readonly<Record<string, string>> = {}): Answer {
    const { w, asked } = visit
    const typed = (name: string): string => asked.form.get(name) ?? ''
    const chosen = asked.query.get('mon') ?? typed('product')
    const bad = Object.keys(wrong).length > 0
    const input = (name: string, label: string, more: Partial<Parameters<typeof field>[0]> = {}): Safe =>
      field({ name, label, value: typed(name), wrong: wrong[name], ...more })
    const body = html`<h1>${w.orderTitle}</h1>
      ${bad ? html`<p class="trouble" role="alert">${w.look}</p>` : ''}
      <form method="post" action="/dat-hang">
        <p class="field">
          <label for="product">${w.product}</label
          ><select id="product" name="product">
            ${GOODS.map(
              (item) =>
                html`<option value="${item.id}" ${item.id === chosen ? html` selected` : ''}>
                  ${item[asked.language]}, ${priceOf(item, asked.language)}
                </option>`,
            )}
          </select>
        </p>
        ${input('address', w.address, { autocomplete: 'street-address' })} ${input('note', w.note, { optional: true })}
        <fieldset>
          <legend><h2>${w.bank}</h2></legend>
          ${input('number', w.bankNumber)} ${input('holder', w.bankHolder)}
        </fieldset>
        <p class="row"><button class="btn go">${w.orderButton}</button></p>
      </form>`
    return visit.page({ title: w.orderTitle, body, ...(bad ? { status: 422 } : {}) })
  }

  async function order(visit: Visit): Promise<Answer> {
    const { asked, w, subject } = visit
    const given = (name: string): string => asked.form.get(name)?.trim() ?? ''
    const item = product(given('product'))
    if (!item) throw new Stop(400)
    const wrong: Record<string, string> = {}
    for (const name of ['address', 'number', 'holder']) if (given(name) === '') wrong[name] = w.wrong.empty
    if (Object.keys(wrong).length > 0) return form(visit, wrong)
    const id = newRef('DH')
    const agreement = { subject, kind: 'order', ref: id }
    const { khien: api } = khien()
    const fields = ['address', ...(given('note') === '' ? [] : ['note']), 'number', 'holder']
    const collection = (name: string): string => (name === 'address' || name === 'note' ? 'order' : 'bank')
    const items = fields.map((name) => ({
      subject,
      collection: collection(name),
      record: id,
      fields: { [name]: given(name) },
    }))
    for (const [i, answer] of (await api.check(items)).items.entries())
      if (!answer.ok) wrong[fields[i]!] = inWords(answer.code, w)
    if (Object.keys(wrong).length > 0) return form(visit, wrong)
    store.placeOrder({ id, subject, product: item.id, amount: item.price })
    await api.openAgreement(agreement)
    await api.put(items)
    store.setOrder(id, 'open')
    return redirect(`/don-hang?moi=${id}`)
  }

  const row = ({ id, product: what, at, state }: Order, { w, asked }: Visit): Safe =>
    html`<li id="${id}">
      <h2>${product(what)?.[asked.language] ?? what}</h2>
      <p class="soft"><code>${id}</code>, ${timeOf(at, asked.language)}, ${w.states[state]}</p>
      ${state === 'open' ? html`<form method="post" action="/don-hang/${id}/nhan"><button class="btn" aria-describedby="why">${w.received}</button></form>` : ''}
    </li>`

  async function mine(visit: Visit): Promise<Answer> {
    const { w, subject } = visit
    const orders = store.ordersOf(subject)
    const body = html`<h1>${w.orders}</h1>
      ${
        orders.length === 0
          ? html`<p class="lead">${w.noOrders}</p>
              <p class="row"><a class="btn go" href="/">${w.toShop}</a></p>`
          : html`<p id="why">${w.receivedWhy}</p>
              <ul class="rows">
                ${orders.map((one) => row(one, visit))}
              </ul>`
      }`
    return visit.page({ title: w.orders, body })
  }

  async function received({ subject }: Visit, id: string): Promise<Answer> {
    const found = store.order(id)
    if (found?.subject !== subject) throw new Stop(404)
    await khien().khien.closeAgreement({ subject, kind: 'order', ref: id })
    store.setOrder(id, 'received')
    return redirect('/don-hang')
  }

  async function messages(visit: Visit, wrong?: string): Promise<Answer> {
    const { w, subject, asked } = visit
    const sent = store.messagesOf(subject)
    const body = html`<h1>${w.messageTitle}</h1>
      <form method="post" action="/tin-nhan">
        ${field({ name: 'body', label: w.messageText, long: true, wrong, value: asked.form.get('body') ?? '' })}
        <button class="btn go">${w.send}</button>
      </form>
      <h2>${w.sentMessages}</h2>
      ${
        sent.length === 0
          ? html`<p>${w.noMessages}</p>`
          : html`<ul class="rows">
              ${sent.map(
                (one) =>
                  html`<li>
                    <code>${one.id}</code>
                    <p class="soft">${timeOf(one.at, asked.language)}</p>
                  </li>`,
              )}
            </ul>`
      }`
    return visit.page({ title: w.messageTitle, body, ...(wrong === undefined ? {} : { status: 422 }) })
  }

  async function write(visit: Visit): Promise<Answer> {
    const { asked, subject, w } = visit
    const text = asked.form.get('body') ?? ''
    if (text.trim() === '') return messages(visit, w.wrong.empty)
    const id = newRef('TN')
    const [answer] = (await khien().khien.put([{ subject, collection: 'message', record: id, fields: { body: text } }]))
      .items
    if (!answer?.ok) return messages(visit, inWords(answer?.code ?? '', w))
    store.addMessage(id, subject)
    return redirect('/tin-nhan')
  }

  return [
    { method: 'GET', path: /^\/dat-hang$/, who: 'member', run: async (visit) => form(visit) },
    { method: 'POST', path: /^\/dat-hang$/, who: 'member', run: order },
    { method: 'GET', path: /^\/don-hang$/, who: 'member', run: mine },
    { method: 'POST', path: /^\/don-hang\/(DH-[0-9A-Z]{8})\/nhan$/, who: 'member', run: received },
    { method: 'GET', path: /^\/tin-nhan$/, who: 'member', run: (visit) => messages(visit) },
    { method: 'POST', path: /^\/tin-nhan$/, who: 'member', run: write },
  ]
}
