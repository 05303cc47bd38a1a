import { answer, type Bound } from '../../http/index.ts'
import { actorOf } from '../../kit/contract.ts'
import { trafficRoutes as rows } from './contract.ts'
import type { DryRunService } from './dry-runs.ts'
import type { KeptTraffic } from './kept.ts'

/** What is kept, and dry runs over it, for the console. */
export const trafficApi = (kept: KeptTraffic, dryRuns: DryRunService): readonly Bound[] => [
  answer(rows.kept, () => kept.figures()),
  answer(rows.forgetKept, async (_, { caller }) => ({ forgotten: await kept.forget(actorOf(caller)) })),
  answer(rows.dryRuns, ({ query }) => dryRuns.page(query.cursor, query.limit)),
  answer(rows.dryRun, ({ params }) => dryRuns.one(params.id)),
  answer(rows.startDryRun, ({ body }, { caller }) => dryRuns.start({ ...body, actor: actorOf(caller) })),
  answer(rows.cancelDryRun, ({ params }) => dryRuns.cancel(params.id)),
]
