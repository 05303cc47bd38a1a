import { answer, type Bound } from '../../http/index.ts'
import { actorOf } from '../../kit/contract.ts'
import { tuningRoutes as rows } from './contract.ts'
import type { ExclusionService } from './exclusions.ts'
import type { SuddenService } from './sudden.ts'

/** Proposals, exclusions, and rules that turned themselves to watching, for the console. */
export const tuningApi = (exclusions: ExclusionService, sudden: SuddenService): readonly Bound[] => [
  answer(rows.proposal, ({ params }) => exclusions.propose(params.id)),
  answer(rows.exclude, ({ params, body }, { caller }) =>
    exclusions.exclude(params.id, { ...body, actor: actorOf(caller) }),
  ),
  answer(rows.exclusions, ({ query }) => exclusions.page(query)),
  answer(rows.removeExclusion, async ({ params, body }, { caller }) => ({
    version: await exclusions.remove(params.id, actorOf(caller), body.reason),
  })),
  answer(rows.sudden, ({ query }) => sudden.page(query)),
  answer(rows.acceptSudden, ({ params, body }, { caller }) =>
    sudden.decide(params.id, 'accepted', actorOf(caller), body.reason),
  ),
  answer(rows.restoreSudden, ({ params, body }, { caller }) =>
    sudden.decide(params.id, 'restored', actorOf(caller), body.reason),
  ),
]
