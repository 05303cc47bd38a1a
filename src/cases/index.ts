import { actorOf } from '../kit/contract.ts'
import { answer, type Bound } from '../http/index.ts'
import { caseRoutes as rows } from './contract.ts'
import { caseService, type CaseContext } from './service.ts'

export { caseRoutes, type Case, type CaseHead } from './contract.ts'
export { caseMigrations, type CaseTables } from './store.ts'
export { peopleApi } from './people/api.ts'
export { peopleRoutes } from './people/contract.ts'
export { peopleMigrations, peopleService, TELL_PERSON, type People } from './people/service.ts'
export { socApi } from './soc/api.ts'
export { socRoutes } from './soc/contract.ts'
export { socMigrations, socService, type Soc } from './soc/service.ts'
export type { CaseContext } from './service.ts'
export type Cases = ReturnType<typeof caseService>

/** The case work of a control room. */
export const openCases = (ctx: CaseContext): Cases => caseService(ctx)

export const casesApi = (cases: Cases): readonly Bound[] => [
  answer(rows.list, ({ query }, { caller }) => cases.page({ ...query, actor: actorOf(caller) })),
  answer(rows.one, ({ params }) => cases.one(params.id)),
  answer(rows.open, ({ body }, { caller, once }) => cases.open(body, actorOf(caller), once)),
  answer(rows.take, ({ params }, { caller }) => cases.take(params.id, actorOf(caller))),
  answer(rows.join, ({ params, body }, { caller }) => cases.join(params.id, body.alert, actorOf(caller))),
  answer(rows.note, ({ params, body }, { caller }) => cases.note(params.id, body.text, actorOf(caller))),
  answer(rows.observe, ({ params, body }, { caller }) => cases.addObservable(params.id, body, actorOf(caller))),
  answer(rows.task, ({ params, body }, { caller }) => cases.addTask(params.id, body.title, actorOf(caller))),
  answer(rows.done, ({ params }, { caller }) => cases.finishTask(params.id, params.task, actorOf(caller))),
  answer(rows.severity, ({ params, body }, { caller }) => cases.judge(params.id, body.severity, actorOf(caller))),
  answer(rows.serious, ({ params, body }, { caller }) =>
    cases.declareSerious(
      params.id,
      body.detectedAt === undefined ? undefined : Date.parse(body.detectedAt),
      actorOf(caller),
    ),
  ),
  answer(rows.reported, ({ params, body }, { caller }) =>
    cases.reported(params.id, body.which, body.reference, actorOf(caller)),
  ),
  answer(rows.close, ({ params, body }, { caller }) => cases.close(params.id, body.outcome, actorOf(caller))),
  answer(rows.reopen, ({ params }, { caller }) => cases.reopen(params.id, actorOf(caller))),
]
