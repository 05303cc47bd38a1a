import { GuardError } from './error.ts'
import type { Refusal } from './refusal.ts'

/** How an app is guarded. Sizes in bytes. */
export type GuardOptions = {
  /** `detect` refuses nothing and tells `onRefusal` what it would have refused. Default `block`. */
  readonly mode?: 'block' | 'detect'
  /** Of a body so much is held and inspected. Default 1 MiB. */
  readonly bodyLimit?: number
  /** Of a body that is no file, and of a form's fields that are none, so much is inspected, on the event loop. Default 128 KiB. */
  readonly textLimit?: number
  /** A longer body is refused with 413, or goes on with only its beginning inspected. Default `reject`. */
  readonly beyond?: 'reject' | 'pass'
  /** Bodies held at once, all requests together; 503 beyond. Default 64 MiB. */
  readonly heldLimit?: number
  /** Addresses and ranges of own proxies: from these alone X-Forwarded-For is believed. Default none. */
  readonly trustProxy?: readonly string[]
  /** What could not be inspected (no room, an inspection that broke) goes on instead of being refused. Default false. */
  readonly failOpen?: boolean
  /** Told of each refusal; what it throws is counted and changes nothing. */
  readonly onRefusal?: (refusal: Refusal) => void | Promise<void>
  /** What the refused client is sent instead of the guard's own text. */
  readonly answer?: (refusal: Refusal) => { readonly type: string; readonly body: string }
}

type Optional = 'onRefusal' | 'answer'
export type Settings = Required<Omit<GuardOptions, Optional>> & Pick<GuardOptions, Optional>

const SIZES = ['bodyLimit', 'textLimit', 'heldLimit'] as const

/** Options as given → all of them. Throws `GuardError` naming the field that is wrong or unknown. */
export function readOptions(options: GuardOptions): Settings {
  const settings: Settings = {
    mode: 'block',
    bodyLimit: 1_048_576,
    textLimit: 131_072,
    beyond: 'reject',
    heldLimit: 67_108_864,
    trustProxy: [],
    failOpen: false,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  } as Settings
  const wrong = (field: string, expected: string): never => {
    throw new GuardError('guard/options', `${field}: expected ${expected}`)
  }
  const known = new Set(['mode', ...SIZES, 'beyond', 'trustProxy', 'failOpen', 'onRefusal', 'answer'])
  for (const name of Object.keys(options)) if (!known.has(name)) wrong(name, `one of ${[...known].join(', ')}`)
  if (!['block', 'detect'].includes(settings.mode)) wrong('mode', "'block' or 'detect'")
  if (!['reject', 'pass'].includes(settings.beyond)) wrong('beyond', "'reject' or 'pass'")
  for (const name of SIZES)
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) wrong(name, 'a whole number of bytes above 0')
  if (settings.heldLimit < settings.bodyLimit) wrong('heldLimit', 'at least bodyLimit')
  if (!Array.isArray(settings.trustProxy)) wrong('trustProxy', 'a list of addresses or ranges such as 10.0.0.0/8')
  if (typeof settings.failOpen !== 'boolean') wrong('failOpen', 'true or false')
  for (const name of ['onRefusal', 'answer'] as const)
    if (settings[name] !== undefined && typeof settings[name] !== 'function') wrong(name, 'a function')
  return settings
}
