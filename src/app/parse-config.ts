import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { KhienError, StartError } from '../kit/errors.ts'
import { ROLES, type KeySource, type StartConfig } from './config.ts'
import { readConfigFile } from './config-file.ts'
import { didYouMean } from './nearest.ts'
import { SETTINGS, type Given, type Raw, type Setting, type SettingKey } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Place = { readonly root: string; readonly cwd: string }

const KEYS = Object.keys(SETTINGS) as SettingKey[]
const NAMES = KEYS.map((key) => SETTINGS[key].name)
const LOOPBACK = '127.0.0.1'

/** Asked wrongly on the command line (exit 2), unlike a wrong environment or file (exit 1). */
const asked = (detail: string): KhienError => new KhienError('usage', detail, { status: 400 })

/**
 * The whole configuration, read once: command line before environment before file before what is written here.
 * A value nobody gave never breaks the start; a wrong one names itself.
 */
export function parseConfig(argv: readonly string[], env: Environment, place: Place): StartConfig {
  const flags = readFlags(argv)
  const file = flags.get('config')
  const fromFile = typeof file === 'string' ? readConfigFile(resolve(place.cwd, file), NAMES) : new Map<string, Raw>()
  const given: Given = {}
  for (const key of KEYS) take(given, key, flags, env, fromFile)

  const sources = [given.keyFd, given.keyCredential, given.keyTransit, given.keyPkcs11]
  if (sources.filter((one) => one !== undefined).length > 1)
    throw asked('--key-fd, --key-credential, --key-transit and --key-pkcs11 exclude each other.')
  if (given.proxyPort !== undefined && given.trustedProxy === undefined)
    throw asked('--proxy-port: say whose PROXY header counts, with --trusted-proxy CIDR.')
  if (given.role === undefined && env['DATABASE_URL'])
    throw new StartError('role-needed', 'DATABASE_URL holds one node; say which with --role.')
  const beside = given.serve === 'vault'
  if (beside && (given.role === undefined || given.role === 'authority'))
    throw asked('--serve vault: say whose with --role platform or --role telecom.')
  if (beside && !(env['DATABASE_URL'] && env['KEYS_DATABASE_URL']))
    throw new StartError(
      'config',
      'serve: two processes share a vault on PostgreSQL alone; give DATABASE_URL and KEYS_DATABASE_URL of the node.',
    )
  if (beside && given.upstream !== undefined)
    throw asked('--serve vault has no gateway: --upstream belongs to the whole node.')

  const demo = given.role === undefined
  const inClone = !place.root.split(/[\\/]/).includes('node_modules')
  const folder = inClone ? join(place.root, 'data') : join(place.cwd, 'khien-data')
  const spare = Math.max(1, availableParallelism() - 1)
  return {
    demo,
    roles: given.role === undefined ? ROLES : [given.role],
    beside,
    tokenBudget: given.tokenBudget,
    controller: given.controller,
    contact: given.contact,
    data: given.data === undefined ? folder : resolve(place.cwd, given.data),
    port: given.port ?? 8080,
    bind: {
      internal: given.internalBind ?? LOOPBACK,
      public: given.publicBind ?? LOOPBACK,
      gateway: given.gatewayBind ?? LOOPBACK,
    },
    origin: { internal: bare(given.internalOrigin), public: bare(given.publicOrigin) },
    upstream: given.upstream,
    workers: given.workers ?? (demo ? Math.min(4, spare) : spare),
    mode: given.mode ?? 'block',
    rules: given.rules === undefined ? join(place.root, 'rules', 'waf') : resolve(place.cwd, given.rules),
    tlsPort: given.tlsPort,
    proxyPort: given.proxyPort,
    acme: acmeOf(given),
    trustedProxies: given.trustedProxy ?? [],
    internalAllow: given.internalAllow ?? [],
    key: keySource(given, env, place.cwd),
    databaseUrl: env['DATABASE_URL'] || undefined,
    keysDatabaseUrl: env['KEYS_DATABASE_URL'] || undefined,
    mail: mailOf(given, env),
    ownRanges: given.ownRanges ?? [],
  }
}

