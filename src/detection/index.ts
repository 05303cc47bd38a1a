import { z } from 'zod'
import { iso } from '../kit/clock.ts'
import { actorOf } from '../kit/contract.ts'
import { badRequest, KhienError } from '../kit/errors.ts'
import { answer, eventStream, type Bound } from '../http/index.ts'
import { alertService, type DetectionContext } from './alerts.ts'
import { detectionRoutes as rows } from './contract.ts'
import { Firing } from './firing.ts'
import type { WatchStatus } from './watch.ts'

export { detectionRoutes, type Alert, type Observable } from './contract.ts'
export { RAISED, type DetectionContext } from './alerts.ts'
export { observablesOf, type Firing } from './firing.ts'
export { detectionMessages } from './messages.ts'
export { keyOf, loadDetector, readRules } from './rule-files.ts'
export { detectionMigrations, type DetectionTables } from './store.ts'
export { openWatch, type Watch, type WatchStatus } from './watch.ts'
export type Detection = ReturnType<typeof openDetection>

const Firings = z.strictObject({ firings: z.array(Firing).max(1_000) })

/** What the rules found in the node's events: alerts, and how the watching goes. */
export function openDetection(ctx: DetectionContext) {
  const alerts = alertService(ctx)
  let status: WatchStatus | undefined

  /** Firings as the intake process posts them. Throws `detection/firing` for a malformed one. */
  async function receive(told: unknown): Promise<void> {
    const parsed = Firings.safeParse(told)
    if (!parsed.success)
      throw badRequest(
        'detection/firing',
        `A firing is malformed at ${parsed.error.issues[0]!.path.join('.')}.`,
        'body',
      )
    await alerts.receive(parsed.data.firings)
  }
  return {
    alerts,
    receive,
    hear: (told: unknown): void => void (status = told as WatchStatus),
    status: (): WatchStatus | undefined => status,
    clock: ctx.clock,
  }
}

export const detectionApi = (detection: Detection, alive: (session: string) => Promise<boolean>): readonly Bound[] => [
  answer(rows.list, ({ query }) => detection.alerts.page(query)),
  answer(rows.one, ({ params }) => detection.alerts.one(params.id)),
  answer(rows.dismiss, ({ params, body }, { caller }) =>
    detection.alerts.dismiss(params.id, body.reason, actorOf(caller)),
  ),
  answer(rows.rules, async () => {
    const status = detection.status()
    const found = await detection.alerts.byRule()
    return {
      items: (status?.rules ?? []).map((rule) => ({
        ...rule,
        level: rule.level as 'low',
        alerts: found.get(rule.id)?.alerts ?? 0,
        last: found.has(rule.id) ? iso(found.get(rule.id)!.last) : null,
      })),
      seen: status?.seen ?? 0,
      until: status?.until ? iso(status.until) : null,
      behindMs: status?.until ? Math.max(0, detection.clock() - status.until) : null,
      undecided: status?.undecided ?? 0,
      groupsDropped: status?.groupsDropped ?? 0,
    }
  }),
  answer(rows.live, async (_, { raw, caller }) => {
    const stream = eventStream('alert', detection.alerts.listen, {
      signal: raw.signal,
      alive: () => (caller.kind === 'staff' ? alive(caller.session) : Promise.resolve(false)),
    })
    if (!stream)
      throw new KhienError('http/too-many-watchers', 'Too many people watch live at the moment.', {
        status: 503,
        retryAfter: 10,
      })
    return stream
  }),
]
