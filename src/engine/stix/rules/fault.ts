export type StixFaultCode =
  | 'type'
  | 'missing'
  | 'format'
  | 'range'
  | 'empty'
  | 'null'
  | 'too-large'
  | 'name'
  | 'identifier'
  | 'reference'
  | 'vocabulary'
  | 'combination'
  | 'time-order'
  | 'hash'
  | 'pattern'
  | 'selector'
  | 'marking'
  | 'extension'
  | 'version'
  | 'custom'
  | 'deprecated'
  | 'deterministic-id'

/** What a rule of STIX 2.1 has against a value. Errors break a MUST, warnings a SHOULD. */
export type StixFault = {
  /** Names and places from the object: `external_references.0.url`; empty for the object itself. */
  readonly path: string
  readonly code: StixFaultCode
  readonly level: 'error' | 'warning'
  /** One sentence; foreign text in it is quoted and cut. */
  readonly message: string
  /** Of the STIX 2.1 OASIS Standard: `3.2`. */
  readonly section: string
}

/** More faults than this about one object help nobody. */
const FAULTS_LIMIT = 200

/** Where a check stands: what it reports goes under this path and section. */
export class Place {
  readonly path: string
  readonly section: string
  readonly #faults: StixFault[]

  constructor(faults: StixFault[], section: string, path = '') {
    this.#faults = faults
    this.section = section
    this.path = path
  }

  /** The property or item below. */
  at(name: string | number): Place {
    const short = String(name).slice(0, 250)
    return new Place(this.#faults, this.section, this.path === '' ? short : `${this.path}.${short}`)
  }

  by(section: string): Place {
    return new Place(this.#faults, section, this.path)
  }

  error(code: StixFaultCode, message: string): void {
    this.#add('error', code, message)
  }

  warning(code: StixFaultCode, message: string): void {
    this.#add('warning', code, message)
  }

  #add(level: 'error' | 'warning', code: StixFaultCode, message: string): void {
    if (this.#faults.length >= FAULTS_LIMIT) return
    this.#faults.push({ path: this.path, code, level, message, section: this.section })
  }
}

/** Foreign text in a message. Objects are not turned into text: `{"toString": null}` cannot be. */
export const quote = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value.slice(0, 80))
    : typeof value === 'object'
      ? 'an object'
      : String(value)
