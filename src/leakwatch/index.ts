import { actorOf } from '../kit/contract.ts'
import { answer, type Bound } from '../http/index.ts'
import { leakwatchRoutes as rows } from './contract.ts'
import { leakwatchService, type Leakwatch, type LeakwatchContext } from './service.ts'

export { leakwatchRoutes } from './contract.ts'
export { leakwatchMessages } from './messages.ts'
export { leakwatchPages } from './pages.ts'
export { leakwatchMigrations } from './store.ts'
export type { Leakwatch, LeakwatchContext } from './service.ts'

/** Listening to people: what they report about leaks and misuse of personal data. */
export const openLeakwatch = (ctx: LeakwatchContext): Leakwatch => leakwatchService(ctx)

export const leakwatchApi = (leakwatch: Leakwatch): readonly Bound[] => [
  answer(rows.list, ({ query }, { caller }) => leakwatch.page({ ...query, actor: actorOf(caller) })),
  answer(rows.one, ({ params }, { caller }) => leakwatch.one(params.id, actorOf(caller))),
  answer(rows.take, ({ params }, { caller }) => leakwatch.take(params.id, actorOf(caller))),
  answer(rows.ask, ({ params, body }, { caller }) => leakwatch.ask(params.id, body.text, actorOf(caller))),
  answer(rows.close, ({ params, body }, { caller }) =>
    leakwatch.close(params.id, body.outcome, body.text, actorOf(caller)),
  ),
]
