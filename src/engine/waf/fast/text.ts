import type { Chain } from '../plan.ts'
import type { Values } from '../variables/entry.ts'
import { changesCaseOnly, classesOf, touchedBy } from './classes.ts'
import type { Screen } from './screen.ts'

/** One text met in a request, with what is known of it. Equal texts are one, wherever they stand. */
export class Text {
  readonly value: string
  /** After each chain, by its index. */
  readonly after: (Text | undefined)[] = []
  classes = -1
  /** Which screened rules may match; undefined until asked. */
  marks: Uint32Array | undefined

  constructor(value: string) {
    this.value = value
  }
}

/** The texts of one request: each transformed once a chain, and looked through once. */
export class Texts {
  private readonly known = new Map<string, Text>()
  private readonly lists = new Map<Values, readonly Text[]>()
  private readonly unions = new Map<Values, (Uint32Array | undefined)[]>()
  private readonly touches: readonly number[]
  private readonly screen: Screen

  /** `touches`: by chain index, the classes its last step may change. */
  constructor(touches: readonly number[], screen: Screen) {
    this.touches = touches
    this.screen = screen
  }

  of(value: string): Text {
    let text = this.known.get(value)
    if (text === undefined) this.known.set(value, (text = new Text(value)))
    return text
  }

  after(text: Text, chain: Chain | undefined): Text {
    if (chain === undefined) return text
    return text.after[chain.index] ?? this.transform(text, chain)
  }

  private transform(text: Text, chain: Chain): Text {
    const before = this.after(text, chain.before)
    const { after } = text
    while (after.length <= chain.index) after.push(undefined)
    return (after[chain.index] = this.step(before, chain))
  }

  private step(before: Text, chain: Chain): Text {
    if (before.classes < 0) before.classes = classesOf(before.value)
    if ((before.classes & this.touches[chain.index]!) === 0) return before
    const value = chain.run(before.value)
    if (value === before.value) return before
    const text = this.of(value)
    // Words and signs are looked for without regard to case.
    if (changesCaseOnly(chain.name)) text.marks ??= this.marks(before)
    return text
  }

  /** Bits of the screened rules that may match the text. */
  marks(text: Text): Uint32Array {
    return (text.marks ??= this.screen.look(text.value))
  }

  /** Bits of those that may match any of the values after the chain; with `every`, before it or after any of its steps. */
  marksOf(values: Values, chain: Chain | undefined, every: boolean): Uint32Array {
    const [only] = values
    if (values.length === 1 && !every) return this.marks(this.after(this.of(only!.value), chain))
    const index = chain === undefined ? 0 : (chain.index + 1) * 2 + (every ? 1 : 0)
    let unions = this.unions.get(values)
    if (unions === undefined) this.unions.set(values, (unions = []))
    while (unions.length <= index) unions.push(undefined)
    return (unions[index] ??= this.unite(values, chain, every))
  }

  private unite(values: Values, chain: Chain | undefined, every: boolean): Uint32Array {
    const out = new Uint32Array(this.screen.words)
    for (const text of this.list(values)) {
      join(out, this.marks(this.after(text, chain)))
      if (every)
        for (let step = chain; step !== undefined; step = step.before)
          join(out, this.marks(this.after(text, step.before)))
    }
    return out
  }

  private list(values: Values): readonly Text[] {
    let list = this.lists.get(values)
    if (list === undefined) this.lists.set(values, (list = values.map(({ value }) => this.of(value))))
    return list
  }
}

function join(out: Uint32Array, marks: Uint32Array): void {
  for (let word = 0; word < out.length; word++) out[word]! |= marks[word]!
}

/** By index, what the last step of each chain of the rules may change. */
export function touchesOf(chains: Iterable<Chain>, count: number): number[] {
  const out = Array.from({ length: count }, () => 0xffff)
  for (const chain of chains) {
    for (let at: Chain | undefined = chain; at !== undefined; at = at.before) out[at.index] = touchedBy(at.name)
  }
  return out
}
