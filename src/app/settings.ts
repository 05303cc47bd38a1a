import { isIP } from 'node:net'
import { ROLES } from './config.ts'

/** The highest port we open is P + 23: see `DEMO` in plan.ts. */
export const HIGHEST_PORT = 65_535 - 23

export type Raw = string | number | boolean | readonly string[]
/** Turns what was written into the value, or says in a few words what would have been right. */
export type Reader<T> = (raw: Raw) => { value: T } | { expected: string }

export type Setting<T> = {
  /** Name after `--` and in the configuration file. */
  readonly name: string
  readonly env?: string
  readonly argument: string
  readonly read: Reader<T>
  readonly help: string
  /** What holds when nobody says anything, in words. */
  readonly otherwise: string
}

const text =
  (expected: string, ok: (value: string) => boolean = (value) => value.trim() !== ''): Reader<string> =>
  (raw) =>
    typeof raw === 'string' && ok(raw) ? { value: raw.trim() } : { expected }
const whole =
  (least: number, most: number): Reader<number> =>
  (raw) => {
    const value = typeof raw === 'number' ? raw : typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : NaN
    return Number.isInteger(value) && value >= least && value <= most ? { value } : { expected: `${least}–${most}` }
  }
const oneOf =
  <const T extends string>(...choices: readonly T[]): Reader<T> =>
  (raw) => {
    const value = choices.find((choice) => choice === raw)
    return value === undefined ? { expected: choices.join(', ').replace(/, (\S+)$/, ' or $1') } : { value }
  }
const list =
  (expected: string, ok: (value: string) => boolean): Reader<readonly string[]> =>
  (raw) => {
    const value = typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : undefined
    const items = value?.map((item: unknown) => (typeof item === 'string' ? item.trim() : ''))
    return items?.every(ok) ? { value: items } : { expected }
  }
const origin = (value: string): boolean => {
  const url = URL.parse(value)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
const bare = (value: string): boolean => origin(value) && new URL(value).origin === value.replace(/\/$/, '')
const host = (value: string): boolean => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value)
const cidr = (value: string): boolean => {
  const [address = '', bits, more] = value.split('/')
  const family = isIP(address)
  if (family === 0 || more !== undefined) return false
  return bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}
const CIDRS = list('addresses or ranges like 10.0.0.0/8,::1', cidr)
const HOST = text('an address to listen on, like 127.0.0.1', host)

