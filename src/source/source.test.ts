import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  columnOf, countRows, faultOf, keyText, list, lockRows, name, openSource, page, quote, rowsAt, setColumn, sql, told, words,
} from './index.ts' // prettier-ignore
import { SOURCES } from './testing.ts'

const TABLES = [
  'create table people (id bigint primary key, phone varchar(20) not null unique, note char(12), born date, weight decimal(5,2))',
  'create table visits (person bigint not null references people(id) on delete cascade, place varchar(30) not null, n int, primary key (person, place), foreign key (person) references people(id) on delete cascade)',
  'create table loose (a int)',
  'create view seen as select id, phone from people',
]

for (const server of SOURCES)
  test(`${server.name}: tables, pages, locks and changes`, { skip: server.skip }, async () => {
    await using source = await openSource(await server.open())
    await source.alone(async (s) => {
      for (const table of TABLES) await s.run(words(table))
      await s.run(
        sql`insert into people (id, phone, note) values ${list(['9007199254740993', '9007199254740994', '5'].map((id) => sql`(${id}, ${`09${id.slice(-2)}`}, ${'it\'s \\ `q` "'})`))}`,
      )
      for (const place of ['b', 'a']) await s.run(sql`insert into visits values (5, ${place}, 1)`)
    })
    const tables = await source.tables()
    assert.deepEqual(
      tables.map((t) => t.label),
      ['loose', 'people', 'visits'],
    )
    const [loose, people, visits] = tables as [(typeof tables)[0], (typeof tables)[0], (typeof tables)[0]]
    assert.equal(loose.key, undefined)
    assert.deepEqual(people.key, ['id'])
    assert.deepEqual(visits.key, ['person', 'place'])
    assert.equal(columnOf(people, 'phone')?.longest, 20)
    assert.equal(columnOf(people, 'note')?.padded, true)
    assert.deepEqual(
      people.columns.map((c) => c.shape),
      ['number', 'text', 'text', 'time', 'number'],
    )
    assert.ok(people.indexes.some((i) => i.unique && i.columns.join() === 'phone'))
    assert.deepEqual(visits.foreignKeys[0], { ...visits.foreignKeys[0]!, table: 'people', to: ['id'], cascades: true })
    assert.ok(people.views.some((v) => v.name.endsWith('seen') && v.column === 'phone'))

    const { kind } = source
    const pages = await source.read(async (s) => {
      const first = await page(s, people, kind, { columns: ['phone'], limit: 2 })
      return [...first, ...(await page(s, people, kind, { columns: ['phone'], limit: 2, after: first[1]!.key }))]
    })
    assert.deepEqual(
      pages.map((p) => p.key[0]),
      ['5', '9007199254740993', '9007199254740994'],
    )
    const twos = await source.read((s) => page(s, visits, kind, { columns: ['n'], limit: 9, after: ['5', 'a'] }))
    assert.deepEqual(twos, [{ key: ['5', 'b'], row: { person: '5', place: 'b', n: '1' } }])

    await source.write(async (a) => {
      assert.equal((await lockRows(a, people, kind, [['5']], ['phone'])).length, 1)
      await source.write(async (b) => {
        const free = await lockRows(b, people, kind, [['5'], ['9007199254740993']], ['note'])
        assert.deepEqual(
          free.map((r) => r.key[0]),
          ['9007199254740993'],
          'a row another holds is left out',
        )
        assert.equal(free[0]!.row['note']!.trimEnd(), `it's \\ \`q\` "`)
        assert.equal(await setColumn(b, people, kind, 'phone', [{ key: ['9007199254740993'], value: 'kh_x' }]), 1)
      })
    })
    const [seen] = await source.read((s) => rowsAt(s, people, kind, [['9007199254740993']], ['phone']))
    assert.equal(seen!.row['phone'], 'kh_x')
    assert.equal(await source.read((s) => countRows(s, people, sql`${name('phone')} like ${'kh\\_%'}`)), 1)
    const [clash] = await Promise.allSettled([
      source.write((s) => setColumn(s, people, kind, 'phone', [{ key: ['5'], value: 'kh_x' }])),
    ])
    assert.equal(clash.status === 'rejected' && faultOf(clash.reason), 'taken')
    const said = told(clash.status === 'rejected' ? clash.reason : undefined, 'test', source.place)
    assert.equal(said.code, 'source/taken')
    assert.doesNotMatch(said.message, /kh_x/)
    await using held = await source.claim('khien copy')
    assert.ok(held)
    assert.equal(await source.claim('khien copy'), undefined)
    await assert.rejects(source.read((s) => s.run(sql`delete from visits`)))
    assert.equal(keyText(['5', 'b']), '["5","b"]')
  })

test('addresses: what is wrong is said, passwords are not', async () => {
  for (const { url, code } of [
    { url: 'shop', code: 'source/address' },
    { url: 'mssql://u:geheim@h/db', code: 'source/address' },
    { url: 'postgres://u:geheim@h', code: 'source/address' },
    { url: 'postgres://u:geheim@127.0.0.1:1/db', code: 'source/unreachable' },
    { url: 'mariadb://u:geheim@127.0.0.1:1/db', code: 'source/unreachable' },
  ])
    await assert.rejects(openSource(url), (error: { code?: string; message: string }) => {
      assert.equal(error.code, code)
      assert.doesNotMatch(error.message, /geheim/)
      return true
    })
  assert.equal(quote('a"b', 'postgres'), '"a""b"')
  assert.equal(quote('a`b', 'mysql'), '`a``b`')
})

for (const server of SOURCES)
  test(`${server.name}: a claim that was given back can be had at once`, { skip: server.skip }, async () => {
    await using source = await openSource(await server.open())
    for (let i = 0; i < 50; i++) {
      await using held = await source.claim('khien switch')
      assert.ok(held, `the ${i + 1}. time it was still held`)
    }
  })
