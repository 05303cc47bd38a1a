import assert from 'node:assert/strict'
import test from 'node:test'
import { compileRules, memoryCollections, openTransaction, type Surroundings, type Verdict } from './index.ts'

type Sent = { target?: string; headers?: [string, string][]; body?: string; answer?: string; around?: Surroundings }
const bytes = (text: string) => Uint8Array.from(text, (sign) => sign.charCodeAt(0))

/** All phases under both modes, which must agree. */
function judge(rules: string, { target = '/', headers = [], body = '', answer = '', around }: Sent = {}): Verdict {
  const verdicts = (['plain', 'fast'] as const).map((mode) => {
    const plan = compileRules([{ name: 'a.conf', text: rules }], { mode })
    const head = { method: 'POST', target, httpVersion: '1.1', headers, clientAddress: '192.0.2.1', clientPort: 1 }
    const transaction = openTransaction(plan, head, around)
    transaction.inspectHead()
    transaction.inspectBody(bytes(body))
    transaction.inspectResponseHead({
      status: 200,
      protocol: 'HTTP/1.1',
      headers: [['Content-Type', 'text/html; a=b']],
    })
    transaction.inspectResponseBody(transaction.wantsResponseBody() ? bytes(answer) : new Uint8Array())
    return transaction.finish()
  })
  assert.deepEqual(verdicts[0], verdicts[1])
  return verdicts[0]!
}

const JSON_BODY = 'SecAction "id:90,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"\n'
const XML_BODY = 'SecAction "id:91,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"\n'
const form: [string, string][] = [['Content-Type', 'multipart/form-data; boundary=b']]
const part = (head: string, value = 'x', end = '\r\n') => `--b${end}${head}${end}${end}${value}${end}--b--${end}`
const named = 'Content-Disposition: form-data; name="a"'

