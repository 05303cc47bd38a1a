import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { KhienError } from '../../kit/errors.ts'
import { checkSettings } from './check.ts'
import type { Body } from './current.ts'
import { bodyOf } from './service.ts'

const folder = mkdtempSync(join(tmpdir(), 'khien-check-'))
writeFileSync(join(folder, 'one.conf'), 'SecRule ARGS "@contains x" "id:1,phase:2,deny"\n')
const withSite = (change: object, rules = folder): Body =>
  bodyOf({
    sites: [{ name: 'shop', hosts: ['shop.vn'], upstreams: [{ url: 'http://127.0.0.1:1' }], ...change }],
    ruleSets: [{ name: 'default', rules: [rules] }],
  })
const route = (change: object) => ({ routes: [{ path: '/a' }, { path: '/dang-nhap', ...change }] })
const bad = 'SecRule ARGS "@khongCo x" "id:5,phase:2,deny"'
const fine = 'SecRule ARGS "@contains y" "id:4,phase:2,deny"'

/** What is wrong with a site → code, field, and what the sentence names. */
const cases: readonly (readonly [string, object, string, string, RegExp])[] = [
  [
    'a virtual patch of the site, by its own line',
    { virtualPatches: `${fine}\n${bad}` },
    'waf/unsupported',
    'virtualPatches',
    /^Site shop, virtual patches: line 2: .*khongCo/i,
  ],
  [
    'a virtual patch of a path, behind a good one of the site',
    { virtualPatches: fine, ...route({ virtualPatches: bad }) },
    'waf/unsupported',
    'routes.1.virtualPatches',
    /^Site shop, path \/dang-nhap, virtual patches: line 1: .*khongCo/i,
  ],
  [
    'an exclusion after the rules',
    route({ exclusions: { after: 'SecRuleRemoveByNothing 1' } }),
    'waf/unsupported',
    'routes.1.exclusions.after',
    /path \/dang-nhap, SecLang exclusions \(after\): line 1: /,
  ],
  [
    'a list of breached passwords that is not there',
    route({ breachedPasswords: { field: 'mk', file: join(folder, 'none.txt') } }),
    'data/breached-passwords',
    'routes.1.breachedPasswords.file',
    /^Site shop, path \/dang-nhap, breached passwords \(file\): .* cannot be read/,
  ],
  ['a JSON schema that is none', route({ schema: { type: 'no-such' } }), 'gateway/schema', 'routes.1.schema', /schema/],
  [
    'certificate files that are not there',
    { tls: { certificate: join(folder, 'a.pem'), key: join(folder, 'b.pem') } },
    'gateway/certificate',
    'tls.certificate',
    /cannot be read/,
  ],
  [
    'a certificate through ACME for any host',
    { hosts: ['*'], tls: { acme: true } },
    'gateway/acme-host',
    'hosts',
    /ACME/,
  ],
  ['a rule set that is not there', { ruleSet: 'khac' }, 'gateway/rule-set', 'ruleSet', /no rule set khac/],
]
for (const [name, change, code, field, says] of cases)
  test(`settings check: ${name}`, async () => {
    await assert.rejects(checkSettings(withSite(change), undefined), (error: unknown) => {
      assert.ok(error instanceof KhienError)
      assert.deepEqual([error.code, error.field], [code, `body.site.${field}`])
      assert.match(error.message, says)
      return true
    })
  })

test('settings check: a rule set without files is told at the set’s field', async () => {
  await assert.rejects(checkSettings(withSite({}, join(folder, 'none')), undefined), {
    code: 'waf/no-rules',
    field: 'body.site.ruleSet',
  })
})

test('settings that are none name site, path and field in words, and the path of the field apart', () => {
  assert.throws(() => withSite(route({ challenge: { free: 0 } })), {
    code: 'gateway/settings',
    field: 'body.sites.0.routes.1.challenge.free',
    message: /^Site shop, path \/dang-nhap, browser check \(free\): Too small/,
  })
  assert.throws(() => withSite({ hosts: ['HOA.VN'] }), {
    message: /^Site shop, hosts \(no\. 1\): expected a host name/,
  })
  assert.throws(() => withSite({ name: '<b>', hosts: [] }), { message: /^Site 1, name: / })
})
