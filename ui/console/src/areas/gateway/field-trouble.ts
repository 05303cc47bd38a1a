import type { Site } from '../../../../../src/gateway/contract.ts'

/** What the server has against a field of a site, in the reader's words. */
export type Trouble = {
  /** As the site's shape names it: `routes.0.challenge.free`. */
  readonly path: string
  /** The same as a person finds it on the page. */
  readonly place: string
  readonly text: string
}
type Language = 'vi' | 'en'
/** Labels by the name of the field, and of what stands within it (`body.limit`). */
export type Labels = Readonly<Record<string, string>>
type Refused = { readonly code: string; readonly message: string; readonly field: string | undefined }

/** Sentences of the contract that ask for a form, in Vietnamese. */
export const EXPECTED: Readonly<Record<string, string>> = {
  'a host name in small letters, *.example.vn, or * for any': 'tên miền chữ thường, *.vidu.vn, hoặc * cho mọi tên',
  'an origin such as http://127.0.0.1:3000, without a path':
    'địa chỉ gốc như http://127.0.0.1:3000, không kèm đường dẫn',
  'an address or a range such as 10.0.0.0/8': 'địa chỉ hoặc dải, ví dụ 10.0.0.0/8',
  'small letters, digits and dashes': 'chữ thường không dấu, chữ số và gạch ngang',
  'a header or cookie name': 'tên cookie hoặc tiêu đề, không dấu, không khoảng trắng',
  'a path such as /api/**': 'đường dẫn bắt đầu bằng /, ví dụ /api/**',
  'a path such as /orders/*': 'đường dẫn bắt đầu bằng /, ví dụ /don-hang/*',
  'a place such as ARGS:name': 'một nơi như ARGS:ten',
  'an id such as exc_…': 'một mã như exc_…',
  'an address': 'một địa chỉ',
  'a request id such as R-7Q4K-2MXB': 'mã yêu cầu như R-7Q4K-2MXB',
}
/** The forms that the contract gives as a pattern alone. */
const PATTERNS: Readonly<Record<string, readonly [vi: string, en: string]>> = {
  methods: ['phương thức chữ hoa, ví dụ POST', 'a method in capitals such as POST'],
  contentTypes: ['kiểu nội dung như application/json', 'a content type such as application/json'],
  address: ['địa chỉ hoặc dải, ví dụ 2001:db8::1', 'an address or range such as 2001:db8::1'],
  account: ['dấu tài khoản có 22 ký tự', 'a mark of 22 characters'],
}

type Say = (found: RegExpExecArray, path: string) => readonly [vi: string, en: string]
const SAYS: readonly (readonly [RegExp, Say])[] = [
  [/^Too small: expected (?:number|int) to be >=?(\S+)/, ([, n]) => [`phải từ ${n} trở lên`, `must be at least ${n}`]],
  [/^Too big: expected (?:number|int) to be <=?(\S+)/, ([, n]) => [`nhiều nhất là ${n}`, `must be at most ${n}`]],
  [/^Too small: expected (?:string|array)/, () => ['không được để trống', 'must not be empty']],
  [/^Too big: expected string to have <=(\d+)/, ([, n]) => [`dài quá ${n} ký tự`, `must be at most ${n} characters`]],
  [/^Too big: expected array to have <=(\d+)/, ([, n]) => [`nhiều quá ${n} mục`, `must have at most ${n} entries`]],
  [/^Invalid input: expected (?:number|int)/, () => ['phải là một số nguyên', 'must be a whole number']],
  [/^Invalid option: expected one of (.*)$/, ([, of]) => [`phải là một trong ${of}`, `must be one of ${of}`]],
  [/^(?:an? )?(?:unknown field)$/, () => ['không có mục này', 'there is no such setting']],
  [/^expected (.*)$/, ([, what = '']) => [`cần ${EXPECTED[what] ?? what}`, `needs ${what}`]],
  [
    /^Invalid (?:string|input)/,
    (_, path) => {
      const known = PATTERNS[path.split('.').findLast((part) => part in PATTERNS) ?? '']
      return known === undefined
        ? ['không đúng dạng', 'is not of the right form']
        : [`cần ${known[0]}`, `needs ${known[1]}`]
    },
  ],
]

/** A sentence of the schema without its jargon. */
export function plainOf(message: string, path: string, language: Language): string {
  for (const [pattern, say] of SAYS) {
    const found = pattern.exec(message)
    if (found) return say(found, path)[language === 'vi' ? 0 : 1]
  }
  return message
}

/** `Site shop, path /a, browser check (free): ` before a sentence of the settings check. */
const PLACED = /^Site [a-z0-9-]+(?:, [^:]*)?: /

