import type { Chain } from '../plan.ts'
import type { Values } from '../variables/entry.ts'
import { caseOf, classesOf, touchedBy } from './classes.ts'
import type { Slot } from './program.ts'
import { SHORT, type Recurring } from './recurring.ts'
import type { Marks, Screen } from './screen.ts'

/** One text met in a request, with what is known of it. Equal texts are mostly one, wherever they stand. */
export class Text {
  private own: string | undefined
  private readonly from: Text | undefined
  private readonly run: Chain['run'] | undefined
  private known: number
  /** Which screened rules may match; undefined until asked. */
  marks: number[] | undefined
  /** The same before any rule was found not to match: a text that only differs in case may yet. */
  seen: Marks | undefined
  next: Next | undefined

  /** A text, or, when only case differs from another, what is to be computed should it be asked for. */
  constructor(own: string | undefined, from?: Text, run?: Chain['run'], classes = -1) {
    this.own = own
    this.from = from
    this.run = run
    this.known = classes
  }

  get value(): string {
    return (this.own ??= this.run!(this.from!.value))
  }

  get classes(): number {
    if (this.known < 0) this.known = classesOf(this.value)
    return this.known
  }
}

/** What a transformation makes of a text, and what others make of it: three or four, seldom more. */
type Next = { readonly name: string; readonly text: Text; readonly other: Next | undefined }

/** The values of a collection, or of a part of it, after a chain. */
export type View = { readonly texts: readonly Text[]; readonly classes: number; marks: Marks | undefined }

/** The texts of one request: each transformed once a chain, and looked through once. */
export class Texts {
  private readonly known = new Map<string, Text>()
  private readonly recurring: Recurring
  /** By slot, what it was made of and what it is. */
  private readonly sources: (Values | undefined)[]
  private readonly views: (View | undefined)[]
  private readonly slots: readonly Slot[]
  private readonly touches: readonly number[]
  private readonly screen: Screen

  /** `touches`: by chain index, the classes its last step may change. */
  constructor(touches: readonly number[], slots: readonly Slot[], screen: Screen, recurring: Recurring) {
    this.touches = touches
    this.slots = slots
    // Filled with nothing at once: most slots of a plan are never asked for.
    this.sources = Array<Values | undefined>(slots.length)
    this.views = Array<View | undefined>(slots.length)
    this.screen = screen
    this.recurring = recurring
  }

  of(value: string): Text {
    if (value.length > SHORT) return this.derived(value)
    const known = this.recurring.find(value) ?? this.known.get(value)
    if (known !== undefined) return known
    const text = new Text(value)
    if (this.recurring.hasMet(value)) this.recurring.keep(value, text)
    else this.known.set(value, text)
    return text
  }

  private derived(value: string): Text {
    let text = this.known.get(value)
    if (text === undefined) this.known.set(value, (text = new Text(value)))
    return text
  }

  after(text: Text, chain: Chain | undefined): Text {
    return chain === undefined ? text : this.step(this.after(text, chain.before), chain)
  }

  private step(before: Text, chain: Chain): Text {
    if ((before.classes & this.touches[chain.index]!) === 0) return before
    const { name } = chain
    for (let one = before.next; one !== undefined; one = one.other) if (one.name === name) return one.text
    const text = this.changed(before, chain)
    before.next = { name, text, other: before.next }
    return text
  }

  private changed(before: Text, chain: Chain): Text {
    const turn = caseOf(chain.name)
    if (turn !== undefined) {
      const text = new Text(undefined, before, chain.run, turn(before.classes))
      // Words and signs are looked for without regard to case.
      text.marks = (before.seen ?? this.marks(before)).slice()
      return text
    }
    const value = chain.run(before.value)
    return value === before.value ? before : this.derived(value)
  }

  /** Bits of the screened rules that may match the text. */
  marks(text: Text): number[] {
    return (text.marks ??= this.screen.look(text.value))
  }

  /** A rule was run on the text and was not true of it: so it will be whenever the text comes again. */
  clear(value: string, bit: number): void {
    if (value.length > SHORT) return
    const text = this.recurring.find(value)
    if (text?.marks === undefined) return
    text.seen ??= text.marks.slice()
    text.marks[bit >>> 5]! &= ~(1 << (bit & 31))
  }

  /** The values of a slot's part after its chain. */
  view(at: number, values: Values): View {
    if (this.sources[at] === values) return this.views[at]!
    const view = this.made(this.slots[at]!, values)
    this.sources[at] = values
    this.views[at] = view
    return view
  }

  // What no text of a collection holds need not be looked for in each.
  private made({ chain, before }: Slot, values: Values): View {
    if (chain === undefined) return viewOf(values.map(({ value }) => this.of(value)))
    const earlier = this.view(before, values)
    return (earlier.classes & this.touches[chain.index]!) === 0 ? earlier : this.stepped(earlier, chain)
  }

  /** The view of a slot whose chain goes on, by its last step, from that of `earlier`. */
  further(at: number, values: Values, earlier: View): View {
    if (this.sources[at] === values) return this.views[at]!
    const view = this.stepped(earlier, this.slots[at]!.chain!)
    this.sources[at] = values
    this.views[at] = view
    return view
  }

  private stepped(earlier: View, chain: Chain): View {
    const { texts } = earlier
    let out: Text[] | undefined
    for (let i = 0; i < texts.length; i++) {
      const text = this.step(texts[i]!, chain)
      if (out === undefined && text !== texts[i]) out = texts.slice(0, i)
      out?.push(text)
    }
    return out === undefined ? earlier : viewOf(out)
  }

  /** Bits of those rules that may match any text of the view. */
  marksOf(view: View): Marks {
    return (view.marks ??= this.unite(view.texts))
  }

  private unite(texts: readonly Text[]): Marks {
    if (texts.length === 1) return this.marks(texts[0]!)
    const out = this.screen.none.slice()
    for (const text of texts) {
      const marks = this.marks(text)
      for (let word = 0; word < out.length; word++) out[word]! |= marks[word]!
    }
    return out
  }
}

function viewOf(texts: readonly Text[]): View {
  let classes = 0
  for (const text of texts) classes |= text.classes
  return { texts, classes, marks: undefined }
}

/** By index, what the last step of each chain of the rules may change. */
export function touchesOf(chains: Iterable<Chain>, count: number): number[] {
  const out = Array.from({ length: count }, () => 0xffff)
  for (const chain of chains) {
    for (let at: Chain | undefined = chain; at !== undefined; at = at.before) out[at.index] = touchedBy(at.name)
  }
  return out
}
