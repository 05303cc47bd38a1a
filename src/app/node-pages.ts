import { z } from 'zod'
import { auditRoutes } from '../audit/contract.ts'
import { logRoutes, type Audit } from '../audit/index.ts'
import { logApi } from '../audit/routes.ts'
import { consoleAnswer, consoleFiles } from '../http/console.ts'
import { answer, html, redirect, type Bound, type Frame } from '../http/index.ts'
import { KhienError } from '../kit/errors.ts'
import { route } from '../kit/contract.ts'
import { inLanguage } from '../kit/i18n.ts'
import type { Identity } from '../identity/index.ts'
import { meApi, meRoutes } from '../identity/me/index.ts'
import type { Role } from './config.ts'
import { nodeMessages } from './messages.ts'

const none = z.strictObject({})
const internal = { listener: 'internal', kind: 'page', method: 'GET' } as const
const published = { listener: 'public', access: { open: true }, kind: 'file', method: 'GET', query: none } as const

export const nodeRoutes = {
  ...meRoutes,
  acts: auditRoutes.list,
  actProof: auditRoutes.proof,
  home: route({
    ...internal,
    id: 'node.home',
    path: '/',
    access: { open: true },
    summary: 'The console; without a session the way to the sign-in page',
    query: none,
    whileSealed: true,
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
  readonly keys: Identity['keys']
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
    ...meApi({ node, head: () => ctx.audit.head(), keys: ctx.keys }),
    ...logApi(ctx.audit),
    answer(nodeRoutes.home, async (_, asked) => {
      if (asked.caller.kind === 'staff') return consoleAnswer()
      if (await ctx.hasAdministrator()) return redirect('/sign-in')
      const m = inLanguage(nodeMessages, asked.language)
      const body = html`<div class="entry">
        <h1>${m.firstTitle}</h1>
        <p class="say">${m.firstLead}</p>
      </div>`
      return ctx.frame(asked, { title: m.firstTitle, path: '/', body })
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
