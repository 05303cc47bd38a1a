import { actorOf } from '../kit/contract.ts'
import type { z } from 'zod'
import { answer, type Bound } from '../http/index.ts'
import { badRequest } from '../kit/errors.ts'
import { codeCheck } from './confirm.ts'
import { contactService } from './contacts.ts'
import type { SubscriberContext } from './context.ts'
import { subscriberRoutes as rows } from './contract.ts'
import { Hits } from './hits.ts'
import { infectionService } from './infections.ts'
import { A_PAGE_OF_INDICATORS, IndicatorsWanted, MatchingStatus, type IndicatorPage } from './matching.ts'
import { noticeDesk } from './notices.ts'
import { references } from './people.ts'
import { openPortLogs } from './port-logs.ts'
import { declarePurpose } from './purpose.ts'
import { retroSearch } from './retro.ts'

export { NOTICE, type SearchEvents, type Sighted, type SubscriberContext } from './context.ts'
export { subscriberRoutes } from './contract.ts'
export type { Hit } from './hits.ts'
export { openMatching, type Matching } from './matching.ts'
export { subscriberMessages } from './messages.ts'
export { warningPages } from './pages.ts'
export { PURPOSE } from './purpose.ts'
export { subscriberMigrations } from './store.ts'
export type Subscribers = Awaited<ReturnType<typeof openSubscribers>>

const RETRO_MS = 500
const RELEASE_MS = 2_000
const SWEEP_MS = 60_000

/**
 * Infected devices of our subscribers: whose they are by the port-block logs, and one warning each. Notices that a crash
 * left in doubt are cleared before this resolves, so open it before the outbox starts, and hand `NOTICE` to `send`.
 */
export async function openSubscribers(ctx: SubscriberContext) {
  await declarePurpose(ctx)
  const people = references(ctx)
  const logs = await openPortLogs(ctx, people)
  const desk = noticeDesk(ctx, logs)
  const infections = infectionService(ctx, logs, desk)
  const retro = retroSearch(ctx, infections.receive)
  let watched: MatchingStatus | undefined
  await desk.clearDoubt()
  // A log that was taken in just before the end of the last process.
  await infections.judgeAgain()

  async function importPortLog(name: string, bytes: Uint8Array, actor: string) {
    const answered = await logs.import(name, bytes, actor)
    await infections.judgeAgain()
    return answered
  }

  async function pageOfIndicators(body: unknown): Promise<IndicatorPage> {
    const { known, from } = told(IndicatorsWanted, body)
    const { version, items } = await ctx.indicators.usable()
    return known === version
      ? { version, items: null, total: items.length }
      : { version, items: items.slice(from, from + A_PAGE_OF_INDICATORS), total: items.length }
  }

  async function hear(body: unknown): Promise<void> {
    const status = told(MatchingStatus, body)
    if (status.began !== watched?.began) await retro.again()
    watched = status
  }

  return {
    logs,
    infections,
    notices: desk,
    codes: codeCheck(ctx, desk),
    contacts: contactService(ctx, people),
    importPortLog,
    /** The outbox handler of `NOTICE`. */
    send: desk.send,
    watched: () => watched,
    retro,
    /** What the matching in the intake process tells and asks. */
    duties: {
      matches: async (body: unknown) => infections.receive(told(Hits, body).hits),
      indicators: pageOfIndicators,
      'matching-status': hear,
    },
    /** To be repeated by whoever runs the node. */
    jobs: [
      { name: 'subscribers.retro', everyMs: RETRO_MS, work: retro.turn },
      { name: 'subscribers.release', everyMs: RELEASE_MS, work: desk.release },
      { name: 'subscribers.clean', everyMs: SWEEP_MS, work: infections.sweep },
    ] as readonly { readonly name: string; readonly everyMs: number; readonly work: () => Promise<unknown> }[],
  }
}

/** Refused for good: told again it would be as wrong. */
function told<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const read = schema.safeParse(body)
  if (!read.success)
    throw badRequest('subscribers/told', `Not what this duty is told: ${read.error.issues[0]?.path.join('.') ?? ''}.`)
  return read.data
}

export const subscribersApi = (subscribers: Subscribers): readonly Bound[] => {
  const { logs, infections, notices } = subscribers
  return [
    answer(rows.summary, async () => {
      const watched = subscribers.watched()
      return {
        ...(await infections.figures()),
        ...(await notices.figures()),
        warning: await notices.setting(),
        matcher: {
          indicators: watched?.indicators ?? 0,
          version: Math.max(0, watched?.version ?? 0),
          eventsSeen: watched?.events ?? 0,
          hits: watched?.hits ?? 0,
          dropped: watched?.dropped ?? 0,
          searched: subscribers.retro.counts.searched,
          waiting: subscribers.retro.counts.waiting,
          cut: subscribers.retro.counts.cut,
        },
      }
    }),
    answer(rows.infections, ({ query }) => infections.page(query)),
    answer(rows.infection, ({ params }) => infections.one(params.id)),
    answer(rows.notices, ({ query }) => notices.page(query)),
    answer(rows.preview, async ({ params }, { language }) =>
      notices.preview(await infections.row(params.id), language),
    ),
    answer(rows.warning, ({ body }, { caller }) => notices.set(body, actorOf(caller))),
    answer(rows.portLogs, () => logs.list()),
    answer(rows.importPortLog, ({ body }, { caller }) =>
      subscribers.importPortLog('port-block log', body, actorOf(caller)),
    ),
    answer(rows.attribute, ({ body }, { caller }) => logs.ask({ ...body, at: Date.parse(body.at) }, actorOf(caller))),
    answer(rows.contacts, async ({ body }, { caller, once }) => ({
      items: await subscribers.contacts(body.items, actorOf(caller), once),
    })),
  ]
}
