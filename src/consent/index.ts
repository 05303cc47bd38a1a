import { actorOf } from '../kit/contract.ts'
import { iso } from '../kit/clock.ts'
import { answer, type Bound } from '../http/index.ts'
import { agreementService } from './agreements.ts'
import type { ConsentContext } from './context.ts'
import { consentRoutes as rows } from './contract.ts'
import { decisionService } from './decisions.ts'
import { groundService } from './grounds.ts'
import { noticeService } from './notices.ts'
import { purposeRegistry } from './purposes.ts'
import { takeOverService } from './taken-over.ts'

export { consentRoutes, type Outcome, type Purpose, type TakenOver } from './contract.ts'
export { consentMigrations, type ConsentTables } from './store.ts'
export { WITHDRAWN } from './notices.ts'
export type { ConsentContext } from './context.ts'
export type { Ruling, Wish } from './grounds.ts'
export type Consent = ReturnType<typeof openConsent>

/** Purposes, consents, agreements: on what each use of a person's data rests, today and on any day before. */
export function openConsent(ctx: ConsentContext) {
  const purposes = purposeRegistry(ctx)
  const notices = noticeService(ctx)
  const decisions = decisionService(ctx, purposes, notices)
  const agreements = agreementService(ctx)
  const takenOver = takeOverService(ctx, purposes)
  return { purposes, decisions, notices, agreements, takenOver, rule: groundService(ctx) }
}

export const consentApi = (consent: Consent): readonly Bound[] => [
  answer(rows.declare, async ({ body }, { caller }) => {
    const declared = await consent.purposes.declare(body.notice, body.purposes, actorOf(caller))
    return { notice: declared.notice, purposes: [...declared.purposes] }
  }),
  answer(rows.processing, async () => {
    const declared = await consent.purposes.current()
    return { notice: declared.notice, purposes: [...declared.purposes] }
  }),
  answer(rows.decide, ({ body }, { caller, once }) => consent.decisions.decide(body, actorOf(caller), once)),
  answer(rows.withdraw, ({ body }, { caller, once }) =>
    consent.decisions.withdraw(body.subject, body.purpose, actorOf(caller), once),
  ),
  answer(rows.state, async ({ params }) => ({
    consents: (await consent.decisions.of(params.subject)).map((row) => ({
      purpose: row.purpose,
      version: row.version,
      givenAt: iso(row.given_at),
      withdrawnAt: row.withdrawn_at === null ? null : iso(row.withdrawn_at),
    })),
    takenOver: (await consent.takenOver.of(params.subject)).map(({ taken }) => taken),
  })),
  answer(rows.takeOverConsents, ({ body }, { caller, once }) =>
    consent.takenOver.consents(body.items, body.statedBy, actorOf(caller), once),
  ),
  answer(rows.takeOverAgreements, ({ body }, { caller, once }) =>
    consent.takenOver.agreements(body.items, body.statedBy, actorOf(caller), once),
  ),
  answer(rows.openAgreement, ({ body }, { caller, once }) => consent.agreements.open(body, actorOf(caller), once)),
  answer(rows.closeAgreement, ({ body }, { caller, once }) => consent.agreements.close(body, actorOf(caller), once)),
]
