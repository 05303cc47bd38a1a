import { z } from 'zod'
import { auditRoutes } from '../audit/contract.ts'
import { logRoutes, type Audit } from '../audit/index.ts'
import { logApi } from '../audit/routes.ts'
import { consoleFiles } from '../http/console.ts'
import { answer, html, redirect, type Bound, type Frame, type Html } from '../http/index.ts'
import { KhienError } from '../kit/errors.ts'
import { route } from '../kit/contract.ts'
import { dateTime, inLanguage, number, type Language } from '../kit/i18n.ts'
import { meApi, meRoutes } from '../identity/me/index.ts'
import type { Role } from './config.ts'
import { nodeMessages } from './messages.ts'

const none = z.strictObject({})
const internal = { listener: 'internal', kind: 'page', method: 'GET' } as const
const keepers = ['administrator', 'dpo', 'auditor'] as const
const published = { listener: 'public', access: { open: true }, kind: 'file', method: 'GET', query: none } as const

export const nodeRoutes = {
  me: meRoutes.me,
  acts: auditRoutes.list,
  actProof: auditRoutes.proof,
  home: route({
    ...internal,
    id: 'node.home',
    path: '/',
    access: { open: true },
    summary: 'Status of the node',
    query: none,
    whileSealed: true,
  }),
  log: route({
    ...internal,
    id: 'node.log',
    path: '/log',
    access: { roles: keepers },
    summary: 'The evidence log, newest first',
    query: z.strictObject({ before: z.string().max(80).optional() }),
  }),
  proof: route({
    ...internal,
    kind: 'file',
    id: 'node.proof',
    path: '/log/:id/proof',
    access: { roles: keepers },
    summary: 'Inclusion proof of one record',
    params: z.strictObject({ id: z.string().regex(/^aud_[0-9A-Z]{26}$/) }),
    query: none,
  }),
  publicHome: route({
    ...published,
    kind: 'page',
    id: 'node.public-home',
    path: '/',
    summary: 'The public page of a node without citizen duties yet',
  }),
  checkpoint: route({
    ...published,
    id: 'log.checkpoint',
    path: '/checkpoint',
    summary: 'Signed checkpoint (C2SP tlog-checkpoint)',
  }),
  vkey: route({ ...published, id: 'log.vkey', path: '/log.vkey', summary: 'Key that checks the log' }),
  receiptVkey: route({
    ...published,
    id: 'log.receipt-vkey',
    path: '/receipt.vkey',
    summary: 'Key that checks receipts',
  }),
  tile: route({ ...published, id: 'log.tile', path: '/tile/*', summary: 'Tiles and entry bundles (C2SP tlog-tiles)' }),
} as const

/** A node's folder is named after its role (plan.ts). */

export type StatusLine = { readonly label: string; readonly value: Html | string }
export type StatusSection = { readonly title: string; readonly lines: readonly StatusLine[] }

export type NodePages = {
  readonly audit: Audit
  readonly role: Role
  readonly controller: string
  readonly publicOrigin: string
  readonly folder: string
  readonly frame: Frame
  readonly demoKey: boolean
  readonly receiptVkey: string
  readonly hasAdministrator: () => Promise<boolean>
  /** What this role has to say on its status page. */
  readonly sections: (language: Language) => Promise<readonly StatusSection[]>
}

