import { SigmaError } from './error.ts'
import { fold } from './fold.ts'

export type SigmaEvent = Readonly<Record<string, unknown>>
/** Sigma field name to the names in the event; of several, the first that is there counts. */
export type FieldMapping = Readonly<Record<string, string | readonly string[]>>

/** Scalars of one event, whatever their nesting. */
const VALUES_LIMIT = 20_000
const DEPTH_LIMIT = 64

/** One event during one or many rules: what was looked up or folded once is kept. */
export class EventView {
  readonly #event: SigmaEvent
  readonly #fields = new Map<string, readonly unknown[]>()
  readonly #folded = new Map<string, string>()
  /** Lists ask for one text many times in a row. */
  #last: readonly [text: string, folded: string] = ['', '']
  #texts: readonly string[] | undefined

  constructor(event: SigmaEvent) {
    this.#event = event
  }

  /**
   * The values of a field: none when it is absent, `[null]` when it is null, the elements when it is a list (an empty
   * list is a present field without values: `[undefined]`). A flat name wins over a dotted path.
   */
  values(names: readonly string[]): readonly unknown[] {
    for (const name of names) {
      const values = this.#field(name)
      if (values.length > 0) return values
    }
    return []
  }

  #field(name: string): readonly unknown[] {
    const known = this.#fields.get(name)
    if (known !== undefined) return known
    const found = Object.hasOwn(this.#event, name) ? spread(this.#event[name]) : walk(this.#event, name.split('.'))
    this.#fields.set(name, found)
    return found
  }

  folded(text: string): string {
    if (this.#last[0] === text) return this.#last[1]
    const folded = this.#folded.get(text) ?? fold(text)
    this.#folded.set(text, folded)
    this.#last = [text, folded]
    return folded
  }

  /** Every text and number in the event, for keywords. Throws SigmaError `match/too-complex` past the bounds. */
  texts(): readonly string[] {
    if (this.#texts === undefined) {
      const out: string[] = []
      collect(this.#event, out, 0)
      this.#texts = out
    }
    return this.#texts
  }
}

function spread(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [value]
  if (value.length > VALUES_LIMIT) throw tooComplex()
  return value.length === 0 ? [undefined] : (value as unknown[])
}

function walk(value: unknown, steps: readonly string[]): readonly unknown[] {
  let here: unknown[] = [value]
  for (const step of steps) {
    const next: unknown[] = []
    for (const each of here) {
      if (typeof each === 'object' && each !== null && Object.hasOwn(each, step)) {
        next.push(...spread((each as SigmaEvent)[step]))
        if (next.length > VALUES_LIMIT) throw tooComplex()
      }
    }
    here = next
  }
  return here
}

function collect(value: unknown, out: string[], depth: number): void {
  if (depth > DEPTH_LIMIT || out.length > VALUES_LIMIT) throw tooComplex()
  if (typeof value === 'string') out.push(value)
  else if (typeof value === 'number') out.push(String(value))
  else if (typeof value === 'object' && value !== null) {
    for (const each of Object.values(value)) collect(each, out, depth + 1)
  }
}

const tooComplex = (): SigmaError => new SigmaError('match/too-complex', '', 'the event has too many values')

/** A scalar as text; undefined for null, objects and lists in lists. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
    ? String(value)
    : undefined
}
