import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { createKhien, newSubject } from '../src/client/index.ts'
import { silentLog } from '../src/kit/log.ts'
import { claimPostgres } from '../src/storage/sql/index.ts'
import { newPostgresDatabase, postgresBin } from '../src/storage/sql/testing.ts'
import { runningNode } from './running-node.ts'

const skip = postgresBin() === undefined ? 'PostgreSQL is not installed (Debian: apt install postgresql)' : false
const both = (text: string) => ({ vi: text, en: text })

test(
  'a whole node on PostgreSQL: data and keys in databases of their own, the same life as on SQLite',
  { skip },
  async () => {
    const [databaseUrl, keysDatabaseUrl] = [await newPostgresDatabase(), await newPostgresDatabase()]
    await using node = await runningNode({ config: { databaseUrl, keysDatabaseUrl } })
    const khien = createKhien({ origin: node.internal, key: node.serviceKey().key, publicOrigin: node.public })
    const declared = await khien.declare({
      notice: both('Thông báo'),
      purposes: [
        {
          id: 'order-delivery',
          title: both('Giao'),
          what: both('Giao'),
          ground: 'agreement',
          agreement: 'order',
          fields: ['person.phone'],
          recipients: [],
        },
        {
          id: 'marketing',
          title: both('Thư'),
          what: both('Thư'),
          ground: 'consent',
          fields: ['person.email'],
          recipients: [],
          ifWithdrawn: both('thôi'),
        },
      ],
    })
    const subject = newSubject()
    const read = async (purpose: string, field: string) =>
      (await khien.get({ purpose, reason: 'DH-1', items: [{ subject, collection: 'person', fields: [field] }] }))
        .items[0]!
    await khien.put([{ subject, collection: 'person', fields: { phone: '0912345678', email: 'hoa@thu.example' } }])
    assert.partialDeepStrictEqual(await read('order-delivery', 'phone'), { ok: false, code: 'vault/no-agreement' })
    await khien.openAgreement({ subject, kind: 'order', ref: 'DH-1' })
    assert.deepEqual(await read('order-delivery', 'phone'), { ok: true, fields: { phone: '0912345678' } })
    await khien.decide({
      subject,
      notice: declared.notice.version,
      language: 'vi',
      method: 'web-form',
      decisions: [{ purpose: 'marketing', version: 1, given: true }],
    })
    assert.partialDeepStrictEqual(await read('marketing', 'email'), { ok: true })
    await khien.withdraw({ subject, purpose: 'marketing' })
    assert.partialDeepStrictEqual(await read('marketing', 'email'), { ok: false, code: 'vault/no-consent' })
    assert.equal(existsSync(join(node.config.folder, 'control.db')), false)
    assert.equal(existsSync(join(node.config.folder, 'keys.db')), false)
    assert.equal((await fetch(`${node.internal}/readyz`)).status, 200)
  },
)

test(
  'one database is one node’s: a second node, or another key, is refused in a sentence',
  { skip, timeout: 60_000 },
  async () => {
    const [databaseUrl, keysDatabaseUrl] = [await newPostgresDatabase(), await newPostgresDatabase()]
    {
      await using _ = await runningNode({ config: { databaseUrl, keysDatabaseUrl } })
      await assert.rejects(runningNode({ config: { databaseUrl, keysDatabaseUrl } }), { code: 'data/in-use' })
    }
    // Another folder has another key: what it wrote would be lost to the first, and the other way round.
    await assert.rejects(runningNode({ config: { databaseUrl, keysDatabaseUrl } }), { code: 'data/other-key' })
    const nowhere = databaseUrl.replace(/\/[^/]+$/, '/no-such-database')
    await assert.rejects(runningNode({ config: { databaseUrl: nowhere } }), (error: Error) => {
      assert.match(error.message, /^PostgreSQL at 127\.0\.0\.1:\d+\/no-such-database has no database of this name\.$/)
      return true
    })
  },
)

test(
  'a process beside a node: it needs the node’s tables and key, and no command takes the database away under it',
  { skip, timeout: 60_000 },
  async () => {
    const [databaseUrl, keysDatabaseUrl] = [await newPostgresDatabase(), await newPostgresDatabase()]
    const folder = join(mkdtempSync(join(tmpdir(), 'khien-beside-')), 'platform')
    const config = { databaseUrl, keysDatabaseUrl, folder, beside: true }
    await assert.rejects(runningNode({ config }), { code: 'data/no-node' })
    const whole = await runningNode({ config: { databaseUrl, keysDatabaseUrl } })
    // Its own key would make what it wrote unreadable to the node.
    await assert.rejects(runningNode({ config }), { code: 'data/other-key' })
    cpSync(join(whole.config.folder, 'key.json'), join(folder, 'key.json'))
    {
      await using beside = await runningNode({ config })
      const { key } = whole.serviceKey()
      const there = createKhien({ origin: beside.internal, key, publicOrigin: beside.public })
      await there.put([{ subject: newSubject(), collection: 'person', fields: { name: 'Hoa' } }])
      const answers = await Promise.all(
        ['/api/backups', '/api/alerts', '/sign-in', '/readyz'].map((path) => fetch(beside.internal + path)),
      )
      assert.deepEqual(answers.map(({ status }) => status), [404, 404, 404, 200]) // prettier-ignore
      await whole[Symbol.asyncDispose]()
      await assert.rejects(claimPostgres(databaseUrl, silentLog), { code: 'data/in-use' })
    }
    await (await claimPostgres(databaseUrl, silentLog))[Symbol.asyncDispose]()
  },
)
