import { answer, html, redirect, type Asked, type Bound, type Frame, type Html } from '../http/index.ts'
import { KhienError } from '../kit/errors.ts'
import { dateTime, inLanguage, type Language } from '../kit/i18n.ts'
import { gatewayRoutes as rows, RefusalId } from './contract.ts'
import { liveStream } from './live.ts'
import { gatewayMessages } from './messages.ts'
import { REFUSALS_A_PAGE, type Refusal, type RefusalStore } from './refusals.ts'

/** Internal pages of the gateway: refusals as a live list, and one refusal. */
export function gatewayPages(
  store: RefusalStore,
  frame: Frame,
  /** Whether a session is still open. */
  alive: (session: string) => Promise<boolean>,
): readonly Bound[] {
  return [
    answer(rows.live, async (_, asked) => {
      const { caller, raw } = asked
      const last = RefusalId.safeParse(raw.headers.get('last-event-id'))
      const stream = liveStream(store, async (refusal) => String(await row(refusal, asked.language)), {
        signal: raw.signal,
        since: last.success ? last.data : undefined,
        alive: async () => caller.kind === 'staff' && alive(caller.session),
      })
      if (!stream)
        throw new KhienError('gateway/too-many-watchers', 'Too many pages watch live already.', {
          status: 503,
          retryAfter: 30,
        })
      return stream
    }),
    answer(rows.list, async ({ query }, asked) =>
      query.id === undefined
        ? listPage(asked, frame, await store.page(query.before), query.before === undefined)
        : redirect(`/refusals/${query.id}`),
    ),
    answer(rows.one, async ({ params }, asked) => {
      const refusal = await store.one(params.id)
      if (!refusal)
        throw new KhienError('gateway/unknown-refusal', 'There is no refusal with this id.', { status: 404 })
      return onePage(asked, frame, refusal)
    }),
  ]
}

function listPage(asked: Asked, frame: Frame, refusals: readonly Refusal[], newest: boolean): Promise<Response> {
  const m = inLanguage(gatewayMessages, asked.language)
  const body = html`<div class="head">
      <div>
        <p class="crumb">${m.protect}</p>
        <h1>${m.refusals}</h1>
        <p class="meta">
          <span>${m.lead}</span>${newest ? html`<span class="st run" id="live-state">${m.live}</span>` : ''}
        </p>
      </div>
    </div>
    <form class="find-one" method="get" action="/refusals">
      <label class="field"
        ><span>${m.findOne}</span><input class="in mono" name="id" placeholder="R-XXXX-XXXX" required /></label
      ><button class="btn">${m.find}</button>
    </form>
    <section class="sec">
      <div class="tw" tabindex="0" role="region" aria-label="${m.refusals}">
        <table class="t fold">
          <caption class="vh">
            ${m.refusals}
          </caption>
          <thead>
            <tr>
              <th scope="col">${m.time}</th>
              <th scope="col">${m.rule}</th>
              <th scope="col">${m.place}</th>
              <th scope="col">${m.match}</th>
              <th scope="col">${m.path}</th>
              <th scope="col">${m.source}</th>
              <th scope="col" class="num">${m.score}</th>
            </tr>
          </thead>
          <tbody id="refusals" ${newest ? 'data-live' : ''}>
            ${refusals.map((refusal) => row(refusal, asked.language))}
          </tbody>
        </table>
      </div>
      ${refusals.length === 0 ? html`<div class="void" id="none"><p>${m.none}</p></div>` : ''}
      ${refusals.length === REFUSALS_A_PAGE ? html`<p class="tf"><a href="/refusals?before=${refusals.at(-1)!.id}">${m.older}</a></p>` : ''}
    </section>`
  return frame(asked, { title: m.refusals, path: '/refusals', body, ...(newest ? { script: 'live.js' } : {}) })
}

/** The same row in the page and in the live stream. */
function row(refusal: Refusal, language: Language): Html {
  const first = heaviest(refusal)
  return html`<tr data-id="${refusal.id}">
    <th scope="row" class="nw"><a href="/refusals/${refusal.id}">${dateTime(refusal.at, language)}</a></th>
    <td class="full">
      ${severity(first?.severity ?? '', language)}
      <span class="mono">${first?.ruleId ?? ''}</span> ${first ? family(first, language) : ''}
    </td>
    <td class="mono">${first?.place ?? ''}</td>
    <td>${covered(first?.masked ?? '', language)}</td>
    <td class="mono clip">${refusal.method} ${refusal.path}</td>
    <td class="mono nw">${refusal.clientAddress}:${refusal.clientPort}</td>
    <td class="num">${refusal.score}</td>
  </tr>`
}

