import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { utf8 } from '../../src/engine/bytes/latin1.ts'
import { operatorOf, type OperatorContext, type OperatorFactory } from '../../src/engine/waf/operator/index.ts'
import { transformationOf, type Transformation } from '../../src/engine/waf/transform/index.ts'

type Case = { name: string; param?: string; input: string; output?: string; ret: number; re_groups?: string[] }

const folder = join(process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../shared/vectors'), 'seclang')
const absent = existsSync(folder) ? false : 'SecLang vectors are not here: set KHIEN_VECTORS'

// Upstream's runner turns \xHH and then \uHHHH into one byte, in input and output only; it takes \xag for a byte too.
const bytes = (text: string): string =>
  utf8(text)
    .replace(/\\x([0-9a-zA-Z]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16) || 0))
    .replace(/\\u[0-9a-fA-F]{2}([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
const casesOf = (path: string): Case[] => JSON.parse(readFileSync(path, 'utf8')) as Case[]
const filesOf = (kind: string): string[] =>
  absent === false ? readdirSync(join(folder, kind)).filter((name) => name.endsWith('.json')) : []

const words = join(folder, 'operators/op/pmFromFile-01.dat')
const context: OperatorContext = {
  data: new Map(absent === false ? [['op/pmFromFile-01.dat', readFileSync(words, 'latin1')]] : []),
  lookups: undefined,
  note: () => undefined,
  file: 'vectors',
  line: 1,
}

test('SecLang operators agree with the vectors', { skip: absent }, async (t) => {
  for (const file of filesOf('operators')) {
    const name = file.slice(0, -5)
    await t.test(name, () => {
      if (name === 'geoLookup') return t.diagnostic('geoLookup: 5 cases need a file of places that is not here')
      const made = new Map<string, ReturnType<OperatorFactory>>()
      for (const c of casesOf(join(folder, 'operators', file))) {
        const param = utf8(c.param ?? '').replace('test-cases/secrules-language-tests/operators/', '')
        // No such prefix of an IPv4 address: a rule that says so is refused rather than never true.
        if (param === '10.0.0.0/100') {
          assert.throws(() => operatorOf(name)(param), /not an address range/)
          continue
        }
        const run = made.get(param) ?? operatorOf(name, context)(param)
        made.set(param, run)
        const hit = run(bytes(c.input))
        assert.equal(hit === undefined ? 0 : 1, c.ret, `${name} ${JSON.stringify([c.param, c.input])}`)
        if (c.re_groups !== undefined && hit !== undefined) {
          // Of several matches upstream lists the first ones alone.
          assert.deepEqual(hit.groups.slice(0, c.re_groups.length), c.re_groups)
        }
      }
    })
  }
})

test('SecLang transformations agree with the vectors', { skip: absent }, async (t) => {
  for (const file of filesOf('transformations')) {
    const name = file.slice(0, -5)
    await t.test(name, () => {
      const run: Transformation = transformationOf(name)
      for (const c of casesOf(join(folder, 'transformations', file))) {
        assert.equal(run(bytes(c.input)), bytes(c.output ?? ''), `${name} ${JSON.stringify(c.input)}`)
      }
    })
  }
})