/** Every setting, with what holds when it is not given. The only place that knows flag names. */
export const SETTINGS = {
  role: {
    name: 'role',
    argument: ROLES.join('|'),
    read: oneOf(...ROLES),
    help: 'the one duty this node serves',
    otherwise: 'all three and the example marketplace: the demo',
  },
  serve: {
    name: 'serve',
    argument: 'all|vault',
    read: oneOf('all', 'vault'),
    help: 'vault: a further process of a node that runs elsewhere, on the same PostgreSQL, with its key',
    otherwise: 'all',
  },
  upstream: {
    name: 'upstream',
    argument: 'URL',
    read: text('a URL like http://127.0.0.1:3000', origin),
    help: 'your application, behind the gateway',
    otherwise: 'the example marketplace in the demo; needed for --role platform',
  },
  controller: {
    name: 'controller',
    argument: 'NAME',
    read: text('the name of a company or authority'),
    help: 'the legal controller, shown on every page',
    otherwise: 'a name that says it is an example',
  },
  contact: {
    name: 'contact',
    argument: 'TEXT',
    read: text('a telephone number, address or e-mail', (value) => value.trim() !== '' && value.length <= 200),
    help: 'how people reach the data-protection officer, shown on every citizen page',
    otherwise: 'the page says that none was named',
  },
  data: {
    name: 'data',
    env: 'KHIEN_DATA',
    argument: 'DIR',
    read: text('a folder'),
    help: 'where everything is kept',
    otherwise: './data in the clone, ./khien-data when installed as a package',
  },
  port: {
    name: 'port',
    env: 'KHIEN_PORT',
    argument: 'P',
    read: whole(1, HIGHEST_PORT),
    help: 'gateway P; internal P+1, P+2, P+3; public P+11, P+12, P+13; demo P+20 to P+23',
    otherwise: '8080',
  },
  internalBind: {
    name: 'internal-bind',
    argument: 'HOST',
    read: HOST,
    help: 'where console and API listen',
    otherwise: '127.0.0.1',
  },
  publicBind: {
    name: 'public-bind',
    argument: 'HOST',
    read: HOST,
    help: 'where citizen pages listen',
    otherwise: '127.0.0.1',
  },
  gatewayBind: {
    name: 'gateway-bind',
    argument: 'HOST',
    read: HOST,
    help: 'where the gateway listens',
    otherwise: '127.0.0.1',
  },
  tlsPort: {
    name: 'tls-port',
    argument: 'PORT',
    read: whole(1, 65_535),
    help: 'where the gateway takes HTTPS and HTTP/2 for sites with a certificate',
    otherwise: 'nowhere',
  },
  proxyPort: {
    name: 'proxy-port',
    argument: 'PORT',
    read: whole(1, 65_535),
    help: 'where the gateway takes connections with a PROXY header, from --trusted-proxy alone',
    otherwise: 'nowhere',
  },
  acme: {
    name: 'acme',
    argument: 'URL',
    read: text('the directory of an ACME authority, https://…', (value) => value.startsWith('https:') && origin(value)),
    help: 'fetches and renews certificates of sites that want one; you agree to its terms',
    otherwise: 'certificates are files',
  },
  acmeMail: {
    name: 'acme-mail',
    argument: 'ADDRESS',
    read: text('an address like quan-tri@example.vn', (value) => /^[^\s@<>",;]{1,64}@[a-z0-9.-]{3,190}$/i.test(value)),
    help: 'whom the ACME authority may write to',
    otherwise: 'nobody',
  },
  internalOrigin: {
    name: 'internal-origin',
    argument: 'URL',
    read: text('an origin like https://console.example.vn', bare),
    help: 'the origin browsers reach the console under',
    otherwise: 'http:// and the address listened on',
  },
  publicOrigin: {
    name: 'public-origin',
    argument: 'URL',
    read: text('an origin like https://example.vn', bare),
    help: 'the origin browsers reach the citizen pages under',
    otherwise: 'http:// and the address listened on',
  },
  internalAllow: {
    name: 'internal-allow',
    argument: 'CIDR,…',
    read: CIDRS,
    help: 'who may reach console and API',
    otherwise: 'this machine alone',
  },
  trustedProxy: {
    name: 'trusted-proxy',
    argument: 'CIDR,…',
    read: CIDRS,
    help: 'whose X-Forwarded-For and PROXY header count',
    otherwise: "nobody's",
  },
  mailFrom: {
    name: 'mail-from',
    argument: 'ADDRESS',
    read: text('an address like canh-bao@example.vn', (value) => /^[^\s@<>",;]{1,64}@[a-z0-9.-]{3,190}$/i.test(value)),
    help: 'the sender of our mail; SMTP_URL in the environment says through which server',
    otherwise: 'no mail is sent',
  },
  ownRanges: {
    name: 'own-range',
    argument: 'CIDR,…',
    read: CIDRS,
    help: 'addresses of your own network: never listed, and a telecom attributes only these',
    otherwise: 'none; the demo owns 198.18.0.0/15',
  },
  tokenBudget: {
    name: 'token-budget',
    argument: 'N',
    read: whole(0, 1_000_000_000),
    help: 'values whose tokens one service key may ask the vault for in an hour',
    otherwise: '100000',
  },
  keyFd: {
    name: 'key-fd',
    argument: 'N',
    read: whole(0, 1023),
    help: 'read the passphrase from this open file descriptor',
    otherwise: 'asked on the terminal; without one the node stays sealed until khien unseal',
  },
  keyCredential: {
    name: 'key-credential',
    argument: 'NAME',
    read: text('a systemd credential name', (value) => /^[\w.-]+$/.test(value) && !/^\.+$/.test(value)),
    help: 'read the passphrase from this systemd credential',
    otherwise: 'as for --key-fd',
  },
  keyTransit: {
    name: 'key-transit',
    argument: 'FILE',
    read: text('a file'),
    help: 'open the key through the Transit engine of khien key transit, with the token in this file',
    otherwise: 'as for --key-fd',
  },
  keyPkcs11: {
    name: 'key-pkcs11',
    argument: 'FILE',
    read: text('a file'),
    help: 'open the key through the PKCS#11 token of khien key pkcs11, with the PIN in this file',
    otherwise: 'as for --key-fd',
  },
  workers: {
    name: 'workers',
    argument: 'N',
    read: whole(1, 256),
    help: 'gateway processes',
    otherwise: 'one for each processor but one, at most 4 in the demo',
  },
  mode: {
    name: 'mode',
    argument: 'block|detect',
    read: oneOf('block', 'detect'),
    help: 'refuse attacks, or only record them',
    otherwise: 'block',
  },
  rules: {
    name: 'rules',
    argument: 'DIR',
    read: text('a folder'),
    help: 'SecLang rule files, read in name order',
    otherwise: 'rules/waf of this program',
  },
} as const satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof SETTINGS
type Value<K extends SettingKey> = Extract<ReturnType<(typeof SETTINGS)[K]['read']>, { value: unknown }>['value']
export type Given = { -readonly [K in SettingKey]?: Value<K> }
