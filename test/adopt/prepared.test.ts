import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { change, createTrigger } from '../../src/adopt/prepare.ts'
import { createState } from '../../src/adopt/state.ts'
import type { Trigger } from '../../src/adopt/triggers.ts'
import { openSource, words } from '../../src/source/index.ts'
import { newMariadbDatabase, SOURCES } from '../../src/source/testing.ts'

const EVENTS = { i: 'after insert', u: 'after update', d: 'before delete' } as const
const triggerOf = (table: string, event: keyof typeof EVENTS): Trigger => ({
  name: `khien_adopt_${table}_${event}`,
  drop: words(`drop trigger khien_adopt_${table}_${event}`),
  create: [
    words(`create trigger khien_adopt_${table}_${event} ${EVENTS[event]} on ${table} for each row begin
      insert into khien_adopt_change (tbl, k, op) values ('${table}', ${event === 'd' ? 'OLD' : 'NEW'}.id, 'c'); end`),
  ],
})

// Statements that an app prepared once and runs now and then are those that MariaDB gets wrong (src/adopt/prepare.ts).
test(
  'mariadb: triggers come and go, and no prepared statement of the app fails',
  { skip: SOURCES.find(({ name }) => name === 'mariadb')!.skip },
  async () => {
    const url = await newMariadbDatabase()
    await using source = await openSource(url)
    await createState(source)
    for (const statement of [
      'create table users (id int primary key auto_increment, city varchar(40))',
      `create table orders (id int primary key auto_increment, user_id int, note varchar(40),
        foreign key (user_id) references users (id) on delete cascade)`,
      `insert into users (city) select 'Huế' from seq_1_to_300`,
      `insert into orders (user_id, note) select seq, '' from seq_1_to_300`,
    ])
      await source.alone((s) => s.run(words(statement)))
    const { hostname: host, port, username: user, pathname } = new URL(url)
    const failed = new Map<string, number>()
    let live = true
    let done = 0
    const statements = [
      'update users set city = ? where id = ?',
      'update orders set note = ? where id = ?',
      'delete from users where city = ? and id = ?',
    ]
    const apps = Array.from({ length: 36 }, async (_, i) => {
      const app = await mysql.createConnection({ host, port: Number(port), user, database: pathname.slice(1) })
      for (let n = 0; live; n++) {
        await app.execute(statements[i % 3]!, ['Vinh', 1 + ((n * 7 + i) % 300)]).then(
          () => done++,
          ({ code, message }) => failed.set(`${code} ${message}`, (failed.get(`${code} ${message}`) ?? 0) + 1),
        )
        await sleep(150 * Math.random())
      }
      await app.end()
    })
    const all = await source.tables()
    const tables = ['users', 'orders'].map((name) => all.find(({ label }) => label === name)!)
    for (const end = Date.now() + 6_000; Date.now() < end;) {
      const made = tables.flatMap((table) => (['i', 'u', 'd'] as const).map((e) => ({ table, trigger: triggerOf(table.label, e) }))) // prettier-ignore
      for (const { table, trigger } of made) await createTrigger(source, table, trigger)
      await sleep(30)
      for (const { trigger } of made) await change(source, trigger.drop, 'dropping a trigger')
      await sleep(30)
    }
    live = false
    await Promise.all(apps)
    assert.deepEqual([...failed], [])
    assert.ok(done > 200, `${done} statements`)
  },
)
