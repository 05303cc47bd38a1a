import { catalogue, inLanguage, type Language } from '../../kit/i18n.ts'
import type { Route, RuleExclusion, Site } from '../contract.ts'
import type { Body } from './current.ts'

export type Words = { readonly vi: string; readonly en: string }

const text = catalogue(
  {
    fields: {
      hosts: 'tên miền',
      upstreams: 'máy chủ ứng dụng',
      tls: 'chứng chỉ',
      httpsRedirect: 'chuyển sang HTTPS',
      mode: 'chế độ',
      placement: 'vị trí',
      failOpen: 'cho qua khi hỏng',
      maintenance: 'bảo trì',
      trustedProxies: 'máy trung gian tin cậy',
      account: 'dấu hiệu tài khoản',
      ruleSet: 'bộ luật',
      paranoia: 'mức nghi ngờ',
      threshold: 'ngưỡng điểm',
      body: 'giới hạn nội dung',
      rateLimits: 'giới hạn tốc độ',
      challenge: 'kiểm tra trình duyệt',
      breachedPasswords: 'mật khẩu đã lộ',
      outgoing: 'dữ liệu cá nhân đi ra',
      exclusions: 'ngoại lệ SecLang',
      virtualPatches: 'bản vá ảo',
      watchSudden: 'tự chuyển sang theo dõi',
      keep: 'giữ lưu lượng',
      methods: 'phương thức',
      contentTypes: 'kiểu nội dung',
      schema: 'khuôn JSON',
      setup: 'tệp cấu hình',
      rules: 'tệp luật',
    } as Record<string, string>,
    none: 'không đặt',
    changed: (what: string, field: string) => `${what}: đổi ${field}`,
    turned: (what: string, field: string, from: string, to: string) => `${what}: ${field} ${from} → ${to}`,
    site: (name: string) => `Trang ${name}`,
    route: (name: string, path: string) => `Trang ${name}, đường dẫn ${path}`,
    ruleSet: (name: string) => `Bộ luật ${name}`,
    added: (what: string) => `${what}: thêm`,
    removed: (what: string) => `${what}: bỏ`,
    order: (what: string) => `${what}: đổi thứ tự đường dẫn`,
    excluded: (what: string, rule: number, target: string, path: string) =>
      `${what}: luật ${rule} không xét ${target} ở ${path}`,
    included: (what: string, rule: number, target: string, path: string) =>
      `${what}: luật ${rule} xét lại ${target} ở ${path}`,
    all: 'gì nữa',
    watched: (what: string, rule: number) => `${what}: luật ${rule} chỉ theo dõi`,
    unwatched: (what: string, rule: number) => `${what}: luật ${rule} lại chặn`,
    banned: 'Thêm một lệnh cấm',
    lifted: 'Bỏ một lệnh cấm',
  },
  {
    fields: {
      hosts: 'hosts',
      upstreams: 'applications',
      tls: 'certificate',
      httpsRedirect: 'redirect to HTTPS',
      mode: 'mode',
      placement: 'placement',
      failOpen: 'fail open',
      maintenance: 'maintenance',
      trustedProxies: 'trusted proxies',
      account: 'sign of an account',
      ruleSet: 'rule set',
      paranoia: 'paranoia level',
      threshold: 'score threshold',
      body: 'body limit',
      rateLimits: 'rate limits',
      challenge: 'browser check',
      breachedPasswords: 'breached passwords',
      outgoing: 'outgoing personal data',
      exclusions: 'SecLang exclusions',
      virtualPatches: 'virtual patches',
      watchSudden: 'turns to watching by itself',
      keep: 'kept traffic',
      methods: 'methods',
      contentTypes: 'content types',
      schema: 'JSON schema',
      setup: 'set-up files',
      rules: 'rule files',
    } as Record<string, string>,
    none: 'not set',
    changed: (what: string, field: string) => `${what}: ${field} changed`,
    turned: (what: string, field: string, from: string, to: string) => `${what}: ${field} ${from} → ${to}`,
    site: (name: string) => `Site ${name}`,
    route: (name: string, path: string) => `Site ${name}, path ${path}`,
    ruleSet: (name: string) => `Rule set ${name}`,
    added: (what: string) => `${what}: added`,
    removed: (what: string) => `${what}: taken away`,
    order: (what: string) => `${what}: the order of its paths changed`,
    excluded: (what: string, rule: number, target: string, path: string) =>
      `${what}: rule ${rule} no longer looks at ${target} on ${path}`,
    included: (what: string, rule: number, target: string, path: string) =>
      `${what}: rule ${rule} looks at ${target} on ${path} again`,
    all: 'anything',
    watched: (what: string, rule: number) => `${what}: rule ${rule} watches only`,
    unwatched: (what: string, rule: number) => `${what}: rule ${rule} refuses again`,
    banned: 'A ban added',
    lifted: 'A ban lifted',
  },
)
type Text = typeof text.vi

const say = (what: (words: Text) => string): Words => {
  const of = (language: Language): string => what(inLanguage(text, language) as unknown as Text)
  return { vi: of('vi'), en: of('en') }
}
export const bannedWords = (): Words => say((w) => w.banned)
export const liftedWords = (): Words => say((w) => w.lifted)

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)
const isScalar = (value: unknown): boolean =>
  value === undefined || ['string', 'number', 'boolean'].includes(typeof value)

