import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { copy, follow, leftKeys, switchColumns, type Move } from '../../src/adopt/index.ts'
import { walk } from '../../src/adopt/lanes.ts'
import { patiently, tokens } from '../../src/adopt/move.ts'
import { gauge, type Progress } from '../../src/adopt/progress.ts'
import { tokenOf } from '../../src/adopt/tokens.ts'
import { isToken, placeToken } from '../../src/client/columns.ts'
import { page, setColumn, sql, words, type Query, type Row, type Session } from '../../src/source/index.ts'
import { SOURCES } from '../../src/source/testing.ts'
import { readyToMove, type Moving } from './moving.ts'

const PEOPLE = 700
const PAGE = 50

test('a place has the token here that the app’s helper gives it', async () => {
  for (const record of ['-', 'orders.12', 'x-ghij'])
    for (const field of ['name', 'address']) {
      const place = { subject: 'A1B2-C3D4', collection: 'person', record, field }
      assert.equal(tokenOf(place), await placeToken(place))
      assert.ok(isToken(tokenOf(place)))
    }
})

test('progress: rows, of how many, how fast, how long still', async () => {
  const said: Progress[] = []
  const told = gauge(1_000, (progress) => said.push(progress))
  told('users', 0)
  assert.deepEqual(said[0], { table: 'users', rows: 0, of: 1_000, perSecond: 0, seconds: undefined })
  await sleep(500)
  told('users', 250)
  const { perSecond, seconds } = said[1]!
  assert.ok(perSecond > 100 && perSecond < 550, `${perSecond} rows/s`)
  assert.ok(Math.abs(seconds! - 750 / perSecond) < 0.001)
  told('users', 1_100)
  assert.deepEqual([said[2]!.of, said[2]!.seconds], [1_100, 0], 'rows that came meanwhile')
})

