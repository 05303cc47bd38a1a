import assert from 'node:assert/strict'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { createKhien, newSubject } from '../src/client/index.ts'
import { cookieOf, enrol, form, runningNode, type RunningNode } from './running-node.ts'

const both = (text: string) => ({ vi: text, en: text })

async function withSomeHistory(node: RunningNode): Promise<string> {
  const khien = createKhien({ origin: node.internal, key: node.serviceKey().key, publicOrigin: node.public })
  await khien.declare({
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
    ],
  })
  const subject = newSubject()
  await khien.put([{ subject, collection: 'person', fields: { phone: '0912345678' } }])
  await khien.get({
    purpose: 'order-delivery',
    reason: 'DH-1',
    items: [{ subject, collection: 'person', fields: ['phone'] }],
  })
  for (let tries = 0; tries < 40; tries++) {
    const [, size] = (await (await fetch(`${node.public}/checkpoint`)).text()).split('\n')
    if (Number(size) >= 5) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return node.config.folder
}

const DAMAGE: readonly { readonly what: string; readonly code: string; readonly do: (folder: string) => void }[] = [
  {
    what: 'a refused read rewritten as allowed',
    code: 'audit/log-altered',
    do: (folder) => {
      using db = new DatabaseSync(join(folder, 'control.db'))
      const { changes } = db
        .prepare(`update audit_record set record = replace(record, '"refused"', '"allowed"') where kind = 'vault.read'`)
        .run()
      assert.equal(changes, 1)
    },
  },
  {
    what: 'a record deleted',
    code: 'audit/log-altered',
    do: (folder) => {
      using db = new DatabaseSync(join(folder, 'control.db'))
      db.exec(`delete from audit_record where kind = 'vault.read'`)
    },
  },
  {
    what: 'an entry of the log overwritten',
    code: 'audit/log-altered',
    do: (folder) => {
      const entries = join(folder, 'log', 'tile', 'entries')
      for (const name of readdirSync(entries, { recursive: true, withFileTypes: true })) {
        if (name.isFile()) writeFileSync(join(name.parentPath, name.name), 'x'.repeat(300))
      }
    },
  },
  {
    what: 'the key store lost',
    code: 'data/keys-missing',
    do: (folder) =>
      readdirSync(folder)
        .filter((name) => name.startsWith('keys.db'))
        .forEach((name) => rmSync(join(folder, name))),
  },
  {
    what: 'the key file damaged',
    code: 'seal/corrupt',
    do: (folder) => writeFileSync(join(folder, 'key.json'), '{"format":1,"demo":true}'),
  },
  {
    what: 'the data file no database',
    code: 'data/unreadable',
    do: (folder) => {
      for (const name of ['control.db-wal', 'control.db-shm']) rmSync(join(folder, name), { force: true })
      writeFileSync(join(folder, 'control.db'), 'x'.repeat(5_000))
    },
  },
]

for (const damage of DAMAGE) {
  test(`${damage.what}: the node does not start, and says why in one sentence`, async () => {
    let folder = ''
    {
      await using node = await runningNode()
      folder = await withSomeHistory(node)
    }
    damage.do(folder)
    await assert.rejects(runningNode({ config: { folder } }), (error: Error & { code?: string }) => {
      assert.equal(error.code, damage.code)
      assert.match(error.message, /^[A-Z][^\n]+[.)]$/)
      return true
    })
  })
}

test('a live list ends soon after its reader has signed out', async () => {
  await using node = await runningNode()
  const cookie = await enrol(node.internal, node.setupToken, 'quan-tri')
  const live = await fetch(`${node.internal}/api/refusals/live`, { headers: { cookie } })
  assert.equal(live.status, 200)
  const ended = (async () => {
    for await (const _ of live.body!) void _
    return true
  })()
  assert.equal((await fetch(`${node.internal}/sign-out`, form(node.internal, cookie, {}))).status, 303)
  assert.equal(await Promise.race([ended, new Promise((resolve) => setTimeout(() => resolve(false), 9_000))]), true)
})

test('a preview of a handover link does not use it up', async () => {
  await using node = await runningNode()
  const link = await createKhien({
    origin: node.internal,
    key: node.serviceKey().key,
    publicOrigin: node.public,
  }).handoverLink(newSubject())
  assert.equal((await fetch(link, { method: 'HEAD', redirect: 'manual' })).status, 405)
  const opened = await fetch(link, { redirect: 'manual' })
  assert.equal(opened.status, 303)
  assert.match(cookieOf(opened), /^khien-platform-person=/)
})