export function nodePages(ctx: NodePages): readonly Bound[] {
  const files = logRoutes(ctx.folder)
  const { role, controller, demoKey, publicOrigin } = ctx
  const node = { role, controller, demoKey, publicOrigin }
  const file = async (path: string): Promise<Response> => {
    const { status, headers, body } = await files(path)
    return new Response(new Uint8Array(body), { status, headers })
  }
  return [
    ...consoleFiles,
    ...meApi({ node, head: () => ctx.audit.head() }),
    ...logApi(ctx.audit),
    answer(nodeRoutes.home, async (_, asked) => {
      const m = inLanguage(nodeMessages, asked.language)
      if (asked.caller.kind !== 'staff') {
        if (await ctx.hasAdministrator()) return redirect('/sign-in')
        const body = html`<div class="entry">
          <h1>${m.firstTitle}</h1>
          <p class="say">${m.firstLead}</p>
        </div>`
        return ctx.frame(asked, { title: m.firstTitle, path: '/', body })
      }
      const head = await ctx.audit.head()
      const sections: StatusSection[] = [
        ...(await ctx.sections(asked.language)),
        {
          title: m.proof,
          lines: [
            {
              label: m.leaves,
              value: canSee(asked.caller.roles, keepers)
                ? html`<a href="/log">${number(head.size, asked.language)}</a>`
                : number(head.size, asked.language),
            },
            { label: m.signed, value: dateTime(head.signedAt, asked.language) },
          ],
        },
      ]
      const body = html`<div class="head">
          <div><h1>${m.home}</h1></div>
          <div class="acts">
            <a class="btn go" href="/console">${asked.language === 'vi' ? 'Mở bàn điều khiển' : 'Open the console'}</a>
          </div>
        </div>
        ${ctx.demoKey ? html`<p class="warnline">${m.demoKey}</p>` : ''}${sections.map(
          (section) =>
            html`<section class="sec">
              <div class="sech"><h2>${section.title}</h2></div>
              <dl class="facts">
                ${section.lines.map(
                  (line) =>
                    html`<dt>${line.label}</dt>
                      <dd>${line.value}</dd>`,
                )}
              </dl>
            </section>`,
        )}`
      return ctx.frame(asked, { title: m.home, path: '/', body })
    }),
    answer(nodeRoutes.log, async ({ query }, asked) => {
      const m = inLanguage(nodeMessages, asked.language)
      const { items, next } = await ctx.audit.list({
        limit: 50,
        ...(query.before === undefined ? {} : { before: query.before }),
      })
      const body = html`<div class="head">
          <div>
            <h1>${m.logTitle}</h1>
            <p class="meta"><span>${m.logLead}</span></p>
          </div>
        </div>
        <section class="sec">
          <div class="tw" tabindex="0" role="region" aria-label="${m.logTitle}">
            <table class="t va fold">
              <caption class="vh">
                ${m.logTitle}
              </caption>
              <thead>
                <tr>
                  <th scope="col">${m.leaf}</th>
                  <th scope="col">${m.time}</th>
                  <th scope="col">${m.kind}</th>
                  <th scope="col">${m.actor}</th>
                  <th scope="col">${m.subject}</th>
                  <th scope="col">${m.purpose}</th>
                  <th scope="col">${m.result}</th>
                  <th scope="col">${m.facts}</th>
                </tr>
              </thead>
              <tbody>
                ${items.map(
                  (item) =>
                    html`<tr>
                      <th scope="row" class="nw">
                        ${item.index === null ? m.pending : html`<a class="leaf" href="/log/${item.id}/proof">#${item.index}</a>`}
                      </th>
                      <td class="nw">${dateTime(Date.parse(item.at), asked.language)}</td>
                      <td class="nw">${m.acts[item.kind] ?? item.kind}<span class="sub mono">${item.kind}</span></td>
                      <td class="mono">${shortened(item.actor)}</td>
                      <td class="tok">${item.subject ?? ''}</td>
                      <td class="mono">
                        ${item.purpose ?? ''}${item.reason === undefined ? '' : html`<span class="sub">${item.reason}</span>`}
                      </td>
                      <td>
                        <span class="st ${item.result === 'refused' ? 'stop' : ''}"
                          >${m.results[item.result] ?? item.result}</span
                        >
                      </td>
                      <td class="mono">
                        ${Object.entries(item.facts ?? {})
                          .map(([name, value]) => `${name}=${String(value)}`)
                          .join(' ')}
                      </td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>
          ${next === null ? '' : html`<p class="tf"><a href="/log?before=${next}">${m.older}</a></p>`}
        </section>`
      return ctx.frame(asked, { title: m.logTitle, path: '/log', body })
    }),
    answer(nodeRoutes.proof, async ({ params }) => {
      const proof = await ctx.audit.proofOf(params.id)
      return new Response(proof, {
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          'content-disposition': `attachment; filename="${params.id}.tlog-proof"`,
        },
      })
    }),
    answer(nodeRoutes.checkpoint, () => file('/checkpoint')),
    answer(nodeRoutes.vkey, () => file('/log.vkey')),
    answer(
      nodeRoutes.receiptVkey,
      async () =>
        new Response(`${ctx.receiptVkey}\n`, {
          headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' },
        }),
    ),
    answer(nodeRoutes.tile, (_, asked) => {
      const path = URL.parse(asked.raw.url)?.pathname
      if (path === undefined)
        throw new KhienError('http/not-found', 'There is nothing at this address.', { status: 404 })
      return file(path)
    }),
  ]
}

/** An id is cut in the middle where many stand below each other; the proof has it whole. */
const shortened = (actor: string): string =>
  actor.length <= 20 ? actor : `${actor.slice(0, actor.indexOf('_') + 1)}…${actor.slice(-6)}`

const canSee = (roles: readonly string[], wanted: readonly string[]): boolean =>
  roles.some((role) => wanted.includes(role))
