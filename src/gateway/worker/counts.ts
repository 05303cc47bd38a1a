/** Why a request was answered here without a rule having refused it. */
export type TurnedBy =
  | 'shape'
  | 'size'
  | 'slow'
  | 'host'
  | 'model'
  | 'limit'
  | 'ban'
  | 'room'
  | 'queue'
  | 'failed'
  | 'maintenance'
  | 'check'

/** Everything one worker counts, from its start. */
export type Counts = {
  requests: number
  /** Really refused by a rule, of them by what the application answered. */
  refused: number
  refusedAnswers: number
  /** Would have been refused, went on (detect). */
  observed: number
  upstreamErrors: number
  retries: number
  /** Answers that would have told of too many people: kept back or flagged. */
  outgoing: number
  /** Passed without all of it having been judged, by a site's own policy or because an answer could not be read. */
  uninspected: number
  /** HTTP/2 connections ended for resets or control frames. */
  floods: number
  resets: number
  /** Clients closed because they read nothing. */
  stalled: number
  tunnels: number
  mirrored: number
  /** Let through because a check was solved, or the wait was over. */
  solved: number
  waited: number
  settingsVersion: number
  settingsErrors: number
  readonly turned: Record<TurnedBy, number>
}

export const newCounts = (): Counts => ({
  requests: 0,
  refused: 0,
  refusedAnswers: 0,
  observed: 0,
  upstreamErrors: 0,
  retries: 0,
  outgoing: 0,
  uninspected: 0,
  floods: 0,
  resets: 0,
  stalled: 0,
  tunnels: 0,
  mirrored: 0,
  solved: 0,
  waited: 0,
  settingsVersion: 0,
  settingsErrors: 0,
  turned: {
    shape: 0,
    size: 0,
    slow: 0,
    host: 0,
    model: 0,
    limit: 0,
    ban: 0,
    room: 0,
    queue: 0,
    failed: 0,
    maintenance: 0,
    check: 0,
  },
})
