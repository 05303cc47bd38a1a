import type { Audit } from '../audit/index.ts'
import type { Consent, Purpose } from '../consent/index.ts'
import { answer, cookieOf, html, redirect, type Asked, type Bound, type Frame } from '../http/index.ts'
import type { Identity } from '../identity/index.ts'
import type { Clock } from '../kit/clock.ts'
import { KhienError } from '../kit/errors.ts'
import { dateTime, inLanguage, type Language, type Twin } from '../kit/i18n.ts'
import type { Vault } from '../vault/index.ts'
import { rightsRoutes as rows } from './contract.ts'
import { fieldWords, type FieldWords } from './field-words.ts'
import { rightsMessages } from './messages.ts'
import { clocksText, readsTable } from './reads.ts'
import { goesOn, messagesSaid, recipients, restsOn, runningConsent } from './uses.ts'

export type RightsContext = {
  readonly audit: Pick<Audit, 'find' | 'head' | 'list' | 'proofOf'>
  readonly consent: Consent
  /** What is kept, and how its fields are called. */
  readonly rules: Vault['registry']['rules']
  readonly messagesOf: Vault['conversations']['countsOf']
  readonly identity: Identity
  readonly clock: Clock
  readonly frame: Frame
  readonly controller: string
  readonly publicOrigin: string
}

export type Words = Twin<typeof rightsMessages.vi>
const words = (language: Language): Words => inLanguage(rightsMessages, language)

