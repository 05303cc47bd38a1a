import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  backColumn,
  compare,
  copy,
  follow,
  leftKeys,
  openDoor,
  purge,
  switchColumns,
  type Move,
} from '../../src/adopt/index.ts'
import { isToken, recordOf } from '../../src/client/columns.ts'
import { prepare } from '../../src/adopt/prepare.ts'
import { list, sql, words, type Query, type Row } from '../../src/source/index.ts'
import { SOURCES } from '../../src/source/testing.ts'
import { readyToMove, type Moving } from './moving.ts'

const BIG = '1234567890123'

for (const server of SOURCES)
  describe(`${server.name}: rows that are not ordinary`, { skip: server.skip }, () => {
    let moving: Moving
    let move: Move
    const run = (query: Query): Promise<number> => moving.source.alone((s) => s.run(query))
    const one = async (query: Query): Promise<Row> => (await moving.source.read((s) => s.rows(query)))[0]!
    const once = async (): Promise<number> => follow(move, { once: true })
    const differences = async (): Promise<string[]> =>
      (await compare(move)).differences.map((d) => `${d.table}.${d.column} ${d.key} ${d.what}`)
    const subjectOf = async (id: number): Promise<string> =>
      (await one(sql`select khien_subject as s from users where id = ${id}`))['s']!
    const held = async (subject: string, collection: string, record: string, field: string): Promise<string | null> => {
      const [answer] = await openDoor({ origin: moving.node.internal, key: moving.key }).get('moving-in', 'TEST-1', [
        { subject, collection, record, fields: [field] },
      ])
      return answer!.ok ? (answer!.fields[field] ?? null) : answer!.code
    }

    before(async () => {
      moving = await readyToMove(await server.open(), 20)
      await run(sql`update users set phone = 'chưa có' where id = 1`)
      await run(sql`update users set phone = '0912 345 678' where id = 2`)
      await run(sql`update users set phone = '+84912345678' where id = 3`)
      await run(sql`update users set full_name = ${'Nguyễn Thị Hoà'.normalize('NFD')} where id = 4`)
      await run(sql`update users set full_name = '  ', cccd = '' where id = 5`)
      await run(
        sql`insert into orders (id, user_id, code, ship_address, note, total) values (${BIG}, 6, 'DH-BIG', '5 Hàng Bài, Hà Nội', null, 1)`,
      )
      move = await moving.open(moving.plan)
    })
    after(() => moving?.[Symbol.asyncDispose]())

    test('copying: a locked row is left to follow; what the vault does not take is listed, never a value', async () => {
      await prepare(move)
      let copied = 0
      await moving.source.write(async (s) => {
        await s.rows(sql`select id from users where id = 7 for update`)
        copied = await copy(move)
      })
      assert.equal(copied, 20 + 31 + 20)
      assert.equal((await one(sql`select khien_subject as s from users where id = 7`))['s'], null)
      await once()
      assert.match(await subjectOf(7), /^[0-9A-Z]{4}-/)
      assert.deepEqual(await leftKeys(moving.source, 9), [
        { table: 'users', column: 'phone', key: '["1"]', code: 'vault/not-a-phone' },
      ])
      assert.deepEqual(await differences(), [])
      assert.equal(recordOf(`orders.${BIG}`)?.includes('123'), false)
      assert.equal(await held(await subjectOf(6), 'order', recordOf(`orders.${BIG}`)!, 'address'), '5 Hàng Bài, Hà Nội')
      await assert.rejects(
        copy(move).then(() => purge(move)),
        { code: 'adopt/not-switched' },
      )
    })

    test('a difference is found, on either side, and told by key', async () => {
      await openDoor({ origin: moving.node.internal, key: moving.key }).put([
        { subject: await subjectOf(8), collection: 'person', record: '-', fields: { name: 'Ai Khác' } },
      ])
      assert.deepEqual(await differences(), ['users.full_name ["8"] differs'])
      const program = moving.run(['compare'])
      assert.equal(await program.ended, 1)
      assert.match(program.said(), /users\.full_name \["8"\] differs/)
      assert.doesNotMatch(program.said(), /Ai Khác|Nguyễn|Trần|Phạm/)
      await run(sql`update users set full_name = concat(full_name, ' ') where id = 8`)
      await once()
      assert.deepEqual(await differences(), [])
    })

    test('switching: equal numbers in two spellings meet at the unique index, and one stays', async () => {
      const stamp = await one(sql`select updated_at as at from users where id = 9`)
      const { replaced, plaintext } = await switchColumns(move, 'users.phone')
      assert.deepEqual([replaced, plaintext], [18, 2])
      assert.deepEqual(await one(sql`select updated_at as at from users where id = 9`), stamp)
      assert.deepEqual(
        (await leftKeys(moving.source, 9)).map((each) => each.code),
        ['vault/not-a-phone', 'adopt/not-unique'],
      )
      await run(sql`update users set phone = '0977000001' where id = 1`)
      await run(sql`update users set phone = '0977000003' where id = 3`)
      await once()
      assert.deepEqual(await leftKeys(moving.source, 9), [])
      assert.ok(
        isToken((await one(sql`select phone from users where id = 3`))['phone']),
        'what is followed is replaced at once',
      )
      for (const column of [
        'users.full_name',
        'users.cccd',
        'orders.ship_address',
        'orders.note',
        'payments.bank_account',
      ])
        await switchColumns(move, column)
      assert.deepEqual(await differences(), [])
    })

    test('rows that go are erased, and what hangs on them too', async () => {
      const subject = await subjectOf(10)
      assert.ok(await held(subject, 'order', 'orders.19', 'address'))
      await run(sql`delete from orders where id = 20`)
      await once()
      assert.equal(await held(subject, 'order', 'orders.20', 'address'), null)
      await run(sql`delete from users where id = 10`)
      await once()
      for (const [collection, record, field] of [
        ['person', '-', 'phone'],
        ['order', 'orders.19', 'address'],
        ['bank', 'payments.10', 'number'],
      ] as const)
        assert.equal(await held(subject, collection, record, field), null, `${collection}.${field}`)
      await run(sql`update orders set note = null where id = 1`)
      await once()
      assert.equal(await held(await subjectOf(1), 'order', 'orders.1', 'note'), null)
      assert.deepEqual(await differences(), [])
    })

    test('rows that move take their values with them', async () => {
      const [old, fresh] = [await subjectOf(11), await subjectOf(12)]
      const address = await held(old, 'order', 'orders.21', 'address')
      await run(sql`update orders set user_id = 12 where id = 21`)
      await run(sql`update orders set id = 900 where id = 24`)
      await once()
      assert.equal(await held(fresh, 'order', 'orders.21', 'address'), address)
      assert.equal(await held(old, 'order', 'orders.21', 'address'), null)
      assert.deepEqual(await differences(), [])
      // As REPLACE does it: away and there again, with the cells as they were read.
      const row = await one(sql`select * from orders where id = 21`)
      await moving.source.write(async (s) => {
        await s.run(sql`delete from payments where order_id = 21`)
        await s.run(sql`delete from orders where id = 21`)
        const columns = ['id', 'user_id', 'code', 'ship_address', 'note', 'total']
        await s.run(
          sql`insert into orders (${words(columns.join(', '))}) values (${list(columns.map((c) => sql`${row[c]!}`))})`,
        )
      })
      await once()
      assert.equal(await held(fresh, 'order', 'orders.21', 'address'), address)
      assert.deepEqual(await differences(), [])
    })

    test('back and in again, and the end refuses while a cell of the plan is plaintext', async () => {
      const back = await backColumn(move, 'users.full_name')
      assert.deepEqual([back.tokens, back.left], [0, []])
      assert.equal(
        (await one(sql`select full_name as n from users where id = 4`))['n'],
        'Nguyễn Thị Hoà'.normalize('NFC'),
      )
      for (const column of ['users.full_name', 'users.email', 'payments.account_holder'])
        await switchColumns(move, column)
      await run(sql`update users set phone = 'không có' where id = 13`)
      await assert.rejects(purge(move), {
        code: 'adopt/plaintext',
        message: /users\.phone holds 1 cells .*\["13"\] vault\/not-a-phone/,
      })
      await run(sql`update users set phone = '0977000013' where id = 13`)
      assert.equal((await purge(move)).rewritten, false)
      await assert.rejects(moving.open(), { code: 'adopt/not-begun' })
    })
  })
