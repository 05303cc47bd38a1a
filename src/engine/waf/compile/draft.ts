import type { Directive } from '../directive/read.ts'
import type { Written } from '../directive/actions.ts'
import type { Control, Disruption, Effect, Phase, SetVar, Target } from '../plan.ts'
import type { Template } from '../macro.ts'

/** A rule being read: what its actions have said so far. Updates change it until the plan is made. */
export type Draft = {
  readonly directive: Directive
  id: number
  phase: Phase
  targets: Target[]
  operator: string
  disruption: Disruption['kind'] | 'block' | undefined
  redirectTo: Template
  allowUntil: 'end' | 'phase' | 'request'
  status: number | undefined
  skipAfter: string | undefined
  skip: number
  chained: boolean
  logged: boolean | undefined
  capture: boolean
  multiMatch: boolean
  message: string
  logData: Template
  severityLevel: number
  tags: string[]
  version: string
  revision: string
  maturity: string
  accuracy: string
  transformations: string[]
  setVars: SetVar[]
  controls: Control[]
  effects: Effect[]
}

/** First rule and the links that hang on it. */
export type Links = readonly [Draft, ...Draft[]]

/** SecDefaultAction of a phase, as written. */
export type Defaults = ReadonlyMap<Phase, readonly Written[]>

export const newDraft = (directive: Directive, id: number, phase: Phase): Draft => ({
  directive,
  id,
  phase,
  targets: [],
  operator: '@unconditionalMatch',
  disruption: undefined,
  redirectTo: [],
  allowUntil: 'end',
  status: undefined,
  skipAfter: undefined,
  skip: 0,
  chained: false,
  logged: undefined,
  capture: false,
  multiMatch: false,
  message: '',
  logData: [],
  severityLevel: 255,
  tags: [],
  version: '',
  revision: '',
  maturity: '',
  accuracy: '',
  transformations: [],
  setVars: [],
  controls: [],
  effects: [],
})
