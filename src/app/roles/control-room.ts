import { join } from 'node:path'
import {
  casesApi,
  openCases,
  peopleApi,
  peopleService,
  socApi,
  socService,
  TELL_PERSON,
  type Cases,
  type Soc,
} from '../../cases/index.ts'
import { detectionApi, openDetection, RAISED, type Detection } from '../../detection/index.ts'
import { intakeApi, openIntake, type Intake } from '../../intake/index.ts'
import { evidenceFeed } from '../evidence-feed.ts'
import type { Opened, RoleSlices } from '../node.ts'

const FEED_MS = 500
/** Who is told of a new alert. */
const WAYS_OUT = ['soc.alert', 'people.alert'] as const

export type ControlRoom = Required<Pick<RoleSlices, 'rows' | 'duties' | 'jobs' | 'checks' | 'close'>> & {
  readonly intake: Intake
  readonly detection: Detection
  readonly cases: Cases
  readonly soc: Soc
}

/** What a platform and a telecom share: events in, rules over them, alerts, cases. */
export function openControlRoom(opened: Opened): ControlRoom {
  const { config, stores, secrets, audit, record, identity, outbox, clock, entropy } = opened
  const intake = openIntake({
    intakeSocket: join(config.folder, 'run', 'intake.sock'),
    storeSocket: join(config.folder, 'run', 'store.sock'),
    tokenKey: secrets.tokenKey,
    clock,
    entropy,
  })
  const detection = openDetection({ db: stores.db, clock, entropy, record, emit: outbox.emit })
  const names = identity.staff.names
  const cases = openCases({ db: stores.db, clock, record, detection, names })
  const soc = socService({ db: stores.db, clock, entropy, record, detection, voice: secrets.voice })
  // Each way out is tried again by itself: a centre that is away does not hold up our own people's mail.
  outbox.handle(RAISED, ({ alert }) =>
    stores.db.transaction(async (trx) => {
      for (const way of WAYS_OUT) await outbox.emit(trx, way, { alert: String(alert) })
    }),
  )
  const people = peopleService({
    db: stores.db,
    clock,
    entropy,
    record,
    detection,
    voice: secrets.voice,
    seal: secrets.sealSmall,
    open: secrets.openSmall,
    mailer: opened.mailer,
    controller: config.controller,
    consoleOrigin: config.internalOrigin,
    emit: outbox.emit,
  })
  outbox.handle('people.alert', ({ alert }) => people.spread(String(alert)))
  outbox.handle(TELL_PERSON, ({ recipient, alert }) => people.tell(String(recipient), String(alert)))
  outbox.handle('soc.alert', ({ alert }) => soc.deliver(String(alert)))
  for (const name of ['received', 'stored', 'pending', 'refusedBatches'] as const)
    opened.gauge(
      `khien_events_${name === 'refusedBatches' ? 'refused_batches' : name}`,
      `Ledger of events: ${name}`,
      () =>
        intake.ledger().then(
          (ledger) => ledger[name],
          () => NaN,
        ),
    )
  opened.gauge('khien_alerts_waiting', 'Alerts nobody has decided about', async () => {
    const { total } = await detection.alerts.page({ state: 'new', limit: 1 })
    return total
  })
  const feed = evidenceFeed({ db: stores.db, audit, intake })
  return {
    intake,
    detection,
    cases,
    soc,
    rows: [
      ...intakeApi(intake),
      ...detectionApi(detection, identity.sessions.alive),
      ...casesApi(cases),
      ...socApi(soc),
      ...peopleApi(people),
    ],
    duties: {
      firings: (told) => detection.receive(told),
      'watch-status': async (told) => detection.hear(told),
    },
    checks: {
      intake: async () => void (await intake.ledger()),
      events: async () => ((await intake.ledger()).inStore === null ? 'the event store does not answer' : undefined),
      detection: async () => (detection.status() ? undefined : 'no word from the rules yet'),
    },
    jobs: [{ name: 'evidence-feed', everyMs: FEED_MS, work: feed.turn }],
    close: () => intake[Symbol.asyncDispose](),
  }
}
