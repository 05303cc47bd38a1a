import type { Clock } from '../../kit/clock.ts'
import type { Entropy } from '../../kit/ids.ts'
import type { OutgoingAnswer } from '../figures/contract.ts'

/** What is counted for the node, by the hour: how often, and of what kind; never of whom. */
export type TallyKind = 'answers' | 'flagged' | 'stopped' | 'subjects' | 'limit' | 'turned' | 'exclusion'
export type Tally = {
  readonly kind: TallyKind
  /** Hours since 1970. */
  readonly hour: number
  readonly site: string
  readonly route: string
  /** The kind of data, the limit's name, the reason, the exclusion's id; empty where there is nothing to tell. */
  readonly label: string
  n: number
}
export type TallyBatch = {
  /** This worker's life, and the batch's number in it: a repeat after a lost answer changes nothing. */
  readonly sender: string
  readonly seq: number
  readonly tallies: readonly Tally[]
  readonly answers: readonly OutgoingAnswer[]
}
type Send = (batch: TallyBatch) => Promise<unknown>

const HOUR_MS = 3_600_000
/** Different counts between two beats of a second; and flagged answers told one by one. */
const MOST = 5_000
const ANSWERS = 500

/** Adds up between two beats, and hands it to the node until the node has it. Bounded; what finds no room is counted. */
export function tallies(clock: Clock, entropy: Entropy) {
  const sender = `w-${Buffer.from(entropy(12)).toString('base64url')}`
  let counts = new Map<string, Tally>()
  let answers: OutgoingAnswer[] = []
  let waiting: TallyBatch | undefined
  let [seq, untold, sending] = [0, 0, false]

  function add(kind: TallyKind, site: string, route: string | undefined, label: string, n = 1): void {
    const hour = Math.floor(clock() / HOUR_MS)
    const key = `${kind} ${hour} ${site} ${label} ${route ?? ''}`
    const known = counts.get(key)
    if (known) known.n += n
    else if (counts.size < MOST) counts.set(key, { kind, hour, site, route: route ?? '', label, n })
    else untold += n
  }

  return {
    add,
    answer(told: OutgoingAnswer): void {
      if (answers.length < ANSWERS) answers.push(told)
      else untold++
    },
    /** Sends what there is; what the node has not taken goes again, and nothing else before it. */
    async tell(send: Send): Promise<void> {
      if (sending) return
      if (waiting === undefined) {
        if (counts.size === 0 && answers.length === 0) return
        waiting = { sender, seq: ++seq, tallies: [...counts.values()], answers }
        counts = new Map()
        answers = []
      }
      sending = true
      try {
        const answer = await send(waiting)
        if (answer === null) untold += waiting.tallies.reduce((sum, { n }) => sum + n, waiting.answers.length)
        if (answer !== undefined) waiting = undefined
      } finally {
        sending = false
      }
    },
    untold: (): number => untold,
  }
}
export type Tallies = ReturnType<typeof tallies>
