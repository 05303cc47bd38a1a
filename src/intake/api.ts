import { answer, type Bound } from '../http/index.ts'
import { actorOf } from '../kit/contract.ts'
import { badRequest } from '../kit/errors.ts'
import { intakeRoutes } from './contract.ts'
import type { Intake } from './service.ts'

const KEY = /^[\x21-\x7e]{1,64}$/

/** Events on the internal listener: taking them in, searching them, the ledger. */
export const intakeApi = (intake: Intake): readonly Bound[] => [
  answer(intakeRoutes.post, ({ body }, { caller, raw }) => {
    const key = raw.headers.get('idempotency-key') ?? undefined
    if (key !== undefined && !KEY.test(key))
      throw badRequest(
        'http/idempotency-key',
        'Idempotency-Key: expected 1 to 64 visible ASCII signs',
        'Idempotency-Key',
      )
    return intake.post(actorOf(caller), key, body)
  }),
  answer(intakeRoutes.search, ({ query }) => intake.search(query)),
  answer(intakeRoutes.histogram, ({ query }) => intake.histogram(query)),
  answer(intakeRoutes.top, ({ query }) => intake.top(query)),
  answer(intakeRoutes.ledger, () => intake.ledger()),
  answer(intakeRoutes.one, ({ params }) => intake.one(params.id)),
]
