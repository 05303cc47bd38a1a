import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { judgeStage, SUITE_SETTINGS } from '../../src/cli/waf-judge.ts'
import { loadPlan } from '../../src/cli/waf-rules.ts'
import { faultOf, readSuite } from '../../src/cli/waf-suite.ts'
import { compileRules, type Plan } from '../../src/engine/waf/index.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(process.env['KHIEN_VECTORS'] ?? join(root, '../shared/vectors'), 'crs4')
const absent = existsSync(folder) ? false : 'The Core Rule Set 4 is not here: set KHIEN_VECTORS'

test('Core Rule Set 4: its regression tests in this process, all levels, fast as plain', { skip: absent }, (t) => {
  const plan = loadPlan(root, {
    rules: [join(folder, 'rules')],
    setup: join(folder, 'crs-setup.conf.example'),
    between: [SUITE_SETTINGS],
  })
  const { stages } = readSuite(join(folder, 'tests/regression/tests'))
  assert.equal(stages.length, 5_088)
  const plain: Plan = { ...plan, mode: 'plain' }
  const faults = stages.flatMap(({ name, raw, expected }) => {
    const outcome = judgeStage(plan, raw)
    assert.deepEqual(outcome, judgeStage(plain, raw), `${name}: fast and plain`)
    const fault = faultOf(expected, outcome)
    return fault === undefined ? [] : [`${name}: ${fault}`]
  })
  t.diagnostic(`${stages.length - faults.length} passed, ${faults.length} failed`)
  for (const fault of faults) t.diagnostic(fault)
  assert.ok(faults.length * 200 <= stages.length, 'at least 99.5 % pass')
})

const debian = '/usr/share/modsecurity-crs/rules'
const setup = '/etc/modsecurity/crs/crs-setup.conf'
const noPackage = existsSync(debian) && existsSync(setup) ? false : 'Debian’s modsecurity-crs is not installed'

test('Core Rule Set 3.3 of Debian: no rule is refused', { skip: noPackage }, () => {
  const names = readdirSync(debian)
  const read = (name: string): string => readFileSync(join(debian, name), 'latin1')
  const plan = compileRules(
    [
      { name: 'crs-setup.conf', text: readFileSync(setup, 'latin1') },
      ...names
        .filter((name) => name.endsWith('.conf'))
        .sort()
        .map((name) => ({ name, text: read(name) })),
    ],
    {
      data: new Map(names.filter((name) => name.endsWith('.data')).map((name) => [name, read(name)])),
      lookups: 'absent',
    },
  )
  // Its two look-ups of the client's address are accepted, and said never to match.
  assert.equal(plan.notes.filter((note) => note.includes('never matches')).length, 2)
  assert.ok(plan.rules.length > 700)
})
