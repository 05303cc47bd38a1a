import type { Chain } from '../plan.ts'
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
  /** The same words stand in it as in this other, but for case. */
  alike: Text | undefined

  constructor(value: string) {
    this.value = value
  }
}

/** The texts of one request: each transformed once a chain, and looked through once. */
export class Texts {
  private readonly known = new Map<string, Text>()
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
    if (changesCaseOnly(chain.name)) text.alike ??= before
    return text
  }

  /** Bits of the screened rules that may match the text. */
  marks(text: Text): Uint32Array {
    return (text.marks ??= text.alike === undefined ? this.screen.look(text.value) : this.marks(text.alike))
  }
}

/** By index, what the last step of each chain of the rules may change. */
export function touchesOf(chains: Iterable<Chain>, count: number): number[] {
  const out = Array.from({ length: count }, () => 0xffff)
  for (const chain of chains) {
    for (let at: Chain | undefined = chain; at !== undefined; at = at.before) out[at.index] = touchedBy(at.name)
  }
  return out
}
