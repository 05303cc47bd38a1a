import { setImmediate as nextTurn } from 'node:timers/promises'
import { compileInSteps, SecLangError, type Plan, type RuleFile } from '../../engine/waf/index.ts'
import { utf8 } from '../../engine/bytes/latin1.ts'
import { StartError } from '../../kit/errors.ts'
import type { RuleTexts } from './rule-files.ts'

/** What sets one plan apart from another of the same rules. */
export type Tuning = {
  readonly ruleSet: string
  readonly paranoia: number | undefined
  readonly threshold: number | undefined
  readonly before: string
  readonly after: string
}

export const keyOf = (tuning: Tuning): string => JSON.stringify(Object.values(tuning).map((value) => value ?? null))

/** Variables by which CRS and our own pack are told how strict to be; set after the set-up, before the rules read them. */
function strictness({ paranoia, threshold }: Tuning): string {
  const vars = [
    ...(paranoia === undefined
      ? []
      : ['blocking_paranoia_level', 'detection_paranoia_level', 'paranoia_level'].map((name) => [name, paranoia])),
    ...(threshold === undefined
      ? []
      : ['inbound_anomaly_score_threshold', 'anomaly_threshold'].map((name) => [name, threshold])),
  ]
  if (vars.length === 0) return ''
  const set = vars.map(([name, value]) => `setvar:tx.${name}=${value}`)
  return `SecAction "id:999999901,phase:1,nolog,pass,${set.join(',')}"\n`
}

/** Set-up, strictness, what stands before the rules, the rules, what stands after them. A folder of rules may hold its own set-up. */
export function filesOf(texts: RuleTexts, tuning: Tuning): RuleFile[] {
  const own = (name: string, text: string): RuleFile[] => (text === '' ? [] : [{ name, text: utf8(text) }])
  const isSetup = ({ name }: RuleFile): boolean => /(?:^|-)setup\.conf$/.test(name)
  return [
    ...texts.setup,
    ...texts.rules.filter(isSetup),
    ...own('strictness', strictness(tuning)),
    ...own('before', tuning.before),
    ...texts.rules.filter((file) => !isSetup(file)),
    ...own('after', tuning.after),
  ]
}

/** Longest turn of the loop that making a plan takes, ms; a single rule may take a little longer. */
const TURN = 4

/** Made in short turns, so that requests are served meanwhile. Throws `StartError` naming file, line and construct. */
export async function compilePlan(texts: RuleTexts, tuning: Tuning): Promise<Plan> {
  const steps = stepsOf(texts, tuning)
  for (let began = performance.now(); ;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (performance.now() - began < TURN) continue
    await nextTurn()
    began = performance.now()
  }
}

/** The same in one go, where nothing else waits. */
export function compilePlanAtOnce(texts: RuleTexts, tuning: Tuning): Plan {
  for (const steps = stepsOf(texts, tuning); ;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

function* stepsOf(texts: RuleTexts, tuning: Tuning): Generator<undefined, Plan> {
  try {
    // What looks names up elsewhere (@geoLookup, @rbl) would hold the loop for others; the plan's notes name the rules.
    return yield* compileInSteps(filesOf(texts, tuning), { data: texts.data, lookups: 'absent' })
  } catch (error) {
    if (error instanceof SecLangError) throw new StartError('waf/unsupported', error.message, { cause: error })
    throw error
  }
}
