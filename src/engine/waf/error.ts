/** A rule file says something this engine does not do, or says it wrongly. Names the file, the line and the construct. */
export class SecLangError extends Error {
  override readonly name = 'SecLangError'
  readonly file: string
  readonly line: number

  constructor(file: string, line: number, what: string) {
    super(`${file}:${line}: ${what}`)
    this.file = file
    this.line = line
  }
}

/** Thrown by the parts that do not know their file and line; `compileRules` turns it into a `SecLangError`. */
export class ConstructError extends Error {
  override readonly name = 'ConstructError'
}
