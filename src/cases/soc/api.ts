import { actorOf } from '../../kit/contract.ts'
import { answer, type Bound } from '../../http/index.ts'
import { socRoutes as rows } from './contract.ts'
import type { Soc } from './service.ts'

export const socApi = (soc: Soc): readonly Bound[] => [
  answer(rows.show, () => soc.show()),
  answer(rows.contract, async ({ body }, { caller }) => {
    await soc.setContract(body, actorOf(caller))
    return soc.show()
  }),
  answer(rows.endContract, async (_, { caller }) => {
    await soc.setContract(null, actorOf(caller))
    return soc.show()
  }),
  answer(rows.addClient, async ({ body }, { caller }) => {
    await soc.addClient(body.name, body.key, actorOf(caller))
    return soc.show()
  }),
  answer(rows.receive, async ({ body }, { raw }) => {
    const authority = raw.headers.get('host') ?? ''
    const { pathname } = new URL(raw.url)
    await soc.receive({ method: 'POST', authority, path: pathname, body }, (name) => raw.headers.get(name))
    return { received: true as const }
  }),
]