/** Sentences of the settings check, by code, where more than a fixed one is needed; the name in it stays. */
const CODED: Readonly<Record<string, (message: string, own?: string) => string | undefined>> = {
  'gateway/host': (said, own) => {
    const [, one, two, host] = /^Sites (\S+) and (\S+) both want (\S+)\.$/.exec(said) ?? []
    return host && `tên miền ${host} đã thuộc trang ${one === own ? two : one}; mỗi tên miền chỉ thuộc một trang`
  },
  'gateway/rule-set': (said) => {
    const name = /no rule set (\S+)\.$/.exec(said)?.[1]
    return name && `không có bộ luật ${name}`
  },
  'gateway/certificate': (said) => {
    const [, certificate, key] = /the certificate (.+) and the key (.+) cannot be read/.exec(said) ?? []
    return certificate && `không đọc được tệp chứng chỉ ${certificate} hoặc khóa ${key}, hoặc chúng không đi với nhau`
  },
  'gateway/acme-host': () => 'chứng chỉ tự xin (ACME) cần ít nhất một tên miền cụ thể, không có dấu *',
  'data/breached-passwords': (said) =>
    said.endsWith('cannot be read.')
      ? `không đọc được tệp ${said.slice(0, -' cannot be read.'.length)} trên máy của cổng`
      : `tệp ${said.split(' is no list')[0]} không phải danh sách SHA-1 chữ hoa, mỗi dòng một, đã sắp xếp`,
  'gateway/schema': (said) => `không phải JSON Schema dùng được: ${said.replace(/^A JSON schema is not usable: /, '')}`,
  'gateway/site-exists': (said) => {
    const name = /a site (\S+) already/.exec(said)?.[1]
    return name && `đã có trang tên ${name}; mở trang ấy và thêm tên miền vào đó`
  },
  'waf/no-rules': (said) => {
    const path = /rules folder (.+?) (?:cannot be read|holds no)/.exec(said)?.[1]
    return path && `không đọc được luật ở ${path}, hoặc ở đó không có tệp .conf`
  },
  'waf/unsupported': (said) => {
    const [, line, what] = /^line (\d+): (.*)$/s.exec(said) ?? []
    return line === undefined ? `luật không đọc được: ${said}` : `dòng ${line} không đọc được: ${what}`
  },
  'gateway/exclusion': (said) => `ngoại lệ không viết thành luật được: ${said}`,
}

/** What a refused setting is about, without its place. */
export function sayCoded({ code, message }: Refused, language: Language, own?: string): string {
  const said = message.replace(PLACED, '')
  return (language === 'vi' ? CODED[code]?.(said, own) : undefined) ?? said
}

/** Settings whose lines are entries. */
const LISTED = new Set(['hosts', 'upstreams', 'trustedProxies', 'watched', 'methods', 'contentTypes', 'failures'])

/** Where a path of a site's shape is found on its page: `Đường dẫn /dang-nhap › Kiểm tra trình duyệt › Lượt của một người`. */
export function placeOf(path: string, site: Site, labels: Labels, language: Language): string {
  const [first = '', second, ...rest] = path.split('.')
  const label = (name: string): string => labels[name] ?? name
  if (first === 'routes' && second !== undefined) {
    const route = site.routes[Number(second)]
    const own = `${label('routes')} ${route?.path ?? String(Number(second) + 1)}`
    return rest.length === 0
      ? own
      : `${own} › ${placeOf(rest.join('.'), { ...site, ...(route as Partial<Site>) }, labels, language)}`
  }
  if (first === 'rateLimits' && second !== undefined) {
    const limit = `${label('rateLimits')} ${site.rateLimits[Number(second)]?.name ?? String(Number(second) + 1)}`
    return rest.length === 0 ? limit : `${limit} › ${label(`rateLimits.${rest[0]}`)}`
  }
  const line = (name: string, at: string | undefined): string =>
    LISTED.has(name) && at !== undefined && /^\d+$/.test(at)
      ? `${language === 'vi' ? ', dòng' : ', line'} ${Number(at) + 1}`
      : ''
  const inner = second === undefined || LISTED.has(first) ? undefined : labels[`${first}.${second}`]
  return inner === undefined
    ? label(first) + line(first, second)
    : `${label(first)} › ${inner}${line(second!, rest[0])}`
}

/** The field of a refused site, when it names one; undefined for what concerns no field. */
export function troubleOf(refused: Refused, site: Site, labels: Labels, language: Language): Trouble | undefined {
  const path = /^body\.site\.(.+)$/.exec(refused.field ?? '')?.[1]
  if (path === undefined) return undefined
  const text =
    refused.code === 'http/invalid'
      ? plainOf(refused.message.replace(`${refused.field}: `, ''), path, language)
      : sayCoded(refused, language, site.name)
  return { path, place: placeOf(path, site, labels, language), text }
}

/** `Site shop, path /a, browser check (free): Too small…` of a kept version or a command line, in the reader's words. */
export function placedInWords(message: string, field: string | undefined, language: Language): string {
  const [, place, says] = /^(Site [^:]+|Rule set [^:]+): (.*)$/s.exec(message) ?? []
  if (place === undefined || says === undefined) return message
  const text = plainOf(says, field ?? '', language)
  if (language === 'en') return `${place}: ${text}.`
  const there = place
    .replace(/^Site /, 'Trang ')
    .replace(/^Rule set /, 'Bộ luật ')
    .replace(/, path /, ', đường dẫn ')
  return `${there}: ${text}.`
}
