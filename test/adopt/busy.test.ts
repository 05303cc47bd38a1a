import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { abandon, copy, switchColumns, backColumn } from '../../src/adopt/index.ts'
import { sql, type Query } from '../../src/source/index.ts'
import { SOURCES } from '../../src/source/testing.ts'
import { openAsApp } from './app.ts'
import { readyToMove } from './moving.ts'

/** Statements of an app, each prepared again and again on connections of its own. */
const statements = (): readonly ((n: number) => Query)[] => [
  (n) => sql`delete from orders where id = ${1 + (n % 300)}`,
  (n) => sql`delete from users where id = ${150 + (n % 50)}`,
  (n) => sql`update orders set note = ${`lần ${n}`} where id = ${1 + (n % 300)}`,
  (n) => sql`update orders set user_id = ${1 + (n % 100)} where id = ${1 + (n % 300)}`,
  (n) => sql`update users set city = ${`phố ${n}`} where id = ${1 + (n % 140)}`,
  (n) => sql`insert into users (full_name, phone) values ('Lê Nam', ${`+8497${String(n).padStart(7, '0')}`})`,
  (n) =>
    sql`insert into orders (user_id, code, ship_address, total) values (${1 + (n % 100)}, ${`B-${n}`}, '1 Lê Lợi', 1)`,
]

for (const server of SOURCES)
  test(
    `${server.name}: triggers, columns and indexes come and go under an app that never stops`,
    { skip: server.skip },
    async () => {
      await using moving = await readyToMove(await server.open(), 200)
      await using app = await openAsApp(moving.url)
      const failed = new Map<string, number>()
      let live = true
      let done = 0
      const loops = statements().map(async (statement) => {
        for (let n = 0; live; n++) {
          try {
            await app.write((s) => s.run(statement(n)))
            done++
          } catch (error) {
            const { code, message } = error as { code?: string; message: string }
            const why = `${code} ${message.replaceAll(/\d+/g, '#')}`
            failed.set(why, (failed.get(why) ?? 0) + 1)
          }
          await sleep(5)
        }
      })
      await using _ = { [Symbol.asyncDispose]: async () => void (live = false) }
      await sleep(200)
      const move = await moving.open(moving.plan)
      await copy(move)
      await sleep(500)
      await switchColumns(move, 'users.phone,users.cccd')
      await sleep(300)
      for (let tries = 0; (await backColumn(move, 'users.phone')).tokens > 0 && tries < 5; tries++) await sleep(50)
      await backColumn(move, 'users.cccd')
      await abandon(move)
      await sleep(300)
      live = false
      await Promise.all(loops)
      assert.deepEqual([...failed], [])
      assert.ok(done > 500, `${done} statements`)
    },
  )
