import { join } from 'node:path'
import { casesApi, openCases, type Cases } from '../../cases/index.ts'
import { detectionApi, openDetection, type Detection } from '../../detection/index.ts'
import { intakeApi, openIntake, type Intake } from '../../intake/index.ts'
import { evidenceFeed } from '../evidence-feed.ts'
import type { Opened, RoleSlices } from '../node.ts'

const FEED_MS = 500

export type ControlRoom = Required<Pick<RoleSlices, 'rows' | 'duties' | 'jobs' | 'close'>> & {
  readonly intake: Intake
  readonly detection: Detection
  readonly cases: Cases
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
  const feed = evidenceFeed({ db: stores.db, audit, intake })
  return {
    intake,
    detection,
    cases,
    rows: [...intakeApi(intake), ...detectionApi(detection, identity.sessions.alive), ...casesApi(cases)],
    duties: {
      firings: (told) => detection.receive(told),
      'watch-status': async (told) => detection.hear(told),
    },
    jobs: [{ name: 'evidence-feed', everyMs: FEED_MS, work: feed.turn }],
    close: () => intake[Symbol.asyncDispose](),
  }
}
