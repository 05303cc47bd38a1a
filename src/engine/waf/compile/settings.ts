import { ConstructError } from '../error.ts'
import type { BodyLimits, EngineMode, LimitAction, Reading } from '../plan.ts'
import { engineModeOf, isOn } from './controls.ts'

/** Everything a rule file sets apart from rules. The zero values are ModSecurity v3's, but for request bodies, which are read. */
export type Settings = {
  -readonly [K in keyof BodyLimits]: BodyLimits[K]
} & {
  engine: EngineMode
  reading: { -readonly [K in keyof Reading]: Reading[K] }
  webAppId: string
  collectionTimeout: number
}

export const newSettings = (): Settings => ({
  engine: 'on',
  requestBodyAccess: true,
  requestBodyLimit: 134_217_728,
  requestBodyLimitAction: 'reject',
  requestBodyNoFilesLimit: 134_217_728,
  responseBodyAccess: false,
  responseBodyLimit: 524_288,
  responseBodyLimitAction: 'process-partial',
  responseBodyMimeTypes: ['text/plain', 'text/html'],
  reading: {
    bodies: 'modsecurity',
    argumentsLimit: 2_000,
    argumentSeparator: '&',
    jsonDepthLimit: 40,
    uploadFileLimit: 100,
  },
  webAppId: 'default',
  collectionTimeout: 3_600,
})

const MOST_BYTES = 1_073_741_824

function numberIn(word: string, least: number, most: number): number {
  const number = /^\d{1,12}$/.test(word) ? Number(word) : Number.NaN
  if (!(number >= least && number <= most))
    throw new ConstructError(`'${word}' is not a number from ${least} to ${most}`)
  return number
}

function limitActionOf(word: string): LimitAction {
  const action = ({ reject: 'reject', processpartial: 'process-partial' } as const)[word.toLowerCase()]
  if (action === undefined) throw new ConstructError(`'${word}' is not Reject or ProcessPartial`)
  return action
}

function readingOf(word: string): Reading['bodies'] {
  const reading = ({ modsecurity: 'modsecurity', strict: 'strict' } as const)[word.toLowerCase()]
  if (reading === undefined) throw new ConstructError(`'${word}' is not ModSecurity or Strict`)
  return reading
}

type Set = (settings: Settings, word: string) => void

/** Directives of one word, by name in lower case. */
const SINGLE: Readonly<Record<string, Set>> = {
  secruleengine: (to, word) => (to.engine = engineModeOf(word)),
  secrequestbodyaccess: (to, word) => (to.requestBodyAccess = isOn(word)),
  secrequestbodylimit: (to, word) => (to.requestBodyLimit = numberIn(word, 0, MOST_BYTES)),
  secrequestbodynofileslimit: (to, word) => (to.requestBodyNoFilesLimit = numberIn(word, 0, MOST_BYTES)),
  secrequestbodylimitaction: (to, word) => (to.requestBodyLimitAction = limitActionOf(word)),
  secrequestbodyjsondepthlimit: (to, word) => (to.reading.jsonDepthLimit = Math.min(numberIn(word, 1, 1_000_000), 512)),
  // Khiên's own: see Reading.
  secrequestbodyreading: (to, word) => (to.reading.bodies = readingOf(word)),
  secargumentslimit: (to, word) => (to.reading.argumentsLimit = numberIn(word, 1, 2_000)),
  secargumentseparator: (to, word) => {
    if (word.length !== 1) throw new ConstructError('an argument separator is one character')
    to.reading.argumentSeparator = word
  },
  secuploadfilelimit: (to, word) => (to.reading.uploadFileLimit = numberIn(word, 0, 10_000)),
  secresponsebodyaccess: (to, word) => (to.responseBodyAccess = isOn(word)),
  secresponsebodylimit: (to, word) => (to.responseBodyLimit = numberIn(word, 0, MOST_BYTES)),
  secresponsebodylimitaction: (to, word) => (to.responseBodyLimitAction = limitActionOf(word)),
  secwebappid: (to, word) => (to.webAppId = word),
  seccollectiontimeout: (to, word) => (to.collectionTimeout = numberIn(word, 0, 31_536_000)),
}

/** Accepted without effect, each with the reason that the plan's notes tell. */
const WITHOUT_EFFECT: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^secaudit/, 'audit logs are not written: refusals are recorded without values'],
  [/^secdebug/, 'there is no debug log'],
  [/^sec(componentsignature|serversignature|sensorid)$/, 'a name only'],
  [/^secunicodemap(file|codepage)?$/, 'the map of full-width forms is built in'],
  [/^sec(tmpdir|datadir|uploaddir|uploadfilemode|uploadkeepfiles|tmpsaveuploadedfiles)$/, 'nothing is written to disk'],
  [/^secpcrematchlimit(recursion)?$/, 'every pattern has its own bound'],
  [/^secrequestbodyinmemorylimit$/, 'bodies are held in memory up to their limit'],
  [/^seccookie(format|v0separator)$/, 'cookies are read as RFC 6265 says'],
  [/^secstatusengine$/, 'nothing is reported to others'],
  [/^secxmlexternalentity$/, 'external entities are never loaded'],
  [/^secparsexmlintoargs$/, 'XML is looked at through the variable XML'],
]

/** Applies a setting; a reason when it has no effect here; false when the name is no setting. Throws `ConstructError`. */
export function applySetting(settings: Settings, name: string, words: readonly string[]): string | boolean {
  const key = name.toLowerCase()
  if (key === 'secresponsebodymimetype') {
    settings.responseBodyMimeTypes = words.flatMap((word) => word.split(/\s+/)).map((word) => word.toLowerCase())
    return true
  }
  if (key === 'secresponsebodymimetypesclear') {
    settings.responseBodyMimeTypes = []
    return true
  }
  const set = SINGLE[key]
  if (set === undefined) return WITHOUT_EFFECT.find(([pattern]) => pattern.test(key))?.[1] ?? false
  if (words.length !== 1) throw new ConstructError(`${name} takes one word`)
  set(settings, words[0]!)
  return true
}
