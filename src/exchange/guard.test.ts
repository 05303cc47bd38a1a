import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRange } from './address.ts'
import { warningListGuard, type GuardCode } from './guard.ts'
import { POPULAR_ADDRESSES } from './popular-domains.ts'

const guard = warningListGuard({ ownRanges: ['203.119.8.0/22', '2001:dc8::/32'], demo: false, allowed: ['chosen.vn'] })
const demo = warningListGuard({ ownRanges: ['198.18.4.0/22'], demo: true })

type Case = readonly [
  kind: 'domain' | 'ipv4' | 'ipv6' | 'url' | 'sha256',
  value: string,
  code: GuardCode | null,
  as?: string,
]
const CASES: readonly Case[] = [
  ['ipv4', '127.0.0.1', 'loopback'],
  ['ipv4', '10.20.30.40', 'private'],
  ['ipv4', '172.31.255.255', 'private'],
  ['ipv4', '172.32.0.1', null],
  ['ipv4', '192.168.1.0/24', 'private'],
  ['ipv4', '100.64.0.1', 'shared'],
  ['ipv4', '100.127.255.255', 'shared'],
  ['ipv4', '100.128.0.1', null],
  ['ipv4', '169.254.169.254', 'link-local'],
  ['ipv4', '192.0.2.7', 'reserved'],
  ['ipv4', '198.51.100.9', 'reserved'],
  ['ipv4', '203.0.113.9', 'reserved'],
  ['ipv4', '198.18.0.9', 'reserved'],
  ['ipv4', '198.20.0.9', null],
  ['ipv4', '239.1.2.3', 'multicast'],
  ['ipv4', '255.255.255.255', 'reserved'],
  ['ipv4', '0.0.0.0/0', 'reserved'],
  ['ipv4', '45.0.0.0/8', 'too-wide'],
  ['ipv4', '45.12.0.0/15', 'too-wide'],
  ['ipv4', '45.12.0.0/16', 'too-wide'],
  ['ipv4', '45.12.2.0/23', 'too-wide'],
  ['ipv4', '45.12.3.0/24', 'range'],
  ['ipv4', '45.12.3.8/31', 'range'],
  ['ipv4', '45.12.3.8/32', null, '45.12.3.8'],
  ['ipv4', '45.12.0.1/16', 'malformed'],
  ['ipv4', '203.119.9.1', 'own'],
  ['ipv4', '203.119.0.0/16', 'own'],
  ['ipv4', '8.8.8.8', 'popular'],
  ['ipv4', '8.8.8.0/24', 'popular'],
  ['ipv4', '142.250.66.78', 'popular'],
  ['ipv4', '142.250.66.0/24', 'popular'],
  ['ipv4', '157.240.7.35', 'popular'],
  ['ipv4', '104.21.3.4', 'popular'],
  ['ipv4', '104.28.0.1', null],
  ['ipv4', '172.67.1.2', 'popular'],
  ['ipv4', '203.162.4.0/24', 'popular'],
  ['ipv4', '045.1.1.1', 'malformed'],
  ['ipv4', '1.2.3', 'malformed'],
  ['ipv4', '2606:4700::1', 'malformed'],
  ['ipv6', '::1', 'loopback'],
  ['ipv6', 'fd00::1', 'private'],
  ['ipv6', 'fe80::1', 'link-local'],
  ['ipv6', '2001:db8::1', 'reserved'],
  ['ipv6', '::ffff:8.8.8.8', 'reserved'],
  ['ipv6', '2001:dc8:1::5', 'own'],
  ['ipv6', '2400::/24', 'too-wide'],
  ['ipv6', '2404:6800::/32', 'too-wide'],
  ['ipv6', '2404:6800:4005:80f::200e', 'popular'],
  ['ipv6', '2a0e:97c0:1:2::/64', 'range'],
  ['ipv6', '2A0E:97C0:0:0:0:0:0:1', null, '2a0e:97c0::1'],
  ['ipv6', '2400:cb00::1::2', 'malformed'],
  ['domain', 'vn', 'single-label'],
  ['domain', 'com.vn', 'public-suffix'],
  ['domain', 'github.io', 'public-suffix'],
  ['domain', 'evil.github.io', null],
  ['domain', 'co.uk', 'public-suffix'],
  ['domain', 'localhost', 'special-name'],
  ['domain', 'printer.local', 'special-name'],
  ['domain', 'www.example.com', 'special-name'],
  ['domain', 'a.notatld', 'special-name'],
  ['domain', 'c2.demo.test', 'special-name'],
  ['domain', 'google.com', 'popular'],
  ['domain', 'WWW.Google.COM.', 'popular', 'www.google.com'],
  ['domain', 'shop.chosen.vn', 'popular'],
  ['domain', 'vietcombank.com.vn', 'popular'],
  ['domain', 'vietcombank.com.vn.evil.top', null],
  ['domain', 'dichvucong.gov.vn', 'popular'],
  ['domain', 'C2.Xấu.vn', null, 'c2.xn--xu-r5s.vn'],
  ['domain', '1.2.3.4', 'malformed'],
  ['domain', 'a b.com', 'malformed'],
  ['domain', `${'a'.repeat(64)}.com`, 'malformed'],
  ['domain', '', 'malformed'],
  ['url', 'http://evil.top/a?b=c#d', null, 'http://evil.top/a?b=c'],
  ['url', 'https://raw.githubusercontent.com/x/y/z.sh', null],
  ['url', 'https://github.com/', 'popular'],
  ['url', 'http://user:secret@evil.top/', 'credentials', 'http://evil.top/'],
  ['url', 'http://127.0.0.1/x', 'loopback'],
  ['url', 'http://[::1]:8080/x', 'loopback'],
  ['url', 'http://2130706433/x', 'loopback'],
  ['url', 'javascript:alert(1)', 'malformed'],
  ['sha256', 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855', 'empty-file'],
  ['sha256', 'a'.repeat(64), null],
  ['sha256', 'a'.repeat(40), 'malformed'],
]
for (const [kind, value, code, as] of CASES)
  test(`guard: ${kind} ${value.slice(0, 50)} is ${code ?? 'fine'}`, () => {
    const verdict = guard(kind, value, 'c2')
    assert.equal(verdict.code ?? null, code)
    if (as !== undefined) assert.equal(verdict.value, as)
  })

test('the demo allows its own network and names, and still refuses its own ranges', () => {
  assert.equal(demo('ipv4', '198.18.0.9', 'c2').code, undefined)
  assert.equal(demo('ipv4', '198.18.5.9', 'c2').code, 'own')
  assert.equal(demo('ipv4', '198.18.5.9', 'attacker').code, undefined, 'who attacks from here is told to us')
  assert.equal(demo('domain', 'c2.demo.test', 'c2').code, undefined)
  assert.equal(demo('ipv4', '10.0.0.1', 'c2').code, 'private')
})

test('every range on the popular list is one', () => {
  for (const text of POPULAR_ADDRESSES) assert.equal(parseRange(text)?.text, text)
})

test('a long value is refused in no time', () => {
  const long = `${'a.'.repeat(50_000)}com`
  const started = performance.now()
  for (const kind of ['domain', 'ipv4', 'ipv6', 'url', 'sha256'] as const) guard(kind, long, 'c2')
  assert.ok(performance.now() - started < 5_000)
})

for (const [text, wanted] of [
  ['1.2.3.4', '1.2.3.4'],
  ['1.2.3.0/24', '1.2.3.0/24'],
  ['1.2.3.4/33', undefined],
  ['1.2.3.4/24/1', undefined],
  ['::', '::'],
  ['1::2:0:0:0', '1::2:0:0:0'],
  [':::', undefined],
  ['1:2:3:4:5:6:7', undefined],
  ['1:2:3:4:5:6:7:8:9', undefined],
  ['::1.2.3.4', '::102:304'],
] as const)
  test(`range ${text}`, () => assert.equal(parseRange(text)?.text, wanted))
