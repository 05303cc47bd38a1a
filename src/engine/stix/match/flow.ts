/** `demand` uses wanted out of the observations at `places`. */
export type Slot = { readonly demand: number; readonly places: readonly number[] }

/**
 * Shares out the uses of the observations (`capacity[place]` each) so that every slot gets its demand, or undefined when
 * that cannot be. For each slot, the places it uses. A maximum flow by augmenting paths.
 */
export function shareOut(slots: readonly Slot[], capacity: readonly number[]): number[][] | undefined {
  const free = [...capacity]
  /** given[slot]: place → uses. */
  const given = slots.map(() => new Map<number, number>())
  for (const [slot, { demand, places }] of slots.entries()) {
    let wanted = demand
    // What is free is taken in one pass; paths are for what others hold.
    for (const place of places) {
      if (wanted === 0) break
      const amount = Math.min(wanted, free[place]!)
      if (amount === 0) continue
      free[place]! -= amount
      given[slot]!.set(place, amount)
      wanted -= amount
    }
    while (wanted > 0) {
      const moved = augment(slots, given, free, slot, wanted)
      if (moved === 0) return undefined
      wanted -= moved
    }
  }
  return given.map((uses) => [...uses.keys()])
}

/** One path slot → place (→ slot that gives it up → place …) to a place with uses left; breadth first. */
function augment(
  slots: readonly Slot[],
  given: readonly Map<number, number>[],
  free: number[],
  from: number,
  wanted: number,
): number {
  const cameFrom = new Map<number, number>()
  const giver = new Map<number, number>()
  const seen = new Set([from])
  const queue = [from]
  for (let next = 0; next < queue.length; next++) {
    const slot = queue[next]!
    for (const place of slots[slot]!.places) {
      if (cameFrom.has(place)) continue
      cameFrom.set(place, slot)
      if (free[place]! > 0) return shift(given, free, { cameFrom, giver }, place, from, wanted)
      for (const [other, uses] of given.entries()) {
        if (seen.has(other) || !uses.has(place)) continue
        seen.add(other)
        giver.set(other, place)
        queue.push(other)
      }
    }
  }
  return 0
}

type Trail = { cameFrom: ReadonlyMap<number, number>; giver: ReadonlyMap<number, number> }

function shift(
  given: readonly Map<number, number>[],
  free: number[],
  { cameFrom, giver }: Trail,
  end: number,
  from: number,
  wanted: number,
): number {
  let amount = Math.min(wanted, free[end]!)
  for (let slot = cameFrom.get(end)!; slot !== from; slot = cameFrom.get(giver.get(slot)!)!) {
    amount = Math.min(amount, given[slot]!.get(giver.get(slot)!)!)
  }
  free[end]! -= amount
  for (let place = end; ;) {
    const slot = cameFrom.get(place)!
    given[slot]!.set(place, (given[slot]!.get(place) ?? 0) + amount)
    if (slot === from) return amount
    place = giver.get(slot)!
    const left = given[slot]!.get(place)! - amount
    if (left === 0) given[slot]!.delete(place)
    else given[slot]!.set(place, left)
  }
}
