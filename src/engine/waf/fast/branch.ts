import type { MessageVariable } from '../variables/names.ts'
import type { Slot } from './program.ts'

/** A part of a request after one chain, the screened rules that look at it there, and the chains that go on from it. */
export type Branch = {
  readonly slot: number
  readonly collection: MessageVariable
  /** Bits of the rules that look here, and of those that look here or further on. */
  readonly own: Int32Array
  readonly all: Int32Array
  /** Classes that the last step of the chain may change, and those that it or any further step may. */
  readonly touches: number
  readonly stirs: number
  readonly next: readonly Branch[]
  readonly glances: Map<number, Glance>
}

/** Of values with certain classes: all that is looked for in them as they are, and the branches whose step may change them. */
export type Glance = {
  readonly mask: Int32Array
  /** The words of the mask that are not 0. */
  readonly spots: readonly number[]
  readonly changed: readonly Branch[]
}

/** What rules look for in one slot; `every`: in what each step of its chain makes too (multiMatch). */
export type Look = { readonly slot: number; readonly every: boolean; readonly mask: Int32Array }

/** The trees of all that is looked at, a part of a request each. `touches`: by chain index, the classes its last step may change. */
export function branchesOf(
  looks: readonly Look[],
  slots: readonly Slot[],
  collectionOf: (part: number) => MessageVariable,
  touches: readonly number[],
  words: number,
): Branch[] {
  const masks = new Map<number, Int32Array>()
  for (const { slot, every, mask } of looks) {
    for (let at = slot, wanted = true; at >= 0; at = slots[at]!.before, wanted = every) {
      const own = masks.get(at) ?? new Int32Array(words)
      masks.set(at, own)
      if (wanted) for (let word = 0; word < words; word++) own[word]! |= mask[word]!
    }
  }
  const make = (slot: number): Branch => {
    const { chain, part } = slots[slot]!
    const next = [...masks.keys()].filter((other) => slots[other]!.before === slot).map(make)
    const own = masks.get(slot)!
    const all = own.slice()
    for (const branch of next) for (let word = 0; word < words; word++) all[word]! |= branch.all[word]!
    const last = chain === undefined ? 0 : touches[chain.index]!
    const stirs = next.reduce((sum, branch) => sum | branch.stirs, last)
    return { slot, collection: collectionOf(part), own, all, touches: last, stirs, next, glances: new Map() }
  }
  return [...masks.keys()].filter((slot) => slots[slot]!.before < 0).map(make)
}

/** Of 65,536 sets of classes people send a few dozen. */
const MOST_GLANCES = 256

/** What there is to do with values of these classes at a branch. */
export function glanceAt(branch: Branch, classes: number): Glance {
  const key = classes & branch.stirs
  let glance = branch.glances.get(key)
  if (glance === undefined) {
    if (branch.glances.size >= MOST_GLANCES) branch.glances.clear()
    branch.glances.set(key, (glance = makeGlance(branch, key)))
  }
  return glance
}

function makeGlance(branch: Branch, classes: number): Glance {
  const mask = branch.own.slice()
  const changed: Branch[] = []
  const goOn = ({ next }: Branch): void => {
    for (const other of next) {
      if ((other.touches & classes) !== 0) {
        changed.push(other)
        continue
      }
      for (let word = 0; word < mask.length; word++) mask[word]! |= other.own[word]!
      goOn(other)
    }
  }
  goOn(branch)
  return { mask, spots: [...mask.keys()].filter((word) => mask[word] !== 0), changed }
}
