import { createHash } from 'node:crypto'
import { GOODS, plain, product, type Product } from '../goods.ts'
import { field, html, type Safe } from '../html.ts'
import { Stop, type Answer } from '../http.ts'
import type { Context, Row, Visit } from '../row.ts'

export const priceOf = (item: Product, language: 'vi' | 'en'): string =>
  `${item.price.toLocaleString(language === 'vi' ? 'vi-VN' : 'en-GB')} ₫`

/** What anybody may see: goods, search, reviews, pictures. */
export function goodsPages({ store }: Context): readonly Row[] {
  const find = ({ w }: Visit, q: string): Safe =>
    html`<form class="find" action="/tim-kiem" role="search">
      ${field({ name: 'q', label: w.search, value: q, type: 'search', optional: true })}
      <button class="btn">${w.searchButton}</button>
    </form>`

  const list = (goods: readonly Product[], { asked }: Visit): Safe =>
    html`<ul class="goods">
      ${goods.map(
        (item) =>
          html`<li>
            <h2><a href="/san-pham/${item.id}">${item[asked.language]}</a></h2>
            <p>${item.about[asked.language]}</p>
            <p class="price">${priceOf(item, asked.language)}</p>
          </li>`,
      )}
    </ul>`

  const home = async (visit: Visit): Promise<Answer> =>
    visit.page({
      title: visit.w.home,
      body: html`<h1>${visit.w.home}</h1>
        ${find(visit, '')}${list(GOODS, visit)}`,
    })

  async function search(visit: Visit): Promise<Answer> {
    const { w, asked } = visit
    const q = asked.query.get('q') ?? ''
    const words = plain(q).split(/\s+/).filter(Boolean)
    const hits = GOODS.filter((item) => words.every((word) => plain(`${item.vi} ${item.en}`).includes(word)))
    const body = html`<h1>${w.found(hits.length, q)}</h1>
      ${find(visit, q)}
      ${
        hits.length === 0
          ? html`<p>${w.none}</p>
              <p class="row"><a class="btn" href="/">${w.all}</a></p>`
          : list(hits, visit)
      }`
    return visit.page({ title: w.search, body })
  }

  async function one(visit: Visit, id: string, written?: string): Promise<Answer> {
    const { w, asked } = visit
    const item = product(id)
    if (!item) throw new Stop(404)
    const { n, mean } = store.rating(id)
    const body = html`<h1>${item[asked.language]}</h1>
      <p class="lead">${item.about[asked.language]}</p>
      <p><b>${priceOf(item, asked.language)}</b></p>
      <p class="soft">${w.rating(n, (mean ?? 0).toLocaleString(asked.language, { maximumFractionDigits: 1 }))}</p>
      <p class="row"><a class="btn go" href="/dat-hang?mon=${id}">${w.buy}</a></p>
      ${
        written === undefined
          ? ''
          : html`<div class="box" role="status">
              <p>${w.reviewThanks}</p>
              <pre id="written">${written}</pre>
            </div>`
      }
      <h2>${w.review}</h2>
      <form method="post" action="/san-pham/${id}">
        <p class="field">
          <label for="stars">${w.stars}</label>
          <select id="stars" name="stars">
            ${[5, 4, 3, 2, 1].map((stars) => html`<option>${stars}</option>`)}
          </select>
        </p>
        ${field({ name: 'text', label: w.reviewText, hint: w.reviewHint, long: true, optional: true })}
        <button class="btn">${w.send}</button>
      </form>`
    return visit.page({ title: item[asked.language], body })
  }

  async function review(visit: Visit, id: string): Promise<Answer> {
    const { form } = visit.asked
    const stars = Number(form.get('stars'))
    if (!product(id)) throw new Stop(404)
    if (!Number.isInteger(stars) || stars < 1 || stars > 5) throw new Stop(400)
    store.addRating(id, stars)
    return one(visit, id, form.get('text') ?? '')
  }

  /** For programs: says back what it understood, so that a sender sees its own words arrive unchanged. */
  async function api({ asked }: Visit): Promise<Answer> {
    try {
      const review: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(asked.body))
      return { body: JSON.stringify({ review }), headers: { 'content-type': 'application/json' } }
    } catch {
      return { status: 400, body: '{"error":"not JSON"}', headers: { 'content-type': 'application/json' } }
    }
  }

  function pictureForm(visit: Visit, got?: Safe): Answer {
    const { w } = visit
    return visit.page({
      title: w.picture,
      body: html`<h1>${w.picture}</h1>
        <p class="lead">${w.pictureLead}</p>
        ${got}
        <form method="post" action="/anh" enctype="multipart/form-data">
          <p class="field">
            <label for="file">${w.pictureFile}</label
            ><input id="file" name="file" type="file" accept="image/*" required />
          </p>
          ${field({ name: 'caption', label: w.caption, optional: true })}
          <button class="btn go">${w.send}</button>
        </form>`,
    })
  }

  async function picture(visit: Visit): Promise<Answer> {
    const { asked, w } = visit
    const sent = await new Response(asked.body, { headers: { 'content-type': asked.type } })
      .formData()
      .catch(() => undefined)
    const file = sent?.get('file')
    if (!sent || file === null || typeof file !== 'object') throw new Stop(400)
    const bytes = Buffer.from(await file.arrayBuffer())
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    store.addPicture(sha256, bytes.length)
    const got = html`<div class="box" role="status">
      <p><b>${w.pictureGot}</b></p>
      <p>${w.bytes(bytes.length.toLocaleString(asked.language))}</p>
      <p><code id="sha256">${sha256}</code></p>
      <p id="caption-got">${String(sent.get('caption') ?? '')}</p>
    </div>`
    return pictureForm(visit, got)
  }

  return [
    { method: 'GET', path: /^\/$/, run: home },
    { method: 'GET', path: /^\/tim-kiem$/, run: search },
    { method: 'GET', path: /^\/san-pham\/([a-z-]{1,40})$/, run: (visit, id) => one(visit, id) },
    { method: 'POST', path: /^\/san-pham\/([a-z-]{1,40})$/, run: review },
    { method: 'POST', path: /^\/api\/danh-gia$/, run: api },
    { method: 'GET', path: /^\/anh$/, run: async (visit) => pictureForm(visit) },
    { method: 'POST', path: /^\/anh$/, run: picture },
  ]
}
