import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import { fineFor } from '../law/index.ts'
import { name, openSource, sql } from '../source/index.ts'
import { SOURCES } from '../source/testing.ts'
import { redact, scanPaths, scanSource, type Report } from './index.ts'
import { readerFor } from './shapes.ts'

const NOW = Date.parse('2026-11-22T00:00:00Z')
const VALUES = ['Nguyễn Thị Hoa', '0912 345 678', '001190123456', 'hoa@example.vn', '19034567890123', '12 Lê Lợi']
const brief = (report: Report, folder: string): string[] =>
  report.found.map((one) => `${one.place.replace(`${folder}/`, '')} ${one.kind} ${one.count}`).toSorted()
const leaks = (report: Report): string[] => VALUES.filter((value) => JSON.stringify(report).includes(value))

test('files: by column where there are columns, gzipped or not; what is no text is named; no value is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-scan-'))
  mkdirSync(join(folder, 'logs', 'node_modules'), { recursive: true })
  const put = (path: string, content: string | Buffer): void => writeFileSync(join(folder, path), content)
  put('khach.csv', '\ufeffho_ten;so_dien_thoai;cccd\r\n"Nguyễn Thị ""Hoa""";0912 345 678;001190123456\r\n')
  put(
    'logs/a.ndjson',
    '{"user":{"email":"hoa@example.vn","orders":[{"id":"190345678901"}]}}\nkhông phải json 0912345678\n',
  )
  put('logs/b.log', 'ok\nlỗi: khách 0912345678 gọi\n')
  put('logs/node_modules/c.log', '0912345678')
  put(
    'dump.sql.gz',
    gzipSync(
      'COPY "public"."users" (id, "phone", note) FROM stdin;\n1\t0912345678\t\\N\n2\t\\N\tSTK 19034567890123 Techcombank\\nNguyễn\n\\.\nCOPY x (a) FROM stdin;\n\\.\n',
    ),
  )
  put('picture.png', Buffer.from([0x89, 0x50, 0, 1, 2]))
  put('torn.gz', gzipSync('0912345678').subarray(0, 12))
  symlinkSync('/etc', join(folder, 'elsewhere'))
  if (process.getuid?.() !== 0) {
    put('closed.txt', '0912345678')
    chmodSync(join(folder, 'closed.txt'), 0)
  }
  const report = await scanPaths([folder, join(folder, 'nowhere')], { now: NOW }, () => undefined)
  assert.deepEqual(brief(report, folder), [
    'dump.sql.gz: public.users.note bank-account 1',
    'dump.sql.gz: public.users.phone phone 1',
    'khach.csv: cccd personal-id 1',
    'khach.csv: ho_ten name 1',
    'khach.csv: so_dien_thoai phone 1',
    'logs/a.ndjson phone 1',
    'logs/a.ndjson: user.email email 1',
    'logs/b.log phone 1',
  ])
  const skipped = report.skipped.map((one) => `${one.place.replace(`${folder}/`, '')} ${one.why}`).toSorted()
  assert.deepEqual(
    skipped.filter((one) => !one.startsWith('closed')),
    ['nowhere unreadable', 'picture.png binary', 'torn.gz unreadable'],
  )
  assert.deepEqual(leaks(report), [])
  const phone = report.map.find((one) => one.kind === 'phone')
  assert.deepEqual([phone!.count, phone!.distinct, phone!.places], [4, 1, 4], 'one number in four places is one person')
  assert.deepEqual(report.people, { basic: 1, sensitive: 1 })
})

test('lines of files', () => {
  const read = (file: string, lines: readonly string[]): string[] => {
    const seen: string[] = []
    const reader = readerFor(file)
    for (const line of lines) reader.line(line, (place, text, about) => seen.push(`${place}|${text}|${about}`))
    return seen
  }
  for (const [file, lines, expected] of [
    ['a.csv', ['a,b', '1,"x, ""y"""', '"open', ',,3'], ['a|1|a', 'b|x, "y"|b', 'a|open|a', '3|3|']],
    ['a.tsv', ['soDienThoai\tb', '1\t2'], ['soDienThoai|1|so Dien Thoai', 'b|2|b']],
    ['a.ndjson', ['{"a":{"b":[1,"x",null,true]}}', '[', ''], ['a.b|1|a b', 'a.b|x|a b', '|[|']],
    [
      'a.sql',
      ['INSERT INTO `t` VALUES (1)', 'COPY t (a, b) FROM stdin;', 'x\\ty\tz', '\\.', '-- x'],
      ['t|INSERT INTO `t` VALUES (1)|', 't.a|x\ty|a', 't.b|z|b', '|-- x|'],
    ],
    ['a.log', ['', ' ', 'x'], ['|x|']],
  ] as const)
    // prettier-ignore
    assert.deepEqual(read(file, lines), expected, file)
})

