import type { Language } from '../kit/i18n.ts'

/** What a verb may touch of the world. Results go to `out`, progress and errors to `err`; both take whole text. */
export type Io = {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly stdin: NodeJS.ReadStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly language: Language
  /** The folder of the clone or of the installed package. */
  readonly root: string
}

/** One command of `khien`. `run` returns the exit code: 0 done, 1 failed, 2 asked wrongly. */
export type Verb = {
  /** One line in `khien --help`. */
  readonly summary: string
  /** What `khien <verb> --help` prints, first line `khien <verb> …`. */
  readonly usage: string
  run(args: readonly string[], io: Io): Promise<number>
}

/** Asked wrongly: one sentence, exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