function acmeOf({ acme: directory, acmeMail: email }: Given): StartConfig['acme'] {
  if (directory !== undefined) return email === undefined ? { directory } : { directory, email }
  if (email !== undefined) throw asked('--acme-mail: name the authority too, with --acme URL.')
  return undefined
}

/** The server may need a password, so its address comes like a database's: from the environment alone. */
function mailOf(given: Given, env: Environment): StartConfig['mail'] {
  const url = env['SMTP_URL']
  if (!url) {
    if (given.mailFrom !== undefined)
      throw new StartError('config', 'mail-from: name the mail server too, as SMTP_URL=smtp://… in the environment.')
    return undefined
  }
  const parsed = URL.parse(url)
  if (parsed === null || !/^smtps?:$/.test(parsed.protocol) || parsed.hostname === '')
    throw new StartError('config', 'SMTP_URL: expected smtp://host:port or smtps://user:password@host:port.')
  if (given.mailFrom === undefined) throw new StartError('config', 'SMTP_URL: say who sends with --mail-from ADDRESS.')
  return { url, from: given.mailFrom }
}

const bare = (origin: string | undefined): string | undefined => origin?.replace(/\/$/, '')

function keySource(given: Given, env: Environment, cwd: string): KeySource | undefined {
  if (given.keyTransit !== undefined) return { from: 'transit', path: resolve(cwd, given.keyTransit) }
  if (given.keyPkcs11 !== undefined) return { from: 'pkcs11', path: resolve(cwd, given.keyPkcs11) }
  if (given.keyFd !== undefined) return { from: 'fd', fd: given.keyFd }
  if (given.keyCredential === undefined) return undefined
  const folder = env['CREDENTIALS_DIRECTORY']
  if (!folder)
    throw new StartError(
      'key-credential',
      'key-credential: systemd gave no $CREDENTIALS_DIRECTORY; add LoadCredential= to the unit.',
    )
  return { from: 'credential', path: join(folder, given.keyCredential) }
}

/** `--name value` and `--name=value`; every name known, every flag once. */
function readFlags(argv: readonly string[]): Map<string, Raw> {
  const known = [...NAMES, 'config']
  const flags = new Map<string, Raw>()
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    const [name = '', ...rest] = word.replace(/^--/, '').split('=')
    if (!word.startsWith('--')) throw asked(`Unexpected argument "${word}"; settings are given as --name value.`)
    if (!known.includes(name)) {
      const flag = `--${name}`
      throw asked(
        `Unknown flag ${flag}${didYouMean(
          flag,
          known.map((each) => `--${each}`),
        )}`,
      )
    }
    if (flags.has(name)) throw asked(`--${name} is given twice.`)
    const value = rest.length > 0 ? rest.join('=') : argv[++i]
    if (value === undefined || (rest.length === 0 && value.startsWith('--'))) throw asked(`--${name} needs a value.`)
    flags.set(name, value)
  }
  return flags
}

function take(given: Given, key: SettingKey, flags: Map<string, Raw>, env: Environment, file: Map<string, Raw>): void {
  const setting: Setting<unknown> = SETTINGS[key]
  const fromEnv = setting.env === undefined ? undefined : env[setting.env]
  const [raw, label] = flags.has(setting.name)
    ? [flags.get(setting.name)!, `--${setting.name}`]
    : fromEnv
      ? [fromEnv, setting.env!]
      : [file.get(setting.name), `config: ${setting.name}`]
  if (raw === undefined) return
  const result = setting.read(raw)
  if ('expected' in result) {
    const sentence = `${label}: expected ${result.expected}, got ${JSON.stringify(raw)}`
    throw label.startsWith('--') ? asked(sentence) : new StartError('config', sentence, { field: setting.name })
  }
  Object.assign(given, { [key]: result.value })
}