for (const { rules, ids, ...sent } of [
  { rules: 'SecRule RESPONSE_STATUS "@eq 200" "id:1,phase:3"', ids: [1] },
  {
    rules: 'SecResponseBodyAccess On\nSecRule RESPONSE_BODY "@contains ORA-" "id:1,phase:4"',
    answer: 'ORA-1',
    ids: [1],
  },
  { rules: 'SecRule RESPONSE_BODY "@contains ORA-" "id:1,phase:4"', answer: 'ORA-1', ids: [] },
  { rules: 'SecRule RESPONSE_CONTENT_TYPE "@streq text/html" "id:1,phase:3"', ids: [1] },
  { rules: 'SecAction "id:1,phase:1,deny"\nSecAction "id:2,phase:2,pass"\nSecAction "id:3,phase:5,deny"', ids: [1, 3] },
  { rules: 'SecAction "id:1,skip:1,pass"\nSecAction "id:2,pass"\nSecAction "id:3,pass"', ids: [1, 3] },
  { rules: 'SecAction "id:1,allow:phase"\nSecAction "id:2,pass"\nSecAction "id:3,phase:3,pass"', ids: [1, 3] },
  {
    rules: 'SecAction "id:1,phase:1,allow:request"\nSecAction "id:2,pass"\nSecAction "id:3,phase:3,pass"',
    ids: [1, 3],
  },
  {
    rules: 'SecAction "id:1,phase:1,allow"\nSecAction "id:3,phase:3,pass"\nSecAction "id:5,phase:5,pass"',
    ids: [1, 5],
  },
  { rules: 'SecAction "id:1,phase:1,ctl:ruleEngine=Off"\nSecAction "id:2,pass"', ids: [1] },
  {
    rules: 'SecAction "id:1,phase:1,nolog,ctl:ruleRemoveByTag=t"\nSecAction "id:2,tag:t"\nSecAction "id:3,tag:tt"',
    ids: [3],
  },
  { rules: 'SecAction "id:1,phase:1,nolog,ctl:ruleRemoveByMsg=m"\nSecAction "id:2,msg:m"\nSecAction "id:3"', ids: [3] },
  {
    rules: 'SecAction "id:1,phase:1,nolog,ctl:ruleRemoveTargetByTag=t;ARGS:a"\nSecRule ARGS "@rx x" "id:2,tag:t"',
    target: '/?a=x',
    ids: [],
  },
  { rules: 'SecAction "id:1"\nSecAction "id:2"\nSecAction "id:3"\nSecRuleRemoveById "1-2"', ids: [3] },
  { rules: 'SecAction "id:1,tag:t"\nSecAction "id:2"\nSecRuleRemoveByTag t', ids: [2] },
  { rules: 'SecRuleUpdateTargetById 1 "!ARGS:a"\nSecRule ARGS "@rx x" "id:1"', target: '/?a=x', ids: [] },
  { rules: 'SecRule ARGS_GET:b "@rx x" "id:1,tag:t"\nSecRuleUpdateTargetByTag t "ARGS"', target: '/?a=x', ids: [1] },
  { rules: 'SecRule ARGS "@rx A" "id:1,multiMatch,t:lowercase,t:uppercase"', target: '/?a=A', ids: [1, 1] },
  { rules: 'SecRule ARGS:a "@rx x" "id:1,chain"\nSecRule MATCHED_VAR_NAME "@streq ARGS:a"', target: '/?a=x', ids: [1] },
  { rules: 'SecRule ARGS "@pm xx yy" "id:1,capture,chain"\nSecRule TX:0 "@streq yy"', target: '/?a=YYxx', ids: [1] },
  {
    rules: 'SecRule ARGS "@rx ^%{tx.p}$" "id:2"\nSecAction "id:1,phase:1,nolog,setvar:tx.p=x+"',
    target: '/?a=xxx',
    ids: [2],
  },
  {
    rules: 'SecRule ARGS "@rx %{tx.p}" "id:2"\nSecAction "id:1,phase:1,nolog,setvar:tx.p=("',
    target: '/?a=(',
    ids: [],
  },
  { rules: 'SecRule &TX:/^n_/ "@eq 2" "id:2"\nSecAction "id:1,phase:1,nolog,setvar:tx.N_a,setvar:tx.n_b=0"', ids: [2] },
  { rules: 'SecRule ARGS_COMBINED_SIZE "@eq 7" "id:1"', target: '/?a=bc&d=efg', ids: [1] },
  { rules: `${JSON_BODY}SecRule ARGS:json.a.array_1.b "@streq 2" "id:1"`, body: '{"a":[1,{"b":2}]}', ids: [1] },
  { rules: `${JSON_BODY}SecRule REQBODY_ERROR "@eq 1" "id:1"`, body: '{"a":', ids: [1] },
  { rules: `${XML_BODY}SecRule XML:/* "@streq a<b c" "id:1"`, body: '<r><p>a&lt;b</p><![CDATA[ c]]></r>', ids: [1] },
  { rules: `${XML_BODY}SecRule XML://@* "@streq é" "id:1"`, body: '<r x="&#233;"/>', ids: [] },
  { rules: `${XML_BODY}SecRule XML://@* "@streq \xc3\xa9" "id:1"`, body: '<r x="&#233;"/>', ids: [1] },
  {
    rules: `${XML_BODY}SecRule REQBODY_ERROR "@eq 1" "id:1"`,
    body: '<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>',
    ids: [1],
  },
  { rules: 'SecRule MULTIPART_STRICT_ERROR "@eq 0" "id:1"', headers: form, body: part(named), ids: [1] },
  { rules: 'SecRule MULTIPART_LF_LINE "@eq 1" "id:1"', headers: form, body: part(named, 'x', '\n'), ids: [1] },
  { rules: 'SecRule MULTIPART_DATA_BEFORE "@eq 1" "id:1"', headers: form, body: `x\r\n${part(named)}`, ids: [1] },
  { rules: 'SecRule MULTIPART_DATA_AFTER "@eq 1" "id:1"', headers: form, body: `${part(named)}x`, ids: [1] },
  {
    rules: 'SecRule MULTIPART_INVALID_QUOTING "@eq 1" "id:1"',
    headers: form,
    body: part("Content-Disposition: form-data; name='a'"),
    ids: [1],
  },
  {
    rules: 'SecRule MULTIPART_HEADER_FOLDING "@eq 1" "id:1"',
    headers: form,
    body: part(`${named};\r\n filename="f"`),
    ids: [1],
  },
  { rules: 'SecRule REQBODY_ERROR "@eq 1" "id:1"', headers: form, body: `--b\r\n${named}\r\n\r\nx`, ids: [1] },
  { rules: 'SecRule FILES:a "@streq f.php" "id:1"', headers: form, body: part(`${named}; filename="f.php"`), ids: [1] },
  {
    rules: 'SecRule FILES_COMBINED_SIZE "@eq 3" "id:1"',
    headers: form,
    body: part(`${named}; filename="f"`, 'abc'),
    ids: [1],
  },
  {
    rules: 'SecRule MULTIPART_PART_HEADERS:a "@rx ^Content-Type: text" "id:1"',
    headers: form,
    body: part(`${named}\r\nContent-Type: text/plain`),
    ids: [1],
  },
  { rules: 'SecRule TIME "@streq 07:00:05" "id:1"', around: { at: 5_000, utcOffset: 420 }, ids: [1] },
  { rules: 'SecRule ENV:a "@streq 1" "id:2"\nSecAction "id:1,phase:1,nolog,setenv:a=1"', ids: [2] },
  { rules: 'SecRule HIGHEST_SEVERITY "@eq 2" "id:2,phase:3"\nSecAction "id:1,nolog,severity:CRITICAL"', ids: [2] },
  { rules: 'SecRule RULE:id "@eq 7" "id:7"', ids: [7] },
] as (Sent & { rules: string; ids: number[] })[]) {
  test(`meaning: ${rules.replaceAll('\n', ' ¶ ')} ${sent.target ?? ''}`, () =>
    assert.deepEqual(judge(rules, sent).ruleIds, ids))
}

