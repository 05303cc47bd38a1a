import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { timeOf } from './consents.ts'
import { readCsv } from './csv.ts'
import { readConsentMap } from './plan.ts'

for (const { told, is } of [
  { told: null, is: 'not-known' },
  { told: ' ', is: 'not-known' },
  { told: '2024-03-01', is: '2024-03-01' },
  { told: '01/03/2024', is: '2024-03-01' },
  { told: '1/3/2024', is: '2024-03-01' },
  { told: '2024-03-01 10:00:00', is: '2024-03-01T10:00:00+07:00' },
  { told: '2024-03-01 10:00', is: '2024-03-01T10:00:00+07:00' },
  { told: '2024-03-01 10:00:00.123456+00', is: '2024-03-01T10:00:00+00:00' },
  { told: '2024-03-01T10:00:00Z', is: '2024-03-01T10:00:00Z' },
  { told: '2024-03-01T10:00:00+0530', is: '2024-03-01T10:00:00+05:30' },
  { told: '2024-02-31', is: undefined },
  { told: '2024-02-31 10:00:00', is: undefined },
  { told: '31/02/2024', is: undefined },
  { told: 'hôm qua', is: undefined },
  { told: '1709251200', is: undefined },
])
  test(`a time of before: ${JSON.stringify(told)}`, () => assert.equal(timeOf(told, '+07:00'), is))

async function read(text: string | Buffer) {
  const path = join(mkdtempSync(join(tmpdir(), 'khien-csv-')), 'a.csv')
  writeFileSync(path, text)
  const lines: { line: number; row: object }[] = []
  for await (const line of readCsv(path)) lines.push(line)
  return lines.map(({ line, row }) => [line, ...(Object.values(row) as (string | null)[])])
}
const LONG = 'x'.repeat(70_000)
for (const { file, is, wrong } of [
  {
    file: 'a,b\n1,2\n3,\n',
    is: [
      [2, '1', '2'],
      [3, '3', null],
    ],
  },
  {
    file: '\ufeffa,b\r\n1,2\r\n\r\n3,4',
    is: [
      [2, '1', '2'],
      [4, '3', '4'],
    ],
  },
  {
    file: 'a,b\n"một, hai","nói ""vâng"""\n"hai\ndòng",x\n5,6\n',
    is: [
      [2, 'một, hai', 'nói "vâng"'],
      [3, 'hai\ndòng', 'x'],
      [5, '5', '6'],
    ],
  },
  { file: 'a,b\n', is: [] },
  { file: '', is: [] },
  { file: 'a,b\n1\n', wrong: /Line 2 .* has 1 fields, the heading has 2/ },
  { file: 'a,b\n1,"2\n', wrong: /Line 2 .* never closed/ },
  { file: 'a,b\n1,"2"3\n', wrong: /Line 2 .* after a closing quote/ },
  { file: `a,b\n1,${LONG}\n`, wrong: /Line 2 .* longer than/ },
])
  // prettier-ignore
  test(`a CSV file ${JSON.stringify(file.slice(0, 60))}`, async () => {
    if (wrong) await assert.rejects(read(file), { code: 'adopt/csv', message: wrong })
    else assert.deepEqual(await read(file), is)
  })

const GOOD = { from: 'old', person: 'uid=users.id', purpose: 'news', statedBy: 'DPO-17' }
test('a mapping says what it does not know', () =>
  assert.partialDeepStrictEqual(readConsentMap(GOOD), { version: '1', given: 'not-known', kept: 'not-known' }))
for (const { change, field } of [
  { change: { person: 'uid' }, field: 'consents.person' },
  { change: { purpose: undefined }, field: 'consents.purpose' },
  { change: { kind: 'membership' }, field: 'consents.purpose' },
  { change: { purpose: undefined, kind: 'membership' }, field: 'consents.ref' },
  { change: { statedBy: 'Nguyễn Văn A' }, field: 'consents.statedBy' },
  { change: { zone: 'Hanoi' }, field: 'consents.zone' },
  { change: { more: 1 }, field: 'consents.' },
])
  test(`a mapping with ${JSON.stringify(change)} is told by its field`, () =>
    assert.throws(() => readConsentMap({ ...GOOD, ...change }), { code: 'adopt/plan', field }))
