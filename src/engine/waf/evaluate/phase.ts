import type { Phase } from '../plan.ts'
import { isRemoved } from './removal.ts'
import { evaluateRule } from './rule.ts'
import type { Source } from './source.ts'
import type { State } from './state.ts'

/** Goes through one phase. Phase 5 only records: its rules refuse nothing, and an allow does not keep them from running. */
export function runPhase(state: State, phase: Phase, source: Source): void {
  if (state.engine === 'off' || (phase !== 5 && !isOpen(state, phase))) return
  state.skip = 0
  state.marker = undefined
  for (const step of state.plan.phases[phase]!) {
    if ('marker' in step) {
      if (state.marker === step.marker) state.marker = undefined
      continue
    }
    if (state.marker !== undefined) continue
    if (state.skip > 0) {
      state.skip--
      continue
    }
    if (isRemoved(state, step) || !evaluateRule(state, step, source)) continue
    state.marker = step.skipAfter
    state.skip = step.skip
    if (phase !== 5 && (state.outcome !== undefined || state.allowed !== undefined)) break
    // A rule may have turned the engine off for the rest of the request.
    if ((state.engine as string) === 'off') break
  }
}

/** Whether the phase is still to be gone through; takes back an allow that was only for the phase before. */
export function isOpen(state: State, phase: Phase): boolean {
  if (state.outcome !== undefined || state.allowed === 'end') return false
  if (state.allowed === 'request' && phase <= 2) return false
  state.allowed = undefined
  return true
}
