import { KhienRefusal, newSubject } from '../../../src/client/index.ts'
import { field, html, type Safe } from '../html.ts'
import { redirect, type Answer } from '../http.ts'
import type { Context, Row, Visit } from '../row.ts'
import { newRef } from '../store.ts'
import type { Words } from '../words.ts'

const LEAST_PASSWORD = 10
const RECEIPT = /^KB(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/

/** Registration, sign-in, and the way to one's own data. */
export function accountPages({ store, khien }: Context): readonly Row[] {
  const find = async (email: string): Promise<string[]> => {
    const { found } = await khien().khien.search({
      purpose: 'sign-in',
      reason: 'sign-in',
      collection: 'person',
      field: 'email',
      value: email,
    })
    return found.map(({ subject }) => subject)
  }

  function registration(visit: Visit, wrong: Readonly<Record<string, string>> = {}): Answer {
    const { w, asked } = visit
    const { notice, purposes } = khien().declared
    const language = asked.language
    const typed = (name: string): string => asked.form.get(name) ?? ''
    const input = (
      name: 'name' | 'phone' | 'email' | 'personal_id',
      more: Partial<Parameters<typeof field>[0]>,
    ): Safe => field({ name, label: '', value: typed(name), wrong: wrong[name], ...more })
    const bad = Object.keys(wrong).length > 0
    const asks = purposes.filter(({ purpose }) => purpose.ground === 'consent')
    const rest = purposes.filter(({ purpose }) => purpose.ground !== 'consent')
    const body = html`<h1>${w.register}</h1>
      ${bad ? html`<p class="trouble" role="alert">${w.look}</p>` : ''}
      <section class="box" aria-labelledby="notice">
        <h2 id="notice">${w.notice}</h2>
        <p>${notice.text[language]}</p>
        <details>
          <summary>${w.noticeRest}</summary>
          <ul>
            ${rest.map(
              ({ purpose }) =>
                html`<li>
                  <b>${purpose.title[language]}</b>
                  <p class="soft">${purpose.what[language]}</p>
                </li>`,
            )}
          </ul>
        </details>
      </section>
      <form method="post" action="/dang-ky">
        <input type="hidden" name="notice" value="${notice.version}" />
        ${input('name', { label: w.name, autocomplete: 'name' })}
        ${input('phone', { label: w.phone, hint: w.phoneHint, type: 'tel', autocomplete: 'tel' })}
        ${input('email', { label: w.email, hint: w.emailHint, type: 'email', autocomplete: 'email' })}
        ${field({ name: 'password', label: w.password, hint: w.passwordHint, type: 'password', autocomplete: 'new-password', wrong: wrong['password'] })}
        ${input('personal_id', { label: w.personalId, hint: w.personalIdHint, optional: true })}
        <fieldset>
          <legend><h2>${w.consents}</h2></legend>
          <p class="soft">${w.consentsLead}</p>
          ${asks.map(
            ({ purpose, version }) =>
              html`<div class="tick">
                <input
                  type="checkbox"
                  id="c-${purpose.id}"
                  name="consent"
                  value="${purpose.id}:${version}"
                  aria-describedby="d-${purpose.id}"
                />
                <div>
                  <label for="c-${purpose.id}">${purpose.title[language]}</label>
                  <div id="d-${purpose.id}">
                    <p>${purpose.what[language]}</p>
                    ${purpose.recipients.length === 0 ? '' : html`<p class="soft">${w.recipients} ${purpose.recipients.map((r) => r.name).join(', ')}.</p>`}
                    <p class="soft">${w.ifWithdrawn} ${purpose.ifWithdrawn?.[language] ?? ''}</p>
                  </div>
                </div>
              </div>`,
          )}
        </fieldset>
        <p class="row"><button class="btn go">${w.registerButton}</button></p>
      </form>`
    return visit.page({ title: w.register, body, ...(bad ? { status: 422 } : {}) })
  }

  async function register(visit: Visit): Promise<Answer> {
    const { asked, w } = visit
    const { khien: api, declared } = khien()
    const { form, language } = asked
    const given = (name: string): string => form.get(name)?.trim() ?? ''
    const wrong: Record<string, string> = {}
    for (const name of ['name', 'phone', 'email', 'password']) if (given(name) === '') wrong[name] = w.wrong.empty
    if (!wrong['password'] && (form.get('password') ?? '').length < LEAST_PASSWORD) wrong['password'] = w.wrong.password
    if (!wrong['email'] && (await find(given('email')).catch(tooLong)).length > 0) wrong['email'] = w.taken
    if (Object.keys(wrong).length > 0) return registration(visit, wrong)

    const subject = newSubject()
    const person = ['name', 'phone', 'email', 'personal_id'].filter((name) => given(name) !== '')
    // One item a field, so that each answers for itself; checked before anybody has agreed to anything.
    const fields = [
      ...person.map((name) => ({ subject, collection: 'person', fields: { [name]: given(name) } })),
      { subject, collection: 'account', fields: { password: form.get('password') ?? '' } },
    ]
    for (const [i, item] of (await api.check(fields)).items.entries())
      if (!item.ok) wrong[person[i] ?? 'password'] = inWords(item.code, w)
    if (Object.keys(wrong).length > 0) return registration(visit, wrong)
    const membership = { subject, kind: 'membership', ref: newRef('TV') }
    await api.openAgreement(membership)
    const ticked = new Set(form.getAll('consent'))
    const { code } = await api.decide({
      subject,
      notice: declared.notice.version,
      language,
      method: 'web-form',
      decisions: declared.purposes
        .filter(({ purpose }) => purpose.ground === 'consent')
        .map(({ purpose, version }) => ({
          purpose: purpose.id,
          version,
          given: ticked.has(`${purpose.id}:${version}`),
        })),
    })
    await api.put(fields)
    store.addMember(subject)
    return redirect(`/chao-mung?bien-nhan=${code}`, [visit.begin('member', subject)])
  }

  async function welcome(visit: Visit): Promise<Answer> {
    const { w, asked } = visit
    const code = asked.query.get('bien-nhan') ?? ''
    const slip = RECEIPT.test(code)
      ? html`<div class="slip">
          <p>${w.receipt}</p>
          <p class="code" id="receipt">${code}</p>
          <p class="soft">${w.receiptWhere}</p>
        </div>`
      : ''
    const body = html`<h1>${w.welcome}</h1>
      <p class="lead">${w.welcomeLead}</p>
      ${slip}
      <p class="row"><a class="btn go" href="/">${w.toShop}</a><a class="btn" href="/ho-so">${w.profile}</a></p>`
    return visit.page({ title: w.welcome, body })
  }

  function signInForm(visit: Visit, trouble = ''): Answer {
    const { w, asked } = visit
    const body = html`<h1>${w.signInTitle}</h1>
      ${trouble !== '' ? html`<p class="trouble" role="alert">${trouble}</p>` : asked.query.has('sau') ? html`<p>${w.needSignIn}</p>` : ''}
      <form method="post" action="/dang-nhap">
        ${field({ name: 'email', label: w.email, type: 'email', autocomplete: 'username', value: asked.form.get('email') ?? '' })}
        ${field({ name: 'password', label: w.password, type: 'password', autocomplete: 'current-password' })}
        <p class="row"><button class="btn go">${w.signIn}</button></p>
      </form>
      <p class="row">${w.noAccount} <a href="/dang-ky">${w.register}</a></p>`
    return visit.page({ title: w.signInTitle, body, ...(trouble === '' ? {} : { status: 401 }) })
  }

  async function signIn(visit: Visit): Promise<Answer> {
    const { asked, w } = visit
    const password = asked.form.get('password') ?? ''
    const email = asked.form.get('email')?.trim() ?? ''
    if (password === '' || email === '') return signInForm(visit, w.signInWrong)
    try {
      for (const subject of (await find(email).catch(tooLong)).slice(0, 3)) {
        const { right } = await khien().khien.checkPassword({
          purpose: 'sign-in',
          reason: 'sign-in',
          subject,
          password,
        })
        if (right) return redirect('/don-hang', [visit.begin('member', subject)])
      }
    } catch (error) {
      if (error instanceof KhienRefusal && error.status === 429) return signInForm(visit, w.tooMany)
      if (!(error instanceof KhienRefusal && (error.status === 400 || error.status === 403))) throw error
    }
    return signInForm(visit, w.signInWrong)
  }

  async function profile(visit: Visit): Promise<Answer> {
    const { w, subject } = visit
    const body = html`<h1>${w.profileTitle}</h1>
      <p class="lead">${w.profileLead}</p>
      <dl>
        <dt>${w.token}</dt>
        <dd><code id="token">${subject}</code></dd>
      </dl>
      <h2>${w.myData}</h2>
      <p>${w.myDataLead}</p>
      <form method="post" action="/ho-so/du-lieu">
        <p class="row"><button class="btn go">${w.myData}</button></p>
      </form>
      <h2>${w.picture}</h2>
      <p><a href="/anh">${w.picture}</a></p>
      <form method="post" action="/dang-xuat">
        <p class="row"><button class="btn">${w.signOut}</button></p>
      </form>`
    return visit.page({ title: w.profileTitle, body })
  }

  return [
    { method: 'GET', path: /^\/dang-ky$/, run: async (visit) => registration(visit) },
    { method: 'POST', path: /^\/dang-ky$/, run: register },
    { method: 'GET', path: /^\/chao-mung$/, who: 'member', run: welcome },
    { method: 'GET', path: /^\/dang-nhap$/, run: async (visit) => signInForm(visit) },
    { method: 'POST', path: /^\/dang-nhap$/, run: signIn },
    { method: 'POST', path: /^\/dang-xuat$/, run: async (visit) => redirect('/', [visit.end()]) },
    { method: 'GET', path: /^\/ho-so$/, who: 'member', run: profile },
    {
      method: 'POST',
      path: /^\/ho-so\/du-lieu$/,
      who: 'member',
      run: async ({ subject }) => redirect(await khien().khien.handoverLink(subject)),
    },
  ]
}

/** A value too long to be searched for belongs to nobody. */
const tooLong = (error: unknown): string[] => {
  if (error instanceof KhienRefusal && error.status === 400) return []
  throw error
}

const FAULTS: Readonly<Record<string, keyof Words['wrong']>> = {
  'vault/not-a-phone': 'phone',
  'vault/not-an-email': 'email',
  'vault/not-a-personal-id': 'id',
  'vault/too-long': 'long',
  'vault/control-characters': 'control',
  'vault/empty': 'empty',
}
/** The node answers a stable code for one field; the shop says it to its buyer in words. */
export const inWords = (code: string, w: Words): string => w.wrong[FAULTS[code] ?? 'other']