/** The person's own pages: what is held, on what it rests, who read it; all without script. */
export function rightsPages(ctx: RightsContext): readonly Bound[] {
  const subjectOf = (asked: Asked): string => (asked.caller.kind === 'person' ? asked.caller.subject : '')

  const fieldsIn = async (language: Language): Promise<FieldWords> =>
    fieldWords(await ctx.rules(), words(language), language, ctx.clock())

  async function me(asked: Asked, before: string | undefined): Promise<Response> {
    const { language } = asked
    const m = words(language)
    const subject = subjectOf(asked)
    const [consents, running, purposes, reads, receipts, head, fields, earlier, messages] = await Promise.all([
      ctx.consent.decisions.of(subject),
      ctx.consent.agreements.runningOf(subject),
      ctx.consent.purposes.versions(),
      ctx.audit.list({ subject, limit: 200, ...(before === undefined ? {} : { before }) }),
      ctx.consent.decisions.receiptsOf(subject),
      ctx.audit.head(),
      fieldsIn(language),
      ctx.consent.takenOver.of(subject),
      ctx.messagesOf(subject),
    ])
    const takenOver = earlier.map(({ taken }) => taken)
    const evidenceOf = (code: string) => earlier.find(({ id }) => id === code)?.taken
    const live = consents.filter((c) => c.withdrawn_at === null)
    // Only the newest withdrawal of a purpose that is not running again.
    const over = consents.filter(
      (c, i) =>
        c.withdrawn_at !== null &&
        !live.some((l) => l.purpose === c.purpose) &&
        consents.findIndex((o) => o.purpose === c.purpose) === i,
    )
    const notices = await ctx.consent.notices.of(over.flatMap((c) => c.withdrawal ?? []))
    const toldOf = (receipt: string | null): string => {
      const mine = notices.filter((notice) => notice.receipt === receipt)
      return mine.length === 0 ? '' : m.told(mine.filter((notice) => notice.acked_at !== null).length, mine.length)
    }
    const textOf = (id: string, version: number): Purpose | undefined => purposes.get(id)?.[version - 1]
    const others = [...purposes.values()].map((list) => list.at(-1)!).filter((p) => p.ground !== 'consent')
    const body = html`<h1>${m.question(ctx.controller)}</h1>
      <p class="lead">${m.lead(live.length)}</p>
      <ul class="cons">
        ${live.map((c) => {
          const purpose = textOf(c.purpose, c.version)
          return purpose ? runningConsent(purpose, c, m, language, ctx.controller, fields, evidenceOf(c.receipt)) : ''
        })}${over.map(
          (c) =>
            html`<li class="con">
              <h2>${textOf(c.purpose, c.version)?.title[language] ?? c.purpose}</h2>
              <p class="st ok">
                <span
                  >${m.withdrawnAt(dateTime(c.withdrawn_at!, language))} ${m.receipt}
                  <a class="nw" href="/me/receipts/${c.withdrawal ?? ''}">${c.withdrawal ?? ''}</a></span
                >
              </p>
              <p class="small">${toldOf(c.withdrawal)}</p>
            </li>`,
        )}
      </ul>
      <h2 id="goes-on">${m.goesOn}</h2>
      <p>${m.goesOnLead}</p>
      ${goesOn(others, running, takenOver, m, language, fields, ctx.clock())} ${messagesSaid(messages, m)}
      <h2 id="who-read">${m.whoRead}</h2>
      <p>${m.whoReadLead}</p>
      ${await readsTable(reads.items, { m, language, purposes, fields, keys: await ctx.identity.keys.list(), published: head.size })}
      ${reads.next === null ? '' : html`<p><a href="/me?before=${reads.next}#who-read">${m.older}</a></p>`}
      <h2>${m.receipts}</h2>
      <ul class="goes">
        ${receipts.map(
          (r) =>
            html`<li>
              <a class="mono" href="/me/receipts/${r.code}">${r.code}</a> ${m.receiptKinds[r.kind]}
              <p>${dateTime(r.at, language)}</p>
            </li>`,
        )}
      </ul>
      <details class="more">
        <summary>${m.howTitle}</summary>
        <div>
          <p>${m.how}</p>
          <p><a href="/log.vkey">log.vkey</a>, <a href="/receipt.vkey">receipt.vkey</a></p>
          <p class="mono">khien log verify --proof FILE.tlog-proof --vkey log.vkey</p>
          <p class="mono">khien receipt verify FILE.receipt.txt --vkey receipt.vkey</p>
        </div>
      </details>
      <details class="more">
        <summary>${m.eraseTitle}</summary>
        <div>${clocksText(m, language, ctx.clock())}</div>
      </details>
      <details class="more">
        <summary>${m.complainTitle}</summary>
        <div>${m.complain}</div>
      </details>
      <form method="post" action="/me/leave">
        <p class="row"><button class="btn">${m.leave}</button></p>
      </form>`
    return ctx.frame(asked, { title: m.pageTitle, path: '/me', body })
  }

  async function withdrawn(asked: Asked, code: string): Promise<Response> {
    const m = words(asked.language)
    const subject = subjectOf(asked)
    const consent = (await ctx.consent.decisions.of(subject)).find((c) => c.withdrawal === code)
    if (!consent) throw new KhienError('rights/unknown-receipt', 'You have no receipt with this code.', { status: 404 })
    const all = await ctx.consent.purposes.versions()
    const title = all.get(consent.purpose)?.[consent.version - 1]?.title[asked.language] ?? consent.purpose
    const others = [...all.values()].map((list) => list.at(-1)!).filter((p) => p.ground !== 'consent')
    const running = await ctx.consent.agreements.runningOf(subject)
    const takenOver = (await ctx.consent.takenOver.of(subject)).map(({ taken }) => taken)
    const body = html`<div class="ans sent">
        <h1>${m.doneTitle}</h1>
        <p class="lead">${m.done(title)}</p>
      </div>
      <div class="slip">
        <p>${m.receipt}</p>
        <p class="code">${code}</p>
        <p>${dateTime(consent.withdrawn_at!, asked.language)}</p>
        <p class="small">${m.keepReceipt}</p>
        <p class="row"><a class="btn" href="/me/receipts/${code}">${m.download}</a></p>
      </div>
      <h2>${m.goesOn}</h2>
      <p>${m.goesOnLead}</p>
      ${goesOn(others, running, takenOver, m, asked.language, await fieldsIn(asked.language), ctx.clock())}
      <p class="row"><a class="btn" href="/me">${m.back}</a></p>`
    return ctx.frame(asked, { title: m.doneTitle, path: `/me/withdrawn?receipt=${code}`, body })
  }

  async function policy(asked: Asked): Promise<Response> {
    const m = words(asked.language)
    const declared = await ctx.consent.purposes.current().catch(() => undefined)
    const fields = await fieldsIn(asked.language)
    const title = m.policyTitle(ctx.controller)
    const body = html`<h1>${title}</h1>
      ${
        declared
          ? html`<p class="lead">${declared.notice.text[asked.language]}</p>
              <h2>${m.purposes}</h2>
              <ul class="goes">
                ${declared.purposes.map(
                  ({ purpose, version }) =>
                    html`<li>
                      <b>${purpose.title[asked.language]}</b>
                      <p>${purpose.what[asked.language]}</p>
                      <p>
                        ${m.needs(fields.list(purpose.fields))} ${restsOn(purpose, m, asked.language, ctx.clock())}
                        ${m.receives}: ${recipients(purpose, m, ctx.controller)}. (${m.version(version)})
                      </p>
                    </li>`,
                )}
              </ul>`
          : html`<p class="lead">${m.noPolicy}</p>`
      }
      <h2>${m.checkTitle}</h2>
      <p>
        ${m.check} <a href="/checkpoint">/checkpoint</a>, <a href="/log.vkey">/log.vkey</a>,
        <a href="/receipt.vkey">/receipt.vkey</a>
      </p>`
    return ctx.frame(asked, { title, path: '/', body })
  }

  const download = (text: string, name: string): Response =>
    new Response(text, {
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'content-disposition': `attachment; filename="${name}"`,
        'cache-control': 'no-store',
      },
    })

  return [
    answer(rows.policy, (_, asked) => policy(asked)),
    answer(rows.enter, async ({ query }) => {
      const subject = await ctx.identity.keys.redeem(query.t, ctx.publicOrigin)
      return redirect('/me', [ctx.identity.personCookie(await ctx.identity.sessions.open('person', subject))])
    }),
    answer(rows.me, ({ query }, asked) => me(asked, query.before)),
    answer(rows.withdraw, async ({ body }, asked) => {
      const { code } = await ctx.consent.decisions.withdraw(subjectOf(asked), body.purpose, 'person')
      return redirect(`/me/withdrawn?receipt=${code}`)
    }),
    answer(rows.withdrawn, ({ query }, asked) => withdrawn(asked, query.receipt)),
    answer(rows.receipt, async ({ params }, asked) => {
      const receipt = await ctx.consent.decisions.receiptOf(subjectOf(asked), params.code)
      if (!receipt)
        throw new KhienError('rights/unknown-receipt', 'You have no receipt with this code.', { status: 404 })
      return download(receipt.note, `${params.code}.receipt.txt`)
    }),
    answer(rows.proof, async ({ params }, asked) => {
      const found = await ctx.audit.find(params.id)
      if (found === undefined || found.subject !== subjectOf(asked))
        throw new KhienError('rights/unknown-proof', 'There is no such entry about you.', { status: 404 })
      return download(await ctx.audit.proofOf(params.id), `${params.id}.tlog-proof`)
    }),
    answer(rows.leave, async (_, asked) => {
      const token = cookieOf(asked.raw, ctx.identity.cookieName('person'))
      if (token) await ctx.identity.sessions.close(token)
      return redirect('/', [ctx.identity.personCookie('')])
    }),
  ]
}
