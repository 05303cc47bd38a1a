import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { copy, openDoor, readConsentMap, takeConsents } from '../../src/adopt/index.ts'
import { createKhien } from '../../src/client/index.ts'
import { list, sql, words, type Source } from '../../src/source/index.ts'
import { SOURCES } from '../../src/source/testing.ts'
import { readyToMove, type Moving } from './moving.ts'

const both = (text: string) => ({ vi: text, en: text })
const PURPOSES = [
  { id: 'news', title: both('Gửi tin ưu đãi'), what: both('Gửi tin'), ground: 'consent', fields: ['person.email'], recipients: [], ifWithdrawn: both('Thôi') },
  { id: 'delivery', title: both('Giao hàng'), what: both('Giao'), ground: 'agreement', agreement: 'membership', fields: ['person.phone'], recipients: [] },
] // prettier-ignore

const khienOf = ({ node, key }: Moving) => createKhien({ origin: node.internal, key, publicOrigin: node.public })

/** The old shop's own table: who ticked what, when, on which text; some of it long lost. */
async function fillOld(source: Source): Promise<void> {
  await source.alone(async (s) => {
    await s.run(
      words(
        'create table newsletter (id int primary key, user_id bigint, agreed varchar(5), agreed_at varchar(40), channel varchar(20), policy varchar(40), ended varchar(20))',
      ),
    )
    const rows = [
      [1, 1, 'true', '2024-03-01 10:00:00', 'WEB_FORM', 'Chính sách 2024', null],
      [2, 2, 'true', '2024-03-01', 'web-form', null, null],
      [3, 3, 'true', null, 'web-form', 'p-2024', null],
      [4, 4, 'false', '2024-03-01', 'web-form', 'p-2024', null],
      [5, 5, 'true', '2024-03-01', 'fax', 'p-2024', null],
      [6, 6, 'true', '2024-03-01', 'web-form', 'p-2024', '2025-01-01'],
      [7, 7, 'true', '2021-03-01', 'web-form', 'p-2020', null],
      [8, 999, 'true', '2024-03-01', 'web-form', 'p-2024', null],
      [9, 9, 'true', 'hồi tháng ba', 'web-form', 'p-2024', null],
      [10, 10, 'true', '2024-03-01', 'web-form', '0912 345 678', null],
    ]
    await s.run(
      sql`insert into newsletter values ${list(rows.map((row) => sql`(${list(row.map((v) => sql`${v === null ? null : String(v)}`))})`))}`,
    )
  })
}

async function subjectsIn(moving: Moving): Promise<Map<string, string>> {
  const rows = await moving.source.read((s) => s.rows(sql`select id, khien_subject as s from users`))
  return new Map(rows.map((row) => [row['id']!, row['s']!]))
}

const FLAGS = {
  person: 'user_id=users.id',
  'stated-by': 'DPO-17',
  kept: 'crm.newsletter',
  purpose: 'news',
  given: '@agreed_at',
  method: '@channel',
  text: '@policy',
  agreed: '@agreed',
  ended: '@ended',
}
const asked = (from: string, change: Readonly<Record<string, string | undefined>> = {}): string[] => [
  'consents',
  ...Object.entries({ from, ...FLAGS, ...change }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  ),
]

async function ready(server: (typeof SOURCES)[number]): Promise<Moving> {
  const moving = await readyToMove(await server.open(), 20)
  await copy(await moving.open(moving.plan))
  const answer = await fetch(`${moving.node.internal}/api/processing`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${moving.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ notice: both('Thông báo'), purposes: PURPOSES }),
  })
  assert.equal(answer.status, 200)
  return moving
}

