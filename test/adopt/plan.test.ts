import assert from 'node:assert/strict'
import { test } from 'node:test'
import { propose, readPlan } from '../../src/adopt/index.ts'
import { openSource, words, type Source } from '../../src/source/index.ts'
import { SOURCES } from '../../src/source/testing.ts'

const run = (source: Source, ...statements: string[]): Promise<void> =>
  source.alone(async (s) => {
    for (const statement of statements) await s.run(words(statement))
  })
const USERS = 'create table users (id int primary key, full_name varchar(100), phone varchar(15))'
const many = (source: Source, n: number): string =>
  source.kind === 'postgres'
    ? `insert into users select n, 'Nguyễn Thị Hoa', '0912345678' from generate_series(1, ${n}) n`
    : `insert into users select seq, 'Nguyễn Thị Hoa', '0912345678' from seq_1_to_${n}`

for (const server of SOURCES) {
  test(`${server.name}: rows of a table nobody has analysed are counted`, { skip: server.skip }, async () => {
    await using source = await openSource(await server.open())
    await run(source, USERS, many(source, 7))
    const { tables, estimate } = await propose(source, { now: Date.now() })
    assert.deepEqual([tables[0]!.rows, tables[0]!.notes], [7, undefined])
    assert.partialDeepStrictEqual(estimate, { rows: 7, minutes: 1 })
  })
}

for (const server of SOURCES)
  test(
    `${server.name}: personal data inside json or remarks is told of, though no column of the plan moves it`,
    { skip: server.skip },
    async () => {
      await using source = await openSource(await server.open())
      const numbers = Array.from({ length: 40 }, (_, i) => i)
      await run(
      source,
      'create table users (id int primary key, phone varchar(32), prefs json, colours json, remark text)',
      `insert into users values ${numbers.map((i) => `(${i}, '09123456${i + 10}', '{"size":"L","phone":"09333333${i + 10}"}', '{"sofa":"red"}', '${i % 5 === 0 ? `khách hẹn gọi lại số 09777777${i + 10} sau giờ làm việc, đừng gọi buổi trưa` : 'khách quen, hay mua vào cuối tuần, thích màu xanh'}')`).join(', ')}`,
    ) // prettier-ignore
      const { left } = await propose(source, { now: Date.now() })
      const inside = left!.map(({ table, column, why }) => `${table}.${column}: ${why}`)
      const words = 'phone inside longer values, which a plan of columns does not move'
      assert.deepEqual(inside.toSorted(), [`users.prefs: ${words}`, `users.remark: ${words}`])
    },
  )

const [postgres] = SOURCES
test('many rows of such a table are told as a least number', { skip: postgres!.skip }, async () => {
  await using source = await openSource(await postgres!.open())
  await run(source, USERS, 'alter table users set (autovacuum_enabled = false)', many(source, 100_050))
  const plan = await propose(source, { now: Date.now() })
  assert.equal(plan.tables[0]!.rows, 100_000)
  assert.match(plan.tables[0]!.notes![0]!, /^not analysed: at least 100000 rows/)
  await run(source, 'analyze users')
  const again = await propose(source, { now: Date.now() })
  assert.deepEqual([again.tables[0]!.rows, again.tables[0]!.notes], [100_050, undefined])
})

test(
  'views that stand in the way of widening are in the plan, with the way round',
  { skip: postgres!.skip },
  async () => {
    await using source = await openSource(await postgres!.open())
    await run(
      source,
      USERS,
      many(source, 3),
      'create schema "Báo cáo"',
      'create view phones as select id, phone from users',
      'create view "Báo cáo"."Gọi ""lại""" as select phone from phones where id > 0',
      'create materialized view counted as select phone, count(*) as n from users group by phone',
      'create view names as select full_name from users',
    )
    const plan = readPlan(JSON.stringify(await propose(source, { now: Date.now() })))
    const views = plan.views!
    assert.deepEqual(
      views.map(({ view, over }) => [view, over]),
      [
        ['"Báo cáo"."Gọi ""lại"""', ['users.phone']],
        ['public.counted', ['users.phone']],
        ['public.phones', ['users.phone']],
      ],
      'not the one over a column that is wide enough',
    )
    const phone = plan.tables[0]!.columns.find(({ column }) => column === 'phone')!
    assert.ok(phone.notes!.some((note) => /view public\.phones shows it.*must be dropped before the switch/.test(note)))
    const widen = `alter table users alter column phone type ${phone.widen}`
    await assert.rejects(run(source, widen), 'PostgreSQL says no')
    await run(source, ...views.map(({ drop }) => drop), widen, ...views.toReversed().map(({ create }) => create))
    const [row] = await source.read((s) => s.rows(words('select count(*) as n from "Báo cáo"."Gọi ""lại"""')))
    assert.equal(row!['n'], '3')
  },
)