/** What changed from one body to the next, a sentence each, in both languages; empty when nothing did. */
export function changesOf(before: Body | undefined, after: Body): Words[] {
  return [
    ...listed(
      before?.ruleSets ?? [],
      after.ruleSets,
      ({ name }) => name,
      (one) => (w) => w.ruleSet(one.name),
      (a, b) => fields(a, b, (w) => w.ruleSet(b.name), ['name']),
    ),
    ...listed(
      before?.sites ?? [],
      after.sites,
      ({ name }) => name,
      (one) => (w) => w.site(one.name),
      siteChanges,
    ),
  ]
}

/** Where in settings that were told something is wrong, in English: `Site shop, path /dang-nhap, browser check (free)`. */
export function placeOf(told: unknown, path: readonly PropertyKey[]): string {
  const [list, index, ...rest] = path
  if ((list !== 'sites' && list !== 'ruleSets') || index === undefined) return path.map(String).join(' ') || 'Settings'
  const thing = at(told, [list, index])
  const name = nameIn(thing, 'name') ?? String(Number(index) + 1)
  const inRoute = list === 'sites' && rest[0] === 'routes' && rest[1] !== undefined
  const route = inRoute ? (nameIn(at(thing, rest.slice(0, 2)), 'path') ?? String(Number(rest[1]) + 1)) : undefined
  const [field, ...inside] = inRoute ? rest.slice(2) : rest
  const words = text.en
  const what =
    list === 'ruleSets' ? words.ruleSet(name) : route === undefined ? words.site(name) : words.route(name, route)
  if (field === undefined) return what
  const within = inside.map((part) => (typeof part === 'number' ? `no. ${part + 1}` : String(part)))
  return `${what}, ${words.fields[String(field)] ?? String(field)}${within.length === 0 ? '' : ` (${within.join(' ')})`}`
}
const at = (thing: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((one, key) => (one as Record<PropertyKey, unknown> | undefined)?.[key], thing)
/** What a stranger's file says is repeated only when it looks like a name or a path. */
function nameIn(thing: unknown, key: string): string | undefined {
  const name = at(thing, [key])
  return typeof name === 'string' && /^[A-Za-z0-9/_*.-]{1,80}$/.test(name) ? name : undefined
}

/** Names of the sites that differ from one body to the next. */
export function sitesChanged(before: Body | undefined, after: Body): string[] {
  const [was, is] = [before?.sites ?? [], after.sites].map(
    (sites) => new Map(sites.map((site) => [site.name, JSON.stringify(site)])),
  ) as [Map<string, string>, Map<string, string>]
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => was.get(name) !== is.get(name))
}

type What = (words: Text) => string

function listed<T>(
  before: readonly T[],
  after: readonly T[],
  key: (one: T) => string,
  what: (one: T) => What,
  inside: (a: T, b: T) => Words[],
): Words[] {
  const [was, is] = [new Map(before.map((one) => [key(one), one])), new Map(after.map((one) => [key(one), one]))]
  return [
    ...[...was].filter(([name]) => !is.has(name)).map(([, one]) => say((w) => w.removed(what(one)(w)))),
    ...[...is].filter(([name]) => !was.has(name)).map(([, one]) => say((w) => w.added(what(one)(w)))),
    ...[...is].flatMap(([name, one]) => (was.has(name) ? inside(was.get(name)!, one) : [])),
  ]
}

function siteChanges(before: Site, after: Site): Words[] {
  const what: What = (w) => w.site(after.name)
  const path = (one: Route): string => one.path
  return [
    ...fields(before, after, what, ['name', 'routes', 'ruleExclusions', 'watched']),
    ...listed(
      before.routes,
      after.routes,
      path,
      (one) => (w) => w.route(after.name, one.path),
      (a, b) => fields(a, b, (w) => w.route(after.name, b.path), ['path']),
    ),
    ...(same(before.routes.map(path), after.routes.map(path)) ||
    !same(before.routes.map(path).toSorted(), after.routes.map(path).toSorted())
      ? []
      : [say((w) => w.order(what(w)))]),
    ...exclusionChanges(before.ruleExclusions, after.ruleExclusions, what),
    ...after.watched
      .filter((rule) => !before.watched.includes(rule))
      .map((rule) => say((w) => w.watched(what(w), rule))),
    ...before.watched
      .filter((rule) => !after.watched.includes(rule))
      .map((rule) => say((w) => w.unwatched(what(w), rule))),
  ]
}

function exclusionChanges(before: readonly RuleExclusion[], after: readonly RuleExclusion[], what: What): Words[] {
  const without = (some: readonly RuleExclusion[], others: readonly RuleExclusion[]): RuleExclusion[] =>
    some.filter(({ id }) => !others.some((other) => other.id === id))
  return [
    ...without(before, after).map(({ rule, target, path }) =>
      say((w) => w.included(what(w), rule, target ?? w.all, path)),
    ),
    ...without(after, before).map(({ rule, target, path }) =>
      say((w) => w.excluded(what(w), rule, target ?? w.all, path)),
    ),
  ]
}

function fields<T extends object>(before: T, after: T, what: What, apart: readonly string[]): Words[] {
  const value = (of: object, name: string): unknown => (of as Record<string, unknown>)[name]
  const names = new Set([...Object.keys(before), ...Object.keys(after)].filter((name) => !apart.includes(name)))
  return [...names].flatMap((name) => {
    const [from, to] = [value(before, name), value(after, name)]
    if (same(from, to)) return []
    const field: What = (w) => w.fields[name] ?? name
    const long = [from, to].some((one) => !isScalar(one) || String(one).length > 60)
    if (long) return [say((w) => w.changed(what(w), field(w)))]
    return [say((w) => w.turned(what(w), field(w), String(from ?? w.none), String(to ?? w.none)))]
  })
}
