/** The only source of time. Milliseconds since the epoch, UTC. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()

/** A clock that a test moves by hand. */
export function manualClock(start: number): Clock & { advance(ms: number): void; set(at: number): void } {
  let now = start
  return Object.assign(() => now, {
    advance(ms: number) {
      now += ms
    },
    set(at: number) {
      now = at
    },
  })
}

export const iso = (at: number): string => new Date(at).toISOString()