test('redirect and drop tell what to do', () => {
  const redirect = judge('SecAction "id:1,phase:1,redirect:https://a.vn/%{REMOTE_ADDR}"')
  assert.deepEqual([redirect.action, redirect.status, redirect.redirect], ['redirect', 302, 'https://a.vn/192.0.2.1'])
  const drop = judge('SecAction "id:1,drop"')
  assert.deepEqual([drop.action, drop.refused, drop.status], ['drop', true, 403])
})

test('a body beyond the limit is refused, or judged in part', () => {
  const rules =
    'SecRequestBodyLimit 4\nSecRule REQUEST_BODY "@streq abcd" "id:1"\nSecRule INBOUND_DATA_ERROR "@eq 1" "id:2"'
  assert.equal(judge(rules, { body: 'abcde' }).status, 413)
  assert.deepEqual(judge(`${rules}\nSecRequestBodyLimitAction ProcessPartial`, { body: 'abcde' }).ruleIds, [1, 2])
})

test('a message shows numbers of macros and nothing else of a request', () => {
  const { matches } = judge('SecRule ARGS:a "@rx x" "id:1,msg:\'got %{MATCHED_VAR} of %{tx.n}\',setvar:tx.n=7"', {
    target: '/?a=xyz',
  })
  assert.equal(matches[0]!.message, 'got • of 7')
})

test('collections outlive a request, expire, and are bounded', () => {
  const rules =
    'SecAction "id:1,phase:1,nolog,initcol:ip=%{REMOTE_ADDR},setvar:tx.x=1"\n' +
    'SecAction "id:2,phase:1,nolog,setvar:ip.count=+1,expirevar:ip.count=60"\nSecRule IP:count "@ge 2" "id:3"'
  const plan = compileRules([{ name: 'a.conf', text: rules }])
  const collections = memoryCollections(2)
  const ask = (clientAddress: string, at: number) => {
    const head = { method: 'GET', target: '/', httpVersion: '1.1', headers: [], clientAddress, clientPort: 1 }
    const transaction = openTransaction(plan, head, { at, collections })
    transaction.inspectHead()
    return transaction.inspectBody(new Uint8Array()).ruleIds
  }
  assert.deepEqual(ask('192.0.2.1', 0), [])
  assert.deepEqual(ask('192.0.2.2', 1_000), [])
  assert.deepEqual(ask('192.0.2.1', 2_000), [3])
  assert.deepEqual(ask('192.0.2.1', 70_000), [])
  ask('192.0.2.3', 70_000)
  ask('192.0.2.4', 70_000)
  assert.deepEqual(collections.counts(), { records: 2, evicted: 2 })
})
