import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import pg from 'pg'
import { createKhien, newSubject, placeToken } from '../../src/client/index.ts'
import { newPostgresDatabase, postgresBin } from '../../src/storage/sql/testing.ts'
import { runningNode } from '../running-node.ts'

// The page's own statements, in its order, on PostgreSQL and against a real vault; what stands under each is what it must answer.

const page = readFileSync(join(import.meta.dirname, '../../docs/sql-with-tokens.md'), 'utf8')
type Statement = { readonly how: string; readonly sql: string; readonly wanted: string[][] | undefined }
const statements: Statement[] = [...page.matchAll(/```sql ?([^\n]*)\n(.*?)```\n(?:\n((?:\|[^\n]*\n)+))?/gs)].map(
  ([, how, sql, table]) => ({
    how: how!,
    sql: sql!,
    wanted: table
      ?.trim()
      .split('\n')
      .filter((_, i) => i !== 1)
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  }),
)

const both = (text: string) => ({ vi: text, en: text })
const skip = postgresBin() === undefined && 'PostgreSQL is not installed (Debian: apt install postgresql)'

test('docs/sql-with-tokens.md says what PostgreSQL answers', { skip, timeout: 60_000 }, async (t) => {
  assert.ok(statements.length >= 15, `${statements.length} statements found`)
  await using node = await runningNode()
  const khien = createKhien({ origin: node.internal, publicOrigin: node.public, key: node.serviceKey().key })
  await khien.declareCollections([
    { name: 'profile', fields: { card: { kind: 'personal-id', bands: ['province', 'birth-decade'] } } },
  ])
  await khien.declare({
    notice: both('Thông báo'),
    purposes: [
      {
        id: 'support',
        title: both('Hỗ trợ'),
        what: both('Tìm khách'),
        ground: 'law',
        duty: both('trả lời khiếu nại'),
        fields: ['person.name', 'person.phone', 'person.email'],
        recipients: [],
      },
    ],
  })
  const db = new pg.Client({ connectionString: await newPostgresDatabase() })
  await db.connect()
  try {
    await fill(khien, db)
    for (const { how, sql, wanted } of statements.slice(1))
      await t.test(sql.replace(/\s+/g, ' ').slice(0, 100), async () => {
        const { rows, fields } = await db.query(sql, await valuesFor(khien, how))
        if (wanted === undefined) return assert.match(sql, /order by full_name/)
        const said = [fields.map((field) => field.name), ...rows.map((row) => Object.values(row).map(String))]
        assert.deepEqual(said, wanted)
      })
  } finally {
    await db.end()
    await khien.close()
  }
})

/** What the page has asked of the vault before its statement. */
async function valuesFor(khien: ReturnType<typeof createKhien>, how: string): Promise<unknown[]> {
  const equal = /^(\w+) = (.+)$/.exec(how)
  if (equal) return (await khien.tokens({ collection: 'person', field: equal[1]!, values: [equal[2]!] })).tokens
  const search = /^search (\w+)\.(\w+) (last|prefix|name) "?([^"]+)"?$/.exec(how)
  if (!search) return []
  const [, collection, field, by, value] = search as unknown as [string, string, string, 'last' | 'name', string]
  const { found } = await khien.search({ purpose: 'support', reason: 'CASE-1', collection, field, by, value })
  return [found.map((one) => one.subject)]
}

async function fill(khien: ReturnType<typeof createKhien>, db: pg.Client): Promise<void> {
  await db.query(statements[0]!.sql)
  // Two people are called Trần Văn Ba; the third has no e-mail address.
  const people = [
    ['Nguyễn Thị Hoa', '0912000001', 'hoa@thu.example', '001192000001'],
    ['Trần Văn Ba', '0912000002', 'ba@thu.example', '079085000002'],
    ['Trần Văn Bá', '0912000003', null, '079095000003'],
    ['Lê Mai', '0987000004', 'mai@thu.example', '001193000004'],
  ] as const
  const phones: string[] = []
  for (const [i, [name, phone, email, card]] of people.entries()) {
    const subject = newSubject()
    const person = { name, phone, ...(email === null ? {} : { email }) }
    const { items } = await khien.put([
      { subject, collection: 'person', fields: person },
      { subject, collection: 'profile', fields: { card } },
    ])
    const [said, bands] = items as [
      { ok: true; tokens: Record<string, string> },
      { ok: true; bands: Record<string, string> },
    ]
    assert.ok(said.ok && bands.ok, JSON.stringify(items))
    phones.push(said.tokens['phone']!)
    const values = [
      i + 1,
      subject,
      await placeToken({ subject, collection: 'person', field: 'name' }),
      said.tokens['phone'],
      said.tokens['email'] ?? null,
      bands.bands['province'],
      bands.bands['birth_decade'],
    ]
    await db.query('insert into customers values ($1, $2, $3, $4, $5, $6, $7)', values)
  }
  // An order to a stranger's number: only its token is asked for.
  const { tokens: stranger } = await khien.tokens({ collection: 'person', field: 'phone', values: ['0903000009'] })
  for (const [id, customer, phone, total] of [
    [1, 1, phones[0], 200_000],
    [2, 2, phones[1], 300_000],
    [3, 1, phones[0], 250_000],
    [4, 3, stranger[0], 50_000],
    [5, 4, phones[3], 120_000],
  ])
    await db.query('insert into orders values ($1, $2, $3, $4, $5)', [
      id,
      customer,
      phone,
      `kh_${'a'.repeat(18)}`,
      total,
    ])
  await db.query('insert into blocked values ($1, $2)', [phones[1], 'trả hàng ba lần'])
}
