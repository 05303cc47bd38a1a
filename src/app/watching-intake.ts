import type { IntakeConfig } from '../intake/receiver/index.ts'

/** What one intake process is told at start. Serialisable: it travels over IPC. */
export type WatchingIntake = IntakeConfig & {
  /** Folder of Sigma rules. */
  readonly sigma: string
  /** Whether devices that contact a listed host are looked for: a telecom's duty. */
  readonly matching: boolean
}
