import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { ATTACKS, LEFT_OPEN } from '../test/gateway/attacks.ts'
import { HELD_OUT } from '../test/gateway/attacks-held-out.ts'
import { BENIGN } from '../test/gateway/ordinary.ts'
import { judge, PLACES } from '../test/gateway/pack.ts'

// What rules/waf refuses and lets pass: of our own lists, and of what others wrote. `npm run bench -- pack`

const vectors = process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../shared/vectors')
const say = (name: string, refused: number, of: number, goal = '-'): void =>
  void process.stdout.write(`${name}\t${refused} of ${of}\trefused\t${goal}\t-\n`)

/** Refused in at least one place as it is written: a form field, the query, or JSON. */
const anywhere = (value: string): boolean =>
  (['form', 'query', 'json'] as const).some((place) => judge(PLACES[place]!(value)).refused)
const flat = (lists: Readonly<Record<string, readonly string[]>>): string[] => Object.values(lists).flat()
const count = (values: readonly string[]): number => values.filter(anywhere).length

say('our own attacks', count(flat(ATTACKS)), flat(ATTACKS).length)
say('attacks left open on purpose', count(Object.keys(LEFT_OPEN)), Object.keys(LEFT_OPEN).length)
say('held-out attacks', count(flat(HELD_OUT)), flat(HELD_OUT).length)
say('ordinary texts', count(BENIGN), BENIGN.length, '0')

type Stage = {
  input: { method?: string; uri?: string; headers?: Record<string, string>; data?: string; encoded_request?: string }
  output: { log?: { expect_ids?: number[] } }
}

const suite = join(vectors, 'crs4/tests/regression/tests')
if (existsSync(suite)) {
  let seen = 0
  let refused = 0
  for (const file of globSync(join(suite, 'REQUEST-9{30,31,32,33,34,41,42,43,44}-*/*.yaml'))) {
    const { tests } = parse(readFileSync(file, 'utf8')) as { tests: { stages: Stage[] }[] }
    for (const { input, output } of tests.flatMap((test) => test.stages)) {
      if (!output.log?.expect_ids?.length || input.encoded_request !== undefined) continue
      seen++
      const headers = Object.entries(input.headers ?? {}).map(([name, value]) => [name, latin1(String(value))] as const)
      const form = input.data !== undefined && !headers.some(([name]) => /^content-type$/i.test(name))
      const verdict = judge({
        method: input.method ?? 'GET',
        target: latin1(input.uri ?? '/'),
        headers: form ? [...headers, ['Content-Type', 'application/x-www-form-urlencoded']] : headers,
        body: Buffer.from(input.data ?? ''),
      })
      if (verdict.refused) refused++
    }
  }
  say('OWASP CRS 4, requests of 930 to 944 that must raise a rule, all paranoia levels', refused, seen)
} else process.stdout.write('CRS requests are not here: set KHIEN_VECTORS\n')

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