for (const source of SOURCES)
  test(`${source.name}: tables are read and only read; who else may read is told`, { skip: source.skip }, async () => {
    const url = await source.open()
    await using own = await openSource(url)
    await own.alone(async (session) => {
      await session.run(
        sql`create table ${name('khach')} (id int primary key, ho_ten varchar(80), sdt varchar(20), tien int)`,
      )
      await session.run(sql`create table ${name('khong_khoa')} (email varchar(80))`)
      for (let i = 0; i < 1_203; i++)
        await session.run(
          sql`insert into ${name('khach')} values (${i}, ${'Nguyễn Thị Hoa'}, ${`09123${String(45_000 + i)}`}, ${i})`,
        )
      await session.run(sql`insert into ${name('khong_khoa')} values (${'hoa@example.vn'})`)
      if (own.kind === 'postgres') await session.run(sql`grant select (sdt) on ${name('khach')} to public`)
    })
    const report = await scanSource(own, { now: NOW, rows: 1_100 }, () => undefined)
    const told = report.found.map((one) => `${one.place} ${one.kind} ${one.count} ${one.distinct}`).toSorted()
    assert.deepEqual(told, ['khach.ho_ten name 1100 1', 'khach.sdt phone 1100 1100', 'khong_khoa.email email 1 1'])
    assert.deepEqual(leaks(report), [])
    if (own.kind === 'postgres') assert.deepEqual(report.exposed, [{ place: 'khach.sdt', readers: ['PUBLIC'] }])
    assert.equal(
      (await scanSource(own, { now: NOW, rows: 0, kinds: ['phone'] }, () => undefined)).found[0]!.count,
      1_203,
    )
  })

test('redaction and brackets', () => {
  assert.deepEqual(redact('Gọi 0912 345 678 hoặc hoa@example.vn', { year: 2026 }), {
    text: 'Gọi [phone] hoặc [email]',
    count: 2,
  })
  assert.deepEqual(redact('Đơn 12 giao chiều nay', { year: 2026 }), { text: 'Đơn 12 giao chiều nay', count: 0 })
  for (const [act, basic, sensitive, day, from] of [
    ['intrusion', 499, 0, '2026-08-19', 100],
    ['intrusion', 500, 0, '2026-11-22', 200],
    ['intrusion', 10, 1_000, '2026-11-22', 500],
    ['trading', 9_999, 1_999, '2026-11-22', 300],
    ['trading', 10_000, 0, '2026-11-22', 500],
    ['trading', 0, 0, '2026-11-22', undefined],
    ['trading', 5, 0, '2026-08-18', undefined],
  ] as const)
    assert.equal(
      fineFor(act, { basic, sensitive }, Date.parse(day))?.from,
      from && from * 1e6,
      `${act} ${basic} ${sensitive}`,
    )
})

test('files whose names of columns are people: counted, and not told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'khien-scan-'))
  writeFileSync(
    join(folder, 'a.csv'),
    'Nguyễn Thị Hoa,0912 345 678,hoa@example.vn\nTrần Lan,0987654321,lan@example.vn\n',
  )
  writeFileSync(join(folder, 'b.ndjson'), '{"0912 345 678":{"hoa@example.vn":"0987654321"}}\n')
  const report = await scanPaths([folder], { now: NOW, kinds: ['phone', 'email'] }, () => undefined)
  assert.deepEqual(leaks(report), [])
  assert.deepEqual(brief(report, folder), [
    'a.csv: 2 phone 2',
    'a.csv: 3 email 2',
    'b.ndjson: * phone 1',
    'b.ndjson: *.* email 1',
    'b.ndjson: *.* phone 1',
  ])
})
