import { readTarget } from '../directive/targets.ts'
import { ConstructError } from '../error.ts'
import type { BodyProcessor, Control, EngineMode, RuleChoice } from '../plan.ts'

const MODES: Readonly<Record<string, EngineMode>> = { on: 'on', off: 'off', detectiononly: 'detection-only' }
const PROCESSORS: readonly string[] = ['URLENCODED', 'MULTIPART', 'JSON', 'XML']
/** These steer logs that are not kept here. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['auditengine', 'auditlogparts', 'debugloglevel'])

export function engineModeOf(text: string): EngineMode {
  const mode = MODES[text.toLowerCase()]
  if (mode === undefined) throw new ConstructError(`'${text}' is not On, Off or DetectionOnly`)
  return mode
}

export function isOn(text: string): boolean {
  const value = text.toLowerCase()
  if (value !== 'on' && value !== 'off') throw new ConstructError(`'${text}' is not On or Off`)
  return value === 'on'
}

/** `123`, `100-199` → the rules meant. */
export function idsOf(text: string): RuleChoice {
  const found = /^\s*(\d{1,10})\s*(?:-\s*(\d{1,10}))?\s*$/.exec(text)
  if (found === null) throw new ConstructError(`'${text}' is neither an id nor a range of ids`)
  return { by: 'id', from: Number(found[1]), to: Number(found[2] ?? found[1]) }
}

const choiceOf = (by: string, text: string): RuleChoice =>
  by === 'id' ? idsOf(text) : { by: by as 'tag' | 'msg', text: unquoted(text) }
const unquoted = (text: string): string => text.trim().replace(/^(['"])(.*)\1$/s, '$2')

/** `ruleRemoveTargetById=123;ARGS:q` → the control; undefined for one without effect here. Throws `ConstructError`. */
export function controlOf(text: string): Control | undefined {
  const at = text.indexOf('=')
  const written = (at < 0 ? text : text.slice(0, at)).trim()
  const name = written.toLowerCase()
  const value = at < 0 ? '' : text.slice(at + 1).trim()
  if (WITHOUT_EFFECT.has(name)) return undefined
  const removal = /^ruleremove(target)?by(id|tag|msg)$/.exec(name)
  if (removal !== null) {
    if (removal[1] === undefined) return { kind: 'remove-rule', rules: choiceOf(removal[2]!, value) }
    const semicolon = value.indexOf(';')
    if (semicolon < 0) throw new ConstructError(`ctl:${written} needs rules and a variable, parted by ;`)
    const target = readTarget(value.slice(semicolon + 1).trim())
    return { kind: 'remove-target', rules: choiceOf(removal[2]!, value.slice(0, semicolon)), target }
  }
  switch (name) {
    case 'ruleengine':
      return { kind: 'engine', mode: engineModeOf(value) }
    case 'requestbodyprocessor': {
      const processor = value.toUpperCase()
      if (!PROCESSORS.includes(processor))
        throw new ConstructError(`ctl:${text} is not supported: ${PROCESSORS.join(', ')} are`)
      return { kind: 'processor', name: processor as BodyProcessor }
    }
    case 'requestbodyaccess':
      return { kind: 'request-body', on: isOn(value) }
    case 'responsebodyaccess':
      return { kind: 'response-body', on: isOn(value) }
    case 'forcerequestbodyvariable':
      return { kind: 'force-request-body', on: isOn(value) }
    default:
      throw new ConstructError(`ctl:${written} is not supported`)
  }
}