for (const server of SOURCES)
  describe(`${server.name}: pages at once`, { skip: server.skip }, () => {
    let moving: Moving
    let move: Move
    const run = (query: Query): Promise<number> => moving.source.alone((s) => s.run(query))
    const rows = (query: Query): Promise<Row[]> => moving.source.read((s) => s.rows(query))
    const users = (): Move['tables'][0] => move.tables.find(({ table }) => table.label === 'users')!

    before(async () => {
      moving = await readyToMove(await server.open(), PEOPLE)
      move = await moving.open(moving.plan)
    })
    after(() => moving?.[Symbol.asyncDispose]())

    test('several are under way, and what is behind us is told in the order of the key', async () => {
      const [passed, seen] = [[] as number[], [] as number[]]
      let [now, most] = [0, 0]
      await walk(move, users(), {
        columns: [],
        after: ['20'],
        limit: PAGE,
        async visit(_, page) {
          most = Math.max(most, ++now)
          await sleep(page[0]!.key[0] === '21' ? 60 : 5)
          now--
          seen.push(Number(page[0]!.key[0]))
        },
        passed: (page) => void passed.push(...page.map(({ key }) => Number(key[0]))),
      })
      assert.ok(most > 1, `${most} at once`)
      assert.notEqual(seen[0], 21, 'the first page took longest')
      assert.deepEqual(
        passed,
        Array.from({ length: PEOPLE - 20 }, (_, i) => i + 21),
      )
    })

    test('a failure ends the others, also one that waits, and is thrown when all have come to rest', async () => {
      const passed: string[] = []
      let [begun, under] = [0, 0]
      const failing = walk(move, users(), {
        columns: [],
        limit: PAGE,
        async visit(move, page) {
          begun++
          under++
          try {
            if (page[0]!.key[0] === '1') await patiently(move, 'waiting', () => Promise.reject(Object.assign(new Error('busy'), { code: '55P03' }))) // prettier-ignore
            await sleep(30)
            if (page[0]!.key[0] === String(PAGE + 1)) throw new RangeError('broken')
          } finally {
            under--
          }
        },
        passed: (page) => void passed.push(page[0]!.key[0]!),
      })
      await assert.rejects(failing, RangeError)
      assert.equal(under, 0)
      assert.ok(begun < PEOPLE / PAGE, `${begun} pages begun`)
      assert.deepEqual(passed, [], 'the first page was never done, so nothing is behind us')
    })

    test('stopped: the pages under way are done, no other is begun', async () => {
      const stop = new AbortController()
      let [begun, done] = [0, 0]
      const stopped = walk({ ...move, signal: stop.signal }, users(), {
        columns: [],
        limit: PAGE,
        async visit() {
          if (++begun === 2) stop.abort()
          await sleep(10)
          done++
        },
      })
      await assert.rejects(stopped, { code: 'adopt/stopped' })
      assert.equal(done, begun)
      assert.ok(begun < 6, `${begun} pages begun`)
    })

    test('one change of a row for several columns; a cell of which nothing is said stays', async () => {
      await run(
        words('create table visits (who int, place varchar(20), a varchar(30), b text, primary key (who, place))'),
      )
      await run(sql`insert into visits values (1, 'a', 'a1', 'b1'), (1, 'b', 'a2', null), (2, 'a', 'a3', 'b3')`)
      const table = (await moving.source.tables()).find((each) => each.name === 'visits')!
      const changed = await moving.source.write((s) =>
        setColumn(
          s,
          table,
          moving.source.kind,
          ['a', 'b'],
          [
            { key: ['1', 'a'], value: [undefined, 'Đỗ'] },
            { key: ['1', 'b'], value: ['x2', 'y2'] },
          ],
        ),
      )
      assert.equal(changed, 2)
      assert.deepEqual(
        (await rows(sql`select a, b from visits order by who, place`)).map(({ a, b }) => [a, b]),
        [
          ['a1', 'Đỗ'],
          ['x2', 'y2'],
          ['a3', 'b3'],
        ],
      )
      await run(words('drop table visits'))
    })

    test('columns together: where two rows clash in one, only that cell stays, when switching and when following', async () => {
      await run(sql`update users set phone = '0912 345 678' where id = 2`)
      await run(sql`update users set phone = '+84912345678' where id = 3`)
      await copy(move)
      const told: Progress[] = []
      const all = 'users.phone,users.full_name,users.email,users.cccd'
      const { replaced, plaintext } = await switchColumns(move, all, (cells, progress) => {
        assert.ok(cells <= PEOPLE * 4)
        told.push(progress)
      })
      assert.equal(plaintext, 1)
      assert.ok(replaced > PEOPLE * 3)
      assert.ok(told.length >= PEOPLE / 200 && told.every(({ of }) => of >= PEOPLE), JSON.stringify(told.at(-1)))
      const left = { table: 'users', column: 'phone', key: '["3"]', code: 'adopt/not-unique' }
      assert.deepEqual(await leftKeys(moving.source, 9), [left])
      const [third] = await rows(sql`select * from users where id = 3`)
      assert.equal(third!['phone'], '+84912345678')
      assert.ok(isToken(third!['full_name']) && isToken(third!['email']))

      const [fourth] = await rows(sql`select * from users where id = 4`)
      await run(sql`update users set full_name = 'Trần Thị Lan', phone = '0912-345-678' where id = 4`)
      await run(sql`update users set full_name = 'Lê Văn Nam' where id = 5`)
      await follow(move, { once: true })
      const now = await rows(sql`select * from users where id in (4, 5) order by id`)
      assert.deepEqual([now[0]!['phone'], now[0]!['full_name']], ['0912-345-678', fourth!['full_name']])
      assert.ok(isToken(now[1]!['full_name']))
      assert.deepEqual(await leftKeys(moving.source, 9), [left, { ...left, key: '["4"]' }])
    })

    test('a page goes along the key, whatever the statistics say of a column that was switched just now', async () => {
      const { table } = users()
      const { kind } = moving.source
      let plan = ''
      await moving.source.read(async (s) => {
        const explained: Session = {
          run: s.run,
          async rows(query) {
            plan = JSON.stringify(await s.rows({ pieces: ['explain ', ...query.pieces] }))
            return []
          },
        }
        const where = tokens(moving.source, 'email')
        await page(explained, table, kind, { columns: [], after: ['100'], where, limit: PAGE, alongKey: true })
      })
      if (kind === 'postgres') assert.match(plan, /Index .*users_pkey/)
      else assert.match(plan, /"key":"PRIMARY"/)
      assert.doesNotMatch(plan, /Seq Scan|Sort|filesort/)
    })
  })
