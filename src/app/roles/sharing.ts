import { exchangeApi, openExchange, SHARED, SIGHTED, taxiiFetch, type Exchange } from '../../exchange/index.ts'
import type { Cases } from '../../cases/index.ts'
import type { Opened, RoleSlices } from '../node.ts'

export type Sharing = Required<Pick<RoleSlices, 'rows' | 'jobs' | 'foreign'>> & { readonly exchange: Exchange }

/** Indicators to and from neighbours. With cases, what was shared and what came back of it stands in the case. */
export async function openSharing(opened: Opened, cases?: Cases): Promise<Sharing> {
  const { config, stores, secrets, record, outbox, clock, entropy, log } = opened
  const exchange = await openExchange({
    db: stores.db,
    clock,
    entropy,
    log,
    record,
    emit: outbox.emit,
    signNote: secrets.signExchange,
    vkey: secrets.exchangeVkey,
    sealSmall: secrets.sealSmall,
    openSmall: secrets.openSmall,
    controller: config.controller,
    role: config.role,
    publicOrigin: config.publicOrigin,
    ownRanges: config.ownRanges,
    demo: config.demo,
    relay: config.role === 'authority',
    ...(cases ? { linkCase: cases.link } : {}),
  })
  outbox.handle(SHARED, ({ caseId, indicator }) =>
    stores.db.transaction(async (trx) => {
      if (caseId)
        await cases?.tell(trx, String(caseId), {
          kind: 'shared',
          who: 'system',
          actor: 'node',
          text: String(indicator),
        })
    }),
  )
  outbox.handle(SIGHTED, ({ caseId, indicator, count }) =>
    stores.db.transaction(async (trx) => {
      const text = `${String(indicator)} ${String(count)}`
      if (caseId) await cases?.tell(trx, String(caseId), { kind: 'sighting', who: 'authority', actor: 'node', text })
    }),
  )
  const serve = taxiiFetch(exchange.taxii)
  return {
    exchange,
    rows: exchangeApi(exchange),
    jobs: exchange.jobs.map(({ name, ms, work }) => ({ name, everyMs: ms, work })),
    foreign: (request) => (new URL(request.url).pathname.startsWith('/taxii2') ? serve(request) : undefined),
  }
}
