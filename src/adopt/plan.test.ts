import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Column, Table } from '../source/index.ts'
import { masked, plainName, TARGETS } from './fields.ts'
import { checkPlan, readPlan } from './plan.ts'

const column = (name: string, more: Partial<Column> = {}): Column => ({
  name, type: 'character varying(60)', shape: 'text', longest: 60, padded: false, nullable: true, generated: false, touched: false, ...more,
}) // prettier-ignore
const table = (label: string, columns: Column[], key: string[] | null = ['id']): Table => ({
  schema: 'public', name: label, label, rows: 1, bytes: 1, columns, key: key ?? undefined, indexes: [], foreignKeys: [], views: [], triggers: [], checks: [],
}) // prettier-ignore
const id = column('id', { type: 'bigint', shape: 'number', nullable: false })
const TABLES = [
  table('users', [id, column('phone', { type: 'character varying(20)', longest: 20 }), column('name'), column('age', { type: 'integer', shape: 'number' }), column('both', { generated: true })]),
  table('orders', [id, column('user_id', { shape: 'number' }), column('code'), column('address')]),
  table('loose', [column('phone')], null),
] // prettier-ignore
const GOOD = {
  khien: 'adopt/1',
  source: 'PostgreSQL at h:5432/shop',
  made: '2026-11-22T00:00:00Z',
  purpose: 'moving-in',
  reason: 'MOVE-1',
  tables: [
    { table: 'users', person: 'row', columns: [{ column: 'name', to: 'person.name', record: '-' }] },
    { table: 'orders', person: [{ column: 'user_id', table: 'users', to: 'id' }], columns: [{ column: 'address', to: 'order.address', record: '{code}' }] },
  ],
} as const // prettier-ignore

/** The good plan with one place changed. */
function withChange(path: string, value: unknown): string {
  const plan = structuredClone(GOOD) as unknown as Record<string, unknown>
  const steps = path.split('.')
  let at: Record<string, unknown> = plan
  for (const step of steps.slice(0, -1)) at = at[step] as Record<string, unknown>
  at[steps.at(-1)!] = value
  return JSON.stringify(plan)
}

test('a good plan is read and fits', () => checkPlan(readPlan(JSON.stringify(GOOD)), TABLES))

for (const { path, value, field = path, says = /./ } of [
  { path: 'khien', value: 'adopt/2' },
  { path: 'purpose', value: 'Moving in' },
  { path: 'reason', value: 'two words' },
  { path: 'tables', value: [] },
  { path: 'more', value: 1, field: 'plan' },
  { path: 'tables.0.table', value: 'nobody', says: /no table nobody/ },
  { path: 'tables.0.table', value: 'loose', says: /no primary key/ },
  { path: 'tables.1.table', value: 'users', says: /twice/ },
  { path: 'tables.1.person', value: 'somebody' },
  { path: 'tables.1.person', value: 'row', field: null },
  { path: 'tables.1.person.0.column', value: 'buyer', says: /orders has no column buyer/ },
  { path: 'tables.1.person.0.table', value: 'orders', field: 'tables.1.person', says: /not a table of persons/ },
  { path: 'tables.1.person.0.to', value: 'uid', says: /users has no column uid/ },
  { path: 'tables.0.columns.0.column', value: 'surname', says: /no column surname/ },
  { path: 'tables.0.columns.0.column', value: 'id', says: /part of the key/ },
  { path: 'tables.0.columns.0.column', value: 'age', says: /integer cannot hold a token/ },
  { path: 'tables.0.columns.0.column', value: 'both', says: /computes it/ },
  {
    path: 'tables.0.columns.0.column',
    value: 'phone',
    field: 'tables.0.columns.0.widen',
    says: /too short for a token/,
  },
  { path: 'tables.0.columns.0.to', value: 'phone' },
  { path: 'tables.0.columns.0.widen', value: 'varchar(32); drop table users' },
  { path: 'tables.1.columns.0.record', value: '-', says: /several of these rows/ },
  { path: 'tables.1.columns.0.record', value: '{nr}', says: /no column nr/ },
  { path: 'tables.1.columns.0.record', value: '{address}', says: /cannot name a record/ },
  {
    path: 'tables.0.columns',
    value: [
      { column: 'name', to: 'person.name', record: '-' },
      { column: 'phone', to: 'person.name', record: '-', widen: 'text' },
    ],
    field: 'tables.0.columns.1.record',
    says: /already where users\.name goes/,
  },
])
  // prettier-ignore
  test(`plan: ${path} = ${JSON.stringify(value).slice(0, 50)} ${field === null ? 'is fine' : 'is told by its name'}`, () => {
    const read = (): void => checkPlan(readPlan(withChange(path, value)), TABLES)
    if (field === null) return read()
    assert.throws(read, (error: { code?: string; field?: string; message: string }) => {
      assert.equal(error.code, 'adopt/plan')
      assert.ok(error.field === field || error.field?.startsWith(`${field}.`), `${error.field} instead of ${field}`)
      assert.match(error.message, says)
      return true
    })
  })

test('a plan that is not JSON', () => assert.throws(() => readPlan('{'), { code: 'adopt/plan' }))

for (const [name, to] of [
  ['SoDienThoai', 'person.phone'],
  ['số_điện_thoại', 'person.phone'],
  ['customerPhone', 'person.phone'],
  ['email_address', 'person.email'],
  ['CCCD', 'person.personal_id'],
  ['HoTen', 'person.name'],
  ['shipping_address', 'order.address'],
  ['dia-chi', 'order.address'],
  ['password_hash', 'account.password'],
  ['price', undefined],
  ['productname', undefined],
  ['status', undefined],
] as const)
  test(`a column called ${name} ${to ? `goes to ${to}` : 'says nothing'}`, () =>
    assert.equal(TARGETS.find(({ words }) => words.test(plainName(name)))?.to, to))

test('samples keep their shape and nothing else', () => {
  assert.equal(masked('0912 345-678'), '#### ###-###')
  assert.equal(masked('Nguyễn Thị Hoa'), 'xxxxxx xxx xxx')
  assert.equal(masked('hoa@x.vn'), 'xxx@x.xx')
})
