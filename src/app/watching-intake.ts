import type { IntakeConfig } from '../intake/receiver/index.ts'

/** What one intake process is told at start. Serialisable: it travels over IPC. */
export type WatchingIntake = IntakeConfig & {
  /** Folder of Sigma rules. */
  readonly sigma: string
}
