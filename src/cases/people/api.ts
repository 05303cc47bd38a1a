import { actorOf } from '../../kit/contract.ts'
import { answer, type Bound } from '../../http/index.ts'
import { peopleRoutes as rows } from './contract.ts'
import type { People } from './service.ts'

export const peopleApi = (people: People): readonly Bound[] => [
  answer(rows.list, () => people.list()),
  answer(rows.add, async ({ body }, { caller }) => {
    await people.add(body, actorOf(caller))
    return people.list()
  }),
  answer(rows.remove, async ({ params }, { caller }) => {
    await people.remove(params.id, actorOf(caller))
    return people.list()
  }),
]