for (const server of SOURCES) {
  test(
    `${server.name}: bảng đồng ý cũ của cửa hàng được tiếp nhận cùng bằng chứng`,
    { skip: server.skip },
    async () => {
      await using moving = await ready(server)
      await fillOld(moving.source)
      const said = moving.run(asked('newsletter'))
      assert.equal(await said.ended, 0, said.said())
      for (const line of [
        '10 rows read: 1 carry reads now, 1 recorded as over, 1 did not agree.',
        '1 recorded, and carry nothing: consent/no-text',
        '1 recorded, and carry nothing: consent/no-time',
        '1 recorded, and carry nothing: consent/no-method',
        '1 recorded, and carry nothing: consent/before-the-decree, given before Decree 13/2023',
        '1 not taken: adopt/no-person',
        '1 not taken: adopt/time',
        '1 not taken: adopt/name',
        '["8"] adopt/no-person',
      ])
        assert.ok(said.said().includes(line), `${line}\n${said.said()}`)
      assert.doesNotMatch(said.said(), /hồi tháng ba|0912/, 'never a value')

      const khien = khienOf(moving)
      const subjects = await subjectsIn(moving)
      const mail = async (n: number) =>
      (await khien.get({ purpose: 'news', reason: 'NEWS-1', items: [{ subject: subjects.get(String(n))!, collection: 'person', record: '-', fields: ['email'] }] })).items[0]! // prettier-ignore
      assert.partialDeepStrictEqual(await mail(1), { ok: true, fields: { email: 'khach1@example.vn' } })
      for (const n of [2, 3, 4, 5, 6, 7, 8, 9])
        assert.partialDeepStrictEqual(await mail(n), { ok: false, code: 'vault/no-consent' }, `customer ${n}`)

      const link = await khien.handoverLink(subjects.get('1')!)
      const entered = await fetch(link, { redirect: 'manual' })
      const me = await fetch(`${moving.node.public}/me`, { headers: { cookie: entered.headers.getSetCookie()[0]!.split(';')[0]!, 'accept-language': 'vi' } }) // prettier-ignore
      assert.match(
        await me.text(),
        /Được tiếp nhận từ trước, không lập ở đây \(bằng chứng: mẫu trên trang web, văn bản Chinh-sach-2024, ngày 01\/03\/2024, lưu tại crm\.newsletter; người xác nhận: DPO-17\)/,
      )

      const again = moving.run(asked('newsletter'))
      assert.equal(await again.ended, 0, again.said())
      assert.match(again.said(), /10 rows read: 0 carry reads now, 0 recorded as over/)
      assert.match(again.said(), /6 nothing new: consent\/taken-over-already/)
    },
  )

  test(
    `${server.name}: thỏa thuận cũ từ một tệp CSV, theo kế hoạch; cắt ngang rồi đi tiếp`,
    { skip: server.skip },
    async () => {
      await using moving = await ready(server)
      const folder = mkdtempSync(join(tmpdir(), 'khien-consents-'))
      const file = join(folder, 'hop-dong.csv')
      // Each of 20 people with 25 contracts: three pages.
      const lines = Array.from({ length: 500 }, (_, i) => `${(i % 20) + 1},HD-${i},01/06/2022,"kho, tầng 2"`)
      writeFileSync(file, `\ufeffkhach,so,ngay,luu\r\n${lines.join('\r\n')}\r\n`)
      const map = { from: file, person: 'khach=users.id', kind: 'membership', ref: '@so', given: '@ngay', kept: '@luu', statedBy: 'DPO-17' } // prettier-ignore
      const stop = new AbortController()
      const door = openDoor({ origin: moving.node.internal, key: moving.key })
      const first = { source: moving.source, door, map: readConsentMap(map), signal: stop.signal, onProgress: () => stop.abort() } // prettier-ignore
      await assert.rejects(takeConsents(first), { code: 'adopt/stopped' })
      const taken = async () => {
        const khien = khienOf(moving)
        let live = 0
        for (const subject of (await subjectsIn(moving)).values())
        live += (await khien.consents(subject) as { takenOver?: { live: boolean }[] }).takenOver!.filter((one) => one.live).length // prettier-ignore
        return live
      }
      assert.equal(await taken(), 200)

      const plan = join(folder, 'plan.json')
      writeFileSync(plan, JSON.stringify({ ...moving.plan, consents: [map] }))
      const said = moving.run(['consents', '--from', file, '--plan', plan])
      assert.equal(await said.ended, 0, said.said())
      assert.match(said.said(), /500 rows read: 500 carry reads now/)
      assert.doesNotMatch(said.said(), /nothing new/, 'it went on where it was')
      assert.equal(await taken(), 500)
      const subject = (await subjectsIn(moving)).get('7')!
      const wish = { subject, collection: 'person', record: '-', fields: ['phone'] }
      assert.partialDeepStrictEqual(
        (await khienOf(moving).get({ purpose: 'delivery', reason: 'SHIP-1', items: [wish] })).items[0],
        { ok: true },
      )
    },
  )

  test(
    `${server.name}: một dòng lạ không chặn các dòng khác; một giá trị của nhiều người thì không nhận`,
    { skip: server.skip },
    async () => {
      await using moving = await ready(server)
      await moving.source.alone(async (s) => {
        await s.run(words('alter table users add column household int'))
        await s.run(words('update users set household = 7 where id in (1, 2)'))
        await s.run(words('update users set household = 8 where id = 3'))
        // Of two, one came after the copy: whose it is nobody can say.
        await s.run(words('update users set household = 9 where id in (14, 15)'))
        await s.run(words('update users set khien_subject = null where id = 15'))
        await s.run(words('alter table users add column code varchar(20), add column since date'))
        await s.run(words("update users set code = 'KH13', since = '2020-02-29' where id = 13"))
      })
      const folder = mkdtempSync(join(tmpdir(), 'khien-consents-'))
      const door = openDoor({ origin: moving.node.internal, key: moving.key })
      const base = { person: 'khach=users.id', purpose: 'news', given: '2024-03-01', method: 'web-form', text: 'p-1', kept: 'crm', statedBy: 'DPO-17' } // prettier-ignore
      for (const [i, { heading, lines, map, live, left, ended = 0 }] of [
        {
          heading: 'khach',
          lines: ['4', '9999999999999999999', '99999999999999999999', '-1', '5'],
          live: 2,
          left: { 'adopt/no-person': 3 },
        },
        {
          heading: 'khach',
          lines: ['KH13', 'a\0b', '\0', 'ế😀'],
          map: { person: 'khach=users.code' },
          live: 1,
          left: { 'adopt/no-person': 3 },
        },
        {
          heading: 'khach',
          lines: ['hôm qua', '2020-02-29', '2020-02-30'],
          map: { person: 'khach=users.since', purpose: undefined, kind: 'membership', ref: 'HD-1' },
          live: 1,
          left: { 'adopt/no-person': 2 },
        },
        {
          heading: 'khach,ver',
          lines: ['6,1', '7,99999999999999999999', '7,9007199254740991', '7,2147483648', '7,1e300', '8,1'],
          map: { version: '@ver' },
          live: 2,
          left: { 'adopt/purpose': 4 },
        },
        {
          heading: 'khach',
          lines: ['7', '8', '7000000000', '7', '9'],
          map: { person: 'khach=users.household' },
          live: 1,
          left: { 'adopt/many-people': 3, 'adopt/no-person': 1 },
        },
        {
          heading: 'khach,het',
          lines: ['9,', '9,2024-05-01', '10,31/12/9999', '11,2020-01-01', '12,'],
          map: { ended: '@het' },
          live: 2,
          ended: 1,
          left: { 'consent/end-in-future': 1, 'consent/end-before-given': 1 },
        },
      ].entries()) {
        const file = join(folder, `${i}.csv`)
        writeFileSync(file, `${heading}\n${lines.join('\n')}\n`)
        const report = await takeConsents({ source: moving.source, door, map: readConsentMap({ ...base, ...map, from: file }) }) // prettier-ignore
        assert.partialDeepStrictEqual(report, { rows: lines.length, live, ended, left }, `${heading} ${i}`)
        assert.deepEqual(Object.keys(report.left).toSorted(), Object.keys(left).toSorted())
      }
      const subjects = await subjectsIn(moving)
      for (const [n, carries] of [
        [1, false],
        [2, false],
        [3, true],
        [9, false],
        [12, true],
      ] as const) {
        const subject = subjects.get(String(n))!
        const wish = { subject, collection: 'person', record: '-', fields: ['email'] }
        const { items } = await khienOf(moving).get({ purpose: 'news', reason: 'NEWS-1', items: [wish] })
        assert.equal(items[0]!.ok, carries, `customer ${n}`)
      }
    },
  )

  // What is asked wrongly is told before any server matters.
  if (server === SOURCES[0])
    test(`${server.name}: khien adopt consents nói rõ điều gì sai`, { skip: server.skip }, async () => {
      await using moving = await ready(server)
      await fillOld(moving.source)
      for (const { from = 'newsletter', change, says } of [
        { from: 'nowhere', says: /no table nowhere, and it does not end in \.csv/ },
        { from: 'no.csv', says: /no\.csv cannot be read/ },
        { change: { text: '@terms' }, says: /newsletter has no column terms/ },
        { change: { person: 'user_id=products.id' }, says: /people are not adopted/ },
        { change: { person: 'user_id=clients.id' }, says: /no table clients/ },
        { change: { purpose: undefined }, says: /expected a purpose/ },
        { change: { purpose: 'delivery' }, says: /not taken: consent\/not-by-consent/ },
      ]) {
        const { ended, said } = moving.run(asked(from, change))
        await ended
        assert.match(said(), says)
      }
    })
}
