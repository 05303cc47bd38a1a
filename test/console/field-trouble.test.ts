import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { Ban, GatewaySettings, Site } from '../../src/gateway/contract.ts'
import { EXPECTED, placeOf, plainOf, troubleOf } from '../../ui/console/src/areas/gateway/field-trouble.ts'

const route = { path: '/dang-nhap' }
const own = { name: 'shop', hosts: ['shop.vn'], upstreams: [{ url: 'http://127.0.0.1:1' }] }
const site = (change: object) => ({ ...own, ...change })
const labels = {
  routes: 'Đường dẫn',
  challenge: 'Kiểm tra',
  'challenge.free': 'Lượt',
  'challenge.failures': 'Mã',
  hosts: 'Tên miền',
}

/** A wrong site → where, and what is said in Vietnamese and English. */
const cases: readonly (readonly [object, string, string, string])[] = [
  [{ hosts: [] }, 'hosts', 'không được để trống', 'must not be empty'],
  [
    { hosts: ['a.vn', 'HOA'] },
    'hosts.1',
    'cần tên miền chữ thường, *.vidu.vn, hoặc * cho mọi tên',
    'needs a host name in small letters, *.example.vn, or * for any',
  ],
  [
    { upstreams: [{ url: 'http://a/b' }] },
    'upstreams.0.url',
    'cần địa chỉ gốc như http://127.0.0.1:3000, không kèm đường dẫn',
    'needs an origin such as http://127.0.0.1:3000, without a path',
  ],
  [{ threshold: 0 }, 'threshold', 'phải từ 1 trở lên', 'must be at least 1'],
  [{ threshold: null }, 'threshold', 'phải là một số nguyên', 'must be a whole number'],
  [{ paranoia: 1.5 }, 'paranoia', 'phải là một số nguyên', 'must be a whole number'],
  [
    { rateLimits: [{ name: 'a', per: 'client', requests: 1, seconds: 90_000 }] },
    'rateLimits.0.seconds',
    'nhiều nhất là 86400',
    'must be at most 86400',
  ],
  [
    { routes: [{ ...route, challenge: { free: 0 } }] },
    'routes.0.challenge.free',
    'phải từ 1 trở lên',
    'must be at least 1',
  ],
  [
    { routes: [{ ...route, methods: ['G T'] }] },
    'routes.0.methods.0',
    'cần phương thức chữ hoa, ví dụ POST',
    'needs a method in capitals such as POST',
  ],
  [
    { routes: [{ ...route, contentTypes: ['json'] }] },
    'routes.0.contentTypes.0',
    'cần kiểu nội dung như application/json',
    'needs a content type such as application/json',
  ],
  [
    { routes: [{ ...route, breachedPasswords: { field: 'mk', file: '' } }] },
    'routes.0.breachedPasswords.file',
    'không được để trống',
    'must not be empty',
  ],
  [
    { routes: [{ path: 'dang-nhap' }] },
    'routes.0.path',
    'cần đường dẫn bắt đầu bằng /, ví dụ /api/**',
    'needs a path such as /api/**',
  ],
  [{ mode: 'on' }, 'mode', 'phải là một trong "block"|"detect"|"off"', 'must be one of "block"|"detect"|"off"'],
  [{ virtualPatches: 'x'.repeat(65_537) }, 'virtualPatches', 'dài quá 65536 ký tự', 'must be at most 65536 characters'],
  [
    { account: { cookie: 'phiên' } },
    'account.cookie',
    'cần tên cookie hoặc tiêu đề, không dấu, không khoảng trắng',
    'needs a header or cookie name',
  ],
]
for (const [change, path, vi, en] of cases)
  test(`field in words: ${path} ${en}`, () => {
    const [issue] = Site.safeParse(site(change)).error!.issues
    assert.equal(issue!.path.join('.'), path)
    assert.deepEqual([plainOf(issue!.message, path, 'vi'), plainOf(issue!.message, path, 'en')], [vi, en])
  })

test('every sentence of the contract that asks for a form is also in Vietnamese', () => {
  const asked = new Set<string>()
  const wrong = { ...own, name: '•', hosts: ['•'], upstreams: [{ url: '•' }], ruleSet: '•', trustedProxies: ['•'] }
  const path = { path: '•', exclusions: {}, rateLimits: [{ name: '•', per: 'client', requests: 1, seconds: 1 }] }
  const excluded = { id: '•', number: 1, path: '•', rule: 1, target: '•' }
  const parsed = [
    GatewaySettings.safeParse({
      version: 0,
      sites: [{ ...wrong, routes: [path], ruleExclusions: [excluded] }],
      ruleSets: [],
    }),
    z.union([Site.shape.account]).safeParse({ header: '•' }),
    Ban.safeParse({ address: '•', until: '•' }),
  ]
  const collect = (issues: readonly { message: string; errors?: unknown }[]): void => {
    for (const { message, errors } of issues) {
      if (message.startsWith('expected ')) asked.add(message.slice('expected '.length))
      for (const inner of (errors ?? []) as (typeof issues)[]) collect(inner)
    }
  }
  for (const { error } of parsed) collect(error!.issues)
  assert.ok(asked.size >= 8, [...asked].join('; '))
  assert.deepEqual(
    [...asked].filter((sentence) => !(sentence in EXPECTED) && !sentence.includes('time')),
    [],
  )
})

test('the place of a field is told as the page calls it', () => {
  const whole = Site.parse(site({ routes: [{ ...route, challenge: {} }] }))
  const of = (path: string): string => placeOf(path, whole, labels, 'vi')
  assert.equal(of('routes.0.challenge.free'), 'Đường dẫn /dang-nhap › Kiểm tra › Lượt')
  assert.equal(of('routes.0.challenge.failures.1'), 'Đường dẫn /dang-nhap › Kiểm tra › Mã, dòng 2')
  assert.equal(of('hosts.1'), 'Tên miền, dòng 2')
  const refused = {
    code: 'waf/unsupported',
    field: 'body.site.virtualPatches',
    message: 'Site shop, virtual patches: line 2: bad',
  }
  assert.equal(troubleOf(refused, whole, labels, 'vi')!.text, 'dòng 2 không đọc được: bad')
  assert.equal(troubleOf({ ...refused, field: 'body.reason' }, whole, labels, 'vi'), undefined)
})
