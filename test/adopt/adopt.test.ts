import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backColumn, compare, copy, follow, purge, status, switchColumns } from '../../src/adopt/index.ts'
import { isToken } from '../../src/client/columns.ts'
import { countRows, sql } from '../../src/source/index.ts'
import { SOURCES } from '../../src/source/testing.ts'
import { readyToMove, type Moving } from './moving.ts'
import { openShop } from './shop.ts'

const PEOPLE = 300
const COLUMNS = [
  'users.full_name', 'users.phone', 'users.email', 'users.cccd',
  'orders.ship_address', 'orders.note', 'payments.bank_account', 'payments.account_holder',
] // prettier-ignore
/** Anything a person would not want to be read in a stolen copy of these tables. */
const PERSONAL = /0\d{9}|@example\.vn|phường|Nguyễn|Trần |Phạm|khi giao|buổi chiều|NGUYỄN|00[1][01]\d{8}/u

async function everyCell({ source }: Moving): Promise<string> {
  const rows = await source.read(async (s) => [
    ...(await s.rows(sql`select full_name, phone, email, cccd from users`)),
    ...(await s.rows(sql`select ship_address, note from orders`)),
    ...(await s.rows(sql`select bank_account, account_holder from payments`)),
  ])
  return rows.flatMap((row) => Object.values(row)).join('\n')
}

for (const server of SOURCES)
  test(
    `${server.name}: a shop moves in while it sells, back, in again, and nobody notices`,
    { skip: server.skip, timeout: 60_000 },
    async () => {
      await using moving = await readyToMove(await server.open(), PEOPLE)
      const { source } = moving
      const shop = await openShop({
        url: moving.url,
        people: PEOPLE,
        origin: moving.node.internal,
        key: moving.key,
        writes: 40,
        reads: 15,
      })
      const ended = new AbortController()
      try {
        // The copy is killed in the middle, as a power cut would, and goes on.
        const first = moving.run(['copy', '--rate', '250'])
        while (!/rows\/s/.test(first.said())) {
          await sleep(50)
          assert.equal(first.child.exitCode, null, first.said())
        }
        await sleep(300)
        first.child.kill('SIGKILL')
        await first.ended
        const half = await source.read((s) => countRows(s, tableOf('users'), sql`khien_subject is not null`))
        assert.ok(half > 0, 'nothing was copied before the kill')
        const move = await moving.open(moving.plan, ended.signal)
        await copy(move)
        const following = follow(await moving.open(undefined, ended.signal))
        assert.deepEqual((await compare(move)).differences, [])

        for (const column of ['users.phone', 'users.full_name', 'orders.ship_address'] as const) {
          const { replaced } = await switchColumns(move, column)
          assert.ok(replaced >= 0)
          if (column !== 'orders.ship_address') shop.sealsInto(column.slice(6) as 'phone')
        }
        await sleep(300)
        assert.deepEqual((await compare(move)).differences, [])

        // Back again while the new writer still writes tokens, then with it off.
        await backColumn(move, 'users.phone')
        shop.writesHere('phone')
        await sleep(100)
        const back = await backColumn(move, 'users.phone')
        assert.equal(back.tokens, 0)
        assert.equal(await shop.byPhone('0900000000'), 0)

        for (const column of COLUMNS) await switchColumns(move, column)
        shop.sealsInto('phone')
        await sleep(500)
        assert.deepEqual((await compare(move)).differences, [])
        assert.ok(
          shop.seen.oldWrites > 20 && shop.seen.newWrites > 20 && shop.seen.reads > 20,
          JSON.stringify(shop.seen),
        )

        // The old writer is taken away; then the end.
        await shop.closes()
        assert.deepEqual(
          { failed: shop.seen.failed, wrong: shop.seen.wrong, why: [...shop.seen.why] },
          { failed: 0, wrong: 0, why: [] },
        )
        for (let tries = 0; tries < 50 && (await status(move)).lag.changes > 0; tries++) await sleep(100)
        ended.abort()
        await following
        const last = await moving.open()
        const purged = await purge(last, { rewrite: true })
        assert.ok(purged.copies.some((each) => /WAL|binary log/.test(each.what)))
        assert.deepEqual(await shop.audit(), [])
        const cells = await everyCell(moving)
        assert.doesNotMatch(cells, PERSONAL)
        assert.ok(
          cells
            .split('\n')
            .filter((cell) => cell !== '')
            .every(isToken),
        )
        const after = await source.tables()
        assert.deepEqual(
          after.filter((table) => table.name.startsWith('khien_')).map((table) => `drop table ${table.name}`),
          purged.later,
        )
        assert.deepEqual(
          after.flatMap((table) => table.triggers),
          [],
        )
      } finally {
        ended.abort()
        await shop[Symbol.asyncDispose]().catch(() => {})
      }
      assert.doesNotMatch(moving.node.logged(), PERSONAL)
      function tableOf(name: string) {
        return { schema: source.kind === 'postgres' ? 'public' : new URL(moving.url).pathname.slice(1), name } as never
      }
    },
  )
