import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { Io } from '../../src/cli/verb.ts'
import { waf } from '../../src/cli/waf.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(process.env['KHIEN_VECTORS'] ?? join(root, '../shared/vectors'), 'crs4')
const absent = existsSync(folder) ? false : 'The Core Rule Set 4 is not here: set KHIEN_VECTORS'

test(
  'Core Rule Set 4: its regression tests over sockets, through a gateway',
  { skip: absent, timeout: 120_000 },
  async (t) => {
    let out = ''
    const io: Io = {
      out: (text) => (out += text),
      err: () => undefined,
      stdin: process.stdin,
      env: {},
      language: 'en',
      root,
    }
    const args = ['--rules', join(folder, 'rules'), '--setup', join(folder, 'crs-setup.conf.example')]
    const suite = ['--suite', join(folder, 'tests/regression/tests')]
    await waf.run(['test', ...args, ...suite, '--overrides', join(root, 'rules/crs/khien-overrides.yaml')], io)
    t.diagnostic(out)
    const [, passed, failed, overridden] = /(\d+) passed, (\d+) failed \((\d+) overridden\)/.exec(out) ?? []
    assert.equal(Number(passed) + Number(failed), 5_088)
    assert.ok(Number(failed) * 200 <= 5_088, 'at least 99.5 % pass')
    assert.ok(Number(overridden) < 64, 'fewer overrides than are published for nginx')
  },
)
