import { renderSVG } from 'uqr'
import { SCOPES, STAFF_ROLES, type StaffRole } from '../kit/contract.ts'
import { dateTime, inLanguage } from '../kit/i18n.ts'
import { answer, cookieOf, html, redirect, type Asked, type Bound, type Frame, type Html } from '../http/index.ts'
import { KhienError } from '../kit/errors.ts'
import { identityRoutes as rows } from './contract.ts'
import { identityMessages } from './messages.ts'
import type { Identity } from './index.ts'

export type IdentityPages = {
  readonly identity: Identity
  readonly frame: Frame
  readonly origin: string
}

/** Pages of the internal listener for people who work here: enrolment, sign-in, people and keys. */
export function identityPages({ identity, frame, origin }: IdentityPages): readonly Bound[] {
  const messages = (asked: Asked) => inLanguage(identityMessages, asked.language)

  async function setupPage(asked: Asked, token: string, problem?: KhienError, typed = ''): Promise<Response> {
    const m = messages(asked)
    const { otpauth, secret, staff, roles } = await identity.staff.enrolment(token)
    const first = staff === null && roles.includes('administrator') && !(await identity.staff.hasAdministrator())
    const title = staff !== null ? m.recoverTitle : first ? m.setupTitle : m.enrolTitle
    const body = html`<div class="entry">
      <h1>${title}</h1>
      <p class="soft">${m.setupLead}</p>
      ${trouble(problem, m)}
      <form method="post" action="/setup">
        <input type="hidden" name="token" value="${token}" />
        ${staff === null ? html`<label class="field"><span>${m.name}</span><input class="in" name="name" value="${typed}" autocomplete="username" required minlength="2" maxlength="40" /></label>` : ''}
        <label class="field"
          ><span>${m.password}</span
          ><input
            class="in"
            type="password"
            name="password"
            autocomplete="new-password"
            required
            minlength="12"
            maxlength="200"
            aria-describedby="hint"
        /></label>
        <p class="faint" id="hint">${m.passwordHint}</p>
        <p>${m.scan}</p>
        <img
          class="qr"
          alt="${m.scanAlt}"
          width="196"
          height="196"
          src="data:image/svg+xml;base64,${Buffer.from(renderSVG(otpauth, { border: 2 })).toString('base64')}"
        />
        <p class="faint">${m.bySecret}: <code id="totp-secret">${secret.match(/.{1,4}/g)!.join(' ')}</code></p>
        ${codeField(m.code)}
        <p><button class="btn go">${m.create}</button></p>
      </form>
    </div>`
    return frame(asked, { title, path: `/setup?token=${token}`, body, ...(problem ? { status: problem.status } : {}) })
  }

  function signInPage(asked: Asked, problem?: KhienError, typed = ''): Promise<Response> {
    const m = messages(asked)
    const body = html`<div class="entry">
      <h1>${m.signInTitle}</h1>
      ${trouble(problem, m)}
      <form method="post" action="/sign-in">
        <label class="field"
          ><span>${m.name}</span><input class="in" name="name" value="${typed}" autocomplete="username" required
        /></label>
        <label class="field"
          ><span>${m.password}</span
          ><input class="in" type="password" name="password" autocomplete="current-password" required
        /></label>
        ${codeField(m.code)}
        <p><button class="btn go">${m.signIn}</button></p>
      </form>
    </div>`
    return frame(asked, {
      title: m.signInTitle,
      path: '/sign-in',
      body,
      ...(problem ? { status: problem.status } : {}),
    })
  }

  async function settingsPage(asked: Asked): Promise<Response> {
    const m = messages(asked)
    const [staff, keys] = await Promise.all([identity.staff.list(), identity.keys.list()])
    const names = (roles: string): string =>
      roles
        .split(' ')
        .map((role) => m.roleNames[role as StaffRole])
        .join(', ')
    const body = html`<div class="head">
        <div><h1>${m.settingsTitle}</h1></div>
      </div>
      <section class="sec">
        <div class="sech"><h2>${m.staff}</h2></div>
        <div class="tw" tabindex="0" role="region" aria-label="${m.staff}">
          <table class="t fold plain">
            <thead>
              <tr>
                <th scope="col">${m.name}</th>
                <th scope="col">${m.roles}</th>
                <th scope="col">${m.seen}</th>
              </tr>
            </thead>
            <tbody>
              ${staff.map(
                (row) =>
                  html`<tr>
                    <th scope="row">${row.name}<span class="sub mono">${row.id}</span></th>
                    <td class="m">${names(row.roles)}</td>
                    <td class="nw end">${dateTime(row.seen_at, asked.language)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
        <form class="inline" method="post" action="/settings/invitations">
          <fieldset>
            <legend>${m.inviteLead}</legend>
            ${STAFF_ROLES.map((role) => tick('roles[]', role, m.roleNames[role]))}
          </fieldset>
          <button class="btn">${m.invite}</button>
        </form>
      </section>
      <section class="sec">
        <div class="sech"><h2>${m.keys}</h2></div>
        ${
          keys.length === 0
            ? html`<div class="void"><p>${m.noKeys}</p></div>`
            : html`<div class="tw" tabindex="0" role="region" aria-label="${m.keys}">
                <table class="t fold plain">
                  <thead>
                    <tr>
                      <th scope="col">${m.keyName}</th>
                      <th scope="col">${m.scopes}</th>
                      <th scope="col">${m.state}</th>
                      <th scope="col"><span class="vh">${m.revoke}</span></th>
                    </tr>
                  </thead>
                  <tbody>
                    ${keys.map(
                      (key) =>
                        html`<tr>
                          <th scope="row">${key.name}<span class="sub mono">${key.id}</span></th>
                          <td class="m mono">${key.scopes}</td>
                          <td class="nw">
                            ${key.revoked_at === null ? html`<span class="st ok">${m.live}</span>` : html`<span class="st stop">${m.revoked}</span>`}
                          </td>
                          <td class="nw end">
                            ${
                              key.revoked_at === null
                                ? html`<form method="post" action="/settings/keys/${key.id}/revoke">
                                    <button class="btn">${m.revoke}</button>
                                  </form>`
                                : ''
                            }
                          </td>
                        </tr>`,
                    )}
                  </tbody>
                </table>
              </div>`
        }
        <form class="inline" method="post" action="/settings/keys">
          <label class="field"
            ><span>${m.keyName}</span><input class="in" name="name" required minlength="2" maxlength="40"
          /></label>
          <fieldset>
            <legend>${m.scopes}</legend>
            ${SCOPES.map((scope) => tick('scopes[]', scope, scope))}
          </fieldset>
          <button class="btn">${m.newKey}</button>
        </form>
      </section>`
    return frame(asked, { title: m.settingsTitle, path: '/settings', body })
  }

  const shownOnce = (asked: Asked, title: string, lead: string, secret: string): Promise<Response> =>
    frame(asked, {
      title,
      path: '/settings',
      body: html`<div class="head">
          <div>
            <h1>${title}</h1>
            <p class="soft">${lead}</p>
          </div>
        </div>
        <p class="match"><code id="secret">${secret}</code></p>
        <p><a class="btn" href="/settings">${messages(asked).back}</a></p>`,
    })

  const actor = (asked: Asked): string => (asked.caller.kind === 'staff' ? `staff:${asked.caller.id}` : 'nobody')

  /** A mistake in a form comes back as the form with the sentence on top, not as a page of its own. */
  async function orAgain(
    work: () => Promise<Response>,
    again: (problem: KhienError) => Promise<Response>,
  ): Promise<Response> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof KhienError && (error.status === 400 || error.status === 401)) return again(error)
      throw error
    }
  }

  return [
    answer(rows.setup, ({ query }, asked) => setupPage(asked, query.token)),
    answer(rows.enrol, ({ body }, asked) =>
      orAgain(
        async () => {
          const id = await identity.staff.enrol(body.token, body.name ?? '', body.password, body.code)
          return redirect('/', [identity.staffCookie(await identity.sessions.open('staff', id))])
        },
        (problem) => setupPage(asked, body.token, problem, body.name),
      ),
    ),
    answer(rows.signInForm, (_, asked) => signInPage(asked)),
    answer(rows.signIn, ({ body }, asked) =>
      orAgain(
        async () => {
          const { id } = await identity.staff.signIn(body.name, body.password, body.code)
          return redirect('/', [identity.staffCookie(await identity.sessions.open('staff', id))])
        },
        (problem) => signInPage(asked, problem, body.name),
      ),
    ),
    answer(rows.signOut, async (_, asked) => {
      const token = cookieOf(asked.raw, identity.cookieName('staff'))
      if (token) await identity.sessions.close(token)
      return redirect('/sign-in', [identity.staffCookie('')])
    }),
    answer(rows.settings, (_, asked) => settingsPage(asked)),
    answer(rows.invite, async ({ body }, asked) => {
      const token = await identity.staff.invite(body.roles, actor(asked))
      const m = messages(asked)
      return shownOnce(asked, m.createdLink, m.inviteLead, `${origin}/setup?token=${token}`)
    }),
    answer(rows.newKey, async ({ body }, asked) => {
      const { key } = await identity.keys.create(body.name, body.scopes, actor(asked))
      const m = messages(asked)
      return shownOnce(asked, m.createdKey, m.createdKeyLead, key)
    }),
    answer(rows.revokeKey, async ({ params }, asked) => {
      await identity.keys.revoke(params.id, actor(asked))
      return redirect('/settings')
    }),
  ]
}

const trouble = (
  problem: KhienError | undefined,
  m: { readonly errors: Readonly<Record<string, string>> },
): Html | string =>
  problem ? html`<p class="trouble" role="alert">${m.errors[problem.code] ?? problem.message}</p>` : ''

const tick = (name: string, value: string, label: string): Html =>
  html`<label class="tick"><input type="checkbox" name="${name}" value="${value}" /> ${label}</label>`

/** Six digits of the authenticator app. */
const codeField = (label: string): Html =>
  html`<label class="field"
    ><span>${label}</span
    ><input
      class="in mono"
      name="code"
      inputmode="numeric"
      autocomplete="one-time-code"
      pattern="[0-9]{6}"
      maxlength="6"
      required
  /></label>`