const heaviest = (refusal: Refusal): Refusal['matches'][number] | undefined =>
  refusal.matches.toSorted((a, b) => b.score - a.score)[0]

/** The kind of attack in the reader's language; a rule's own message is in the language of its author. */
function family(match: Refusal['matches'][number], language: Language): string {
  const { families } = inLanguage(gatewayMessages, language)
  return families[match.tags.find((tag) => tag in families) ?? ''] ?? match.message
}

const LEVEL: Record<string, 's1' | 's2' | 's3' | 's4'> = { NOTICE: 's1', WARNING: 's2', ERROR: 's3', CRITICAL: 's4' }
const WORD = { s1: 'low', s2: 'medium', s3: 'high', s4: 'critical' } as const

function severity(name: string, language: Language): Html {
  const level = LEVEL[name.toUpperCase()] ?? 's2'
  return html`<span class="sev ${level}">${inLanguage(gatewayMessages, language).sevWords[WORD[level]]}</span>`
}

/** The weave lies over what is covered; a reader hears that it is. */
function covered(masked: string, language: Language): Html {
  // The engine counts in English.
  const said = language === 'vi' ? masked.replace(/\((\d+) bytes\)$/, '($1 byte)') : masked
  const parts = said.split(/(•+)/)
  const word = inLanguage(gatewayMessages, language).covered
  return html`<span class="mask mono"
    >${parts.map((part) => (part.startsWith('•') ? html`<i aria-label="${word}" role="img">${part}</i>` : part))}</span
  >`
}

function onePage(asked: Asked, frame: Frame, refusal: Refusal): Promise<Response> {
  const m = inLanguage(gatewayMessages, asked.language)
  const sentence =
    refusal.mode === 'detect'
      ? m.observed(refusal.score, refusal.threshold)
      : m.sentence(refusal.score, refusal.threshold)
  const body = html`<div class="head">
      <div>
        <p class="crumb"><a href="/refusals">${m.protect} / ${m.refusals}</a></p>
        <h1>${m.refusal} <span class="tok">${refusal.id}</span></h1>
        <p class="meta"><span>${dateTime(refusal.at, asked.language)}</span></p>
      </div>
    </div>
    <section class="sec">
      <div class="sech"><h2>${m.why}</h2></div>
      <p class="say">${sentence}</p>
      <dl class="facts">
        <dt>${m.method}</dt>
        <dd class="mono">${refusal.method} ${refusal.path}</dd>
        <dt>${m.host}</dt>
        <dd class="mono">${refusal.host}</dd>
        <dt>${m.source}</dt>
        <dd class="mono">${refusal.clientAddress}:${refusal.clientPort}</dd>
        <dt>${m.answer}</dt>
        <dd>${refusal.status}</dd>
        <dt>${m.notKept}</dt>
        <dd>${m.notKeptWhat}</dd>
      </dl>
    </section>
    <section class="sec">
      <div class="sech"><h2>${m.rules}</h2></div>
      <div class="tw" tabindex="0" role="region" aria-label="${m.rules}">
        <table class="t">
          <caption class="vh">
            ${m.rules}
          </caption>
          <thead>
            <tr>
              <th scope="col">${m.rule}</th>
              <th scope="col">${m.place}</th>
              <th scope="col">${m.match}</th>
              <th scope="col" class="num">${m.score}</th>
            </tr>
          </thead>
          <tbody>
            ${refusal.matches.map(
              (match) =>
                html`<tr>
                  <th scope="row">
                    ${severity(match.severity, asked.language)}
                    <span class="mono">${match.ruleId}</span> ${family(match, asked.language)}<span class="sub"
                      >${match.message}</span
                    >
                  </th>
                  <td class="mono">${match.place}</td>
                  <td>${covered(match.masked, asked.language)}</td>
                  <td class="num">${match.score}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`
  return frame(asked, { title: `${m.refusal} ${refusal.id}`, path: `/refusals/${refusal.id}`, body })
}
