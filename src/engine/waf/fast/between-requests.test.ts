import assert from 'node:assert/strict'
import test from 'node:test'
import { compileRules, openTransaction, type Plan } from '../index.ts'

type Asked = { readonly target?: string; readonly headers?: readonly (readonly [string, string])[] }

function idsOf(plan: Plan, { target = '/', headers = [] }: Asked): readonly number[] {
  const transaction = openTransaction(plan, {
    method: 'POST',
    target,
    httpVersion: '1.1',
    headers: [['Host', 'h'], ...headers],
    clientAddress: '192.0.2.1',
    clientPort: 1,
  })
  transaction.inspectHead()
  return transaction.inspectBody(new Uint8Array()).ruleIds
}
const header = (name: string, value: string): Asked => ({ headers: [[name, value]] })

/** What is kept of a text from one request must not decide another; what changes in the middle of a phase is seen in it. */
const STORIES: readonly (readonly [what: string, rules: string, asked: readonly Asked[]])[] = [
  [
    'a text of which a rule was false, in another case for another rule',
    'SecRule ARGS|REQUEST_HEADERS:X-A "@rx abc" "id:1,phase:1,pass,t:none,t:lowercase,t:urlDecode"\nSecRule REQUEST_HEADERS:X-B "@rx abc" "id:2,phase:1,pass,t:none"',
    [header('X-B', 'Abc'), header('X-B', 'Abc'), { target: '/?a=%2541bc' }, header('X-A', 'Abc')],
  ],
  [
    'the same with multiMatch',
    'SecRule ARGS|REQUEST_HEADERS:X-A "@rx abc" "id:1,phase:1,pass,t:none,t:urlDecode,t:lowercase,multiMatch"\nSecRule REQUEST_HEADERS:X-B "@rx abc" "id:2,phase:1,pass,t:none"',
    [header('X-B', 'ABC'), header('X-B', 'ABC'), { target: '/?a=%2541BC' }, header('X-A', 'ABC')],
  ],
  [
    'a body processor chosen in the middle of a phase',
    'SecRule REQUEST_METHOD "@streq POST" "id:1,phase:1,pass,ctl:requestBodyProcessor=XML"\nSecRule REQBODY_PROCESSOR "@rx ^XML$" "id:2,phase:1,pass"\nSecRule REQBODY_PROCESSOR "@pm JSON XML" "id:3,phase:1,pass"',
    [{}],
  ],
  [
    'a body processor asked for before and after it was chosen',
    'SecRule REQBODY_PROCESSOR "@streq %{tx.none}XML" "id:5,phase:1,pass"\nSecAction "id:1,phase:1,pass,ctl:requestBodyProcessor=XML"\nSecRule REQBODY_PROCESSOR "@streq %{tx.none}XML" "id:6,phase:1,pass"',
    [{}],
  ],
  [
    'content types that every object has',
    'SecRule REQBODY_PROCESSOR "@rx ^XML$" "id:1,phase:1,pass"',
    [header('Content-Type', 'constructor'), header('Content-Type', '__proto__')],
  ],
]

for (const [what, rules, asked] of STORIES)
  test(`fast as plain: ${what}`, () => {
    const fast = compileRules([{ name: 'rules', text: `SecRuleEngine On\nSecRequestBodyAccess On\n${rules}` }], {
      mode: 'fast',
    })
    for (const one of asked) assert.deepEqual(idsOf(fast, one), idsOf({ ...fast, mode: 'plain' }, one))
  })
