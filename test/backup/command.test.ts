import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test from 'node:test'
import { main } from '../../src/main.ts'
import type { Io } from '../../src/cli/verb.ts'
import { createKhien, newSubject } from '../../src/client/index.ts'
import { enrol, form, runningNode } from '../running-node.ts'
import { folder, twoPlaces } from './places.ts'

const root = join(import.meta.dirname, '..', '..')

/** One command of the shell, in Vietnamese; `passphrase` through a descriptor. */
async function khien(
  args: readonly string[],
  passphrase?: string,
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const io: Io = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stdin: process.stdin,
    env: {},
    language: 'vi',
    root,
  }
  const fd = passphrase === undefined ? undefined : openSync(passphrase, 'r')
  try {
    const code = await main(fd === undefined ? args : [...args, '--key-fd', String(fd)], io)
    return { code, out, err }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

test('một ngày của người vận hành: sao lưu, diễn tập, mất máy, khôi phục', async () => {
  const data = folder('lenh')
  const secret = join(data, 'mat-khau')
  writeFileSync(secret, 'một câu dài mà người vận hành nhớ')
  const { to, keysTo } = twoPlaces()
  const node = ['--role', 'platform', '--data', data]
  const kept = ['--to', to, '--keys-to', keysTo]
  const from = ['--from', to, '--keys-from', keysTo]
  assert.equal((await khien(['key', 'init', ...node], secret)).code, 0)
  const folderOf = join(data, 'platform')
  {
    const fd = openSync(secret, 'r')
    await using running = await runningNode({ config: { folder: folderOf, key: { from: 'fd', fd }, demo: false } })
    closeSync(fd)
    const made = await khien(['backup', ...node, ...kept, '--keep-keys', '7'])
    assert.equal(made.code, 0, made.err)
    assert.match(made.out, /^Đã sao lưu: khien-platform-\d{8}T\d{6}Z-\w{8} \(\d+\.\d MB, /)
    assert.match(made.out, /key\.json không nằm trong bản sao lưu nào/)
    const drilled = await khien(['drill', ...node, ...from], secret)
    assert.equal(drilled.code, 0, drilled.err)
    assert.match(drilled.out, /^Diễn tập thành công: /)
    assert.match(drilled.err, /kiểm tra số dòng và toàn bộ nhật ký/)
    const wrong = join(data, 'sai')
    writeFileSync(wrong, 'một câu khác hẳn và cũng dài')
    const refused = await khien(['drill', ...node, ...from], wrong)
    assert.equal(refused.code, 1)
    assert.match(refused.err, /^khien: The passphrase does not open the key file/)
    void running
  }
  // The node is stopped: the same, with the passphrase.
  const stopped = await khien(['backup', ...node, ...kept], secret)
  assert.equal(stopped.code, 0, stopped.err)
  assert.ok(stopped.err.startsWith(`Nút không chạy; sao lưu từ thư mục ${folderOf}.\n`), stopped.err)
  assert.equal(readdirSync(to).length, 2)
  assert.equal((await khien(['drill', ...node, ...from], secret)).code, 0)

  // The key is rotated: what is wrapped since needs the key file of since.
  const key = join(data, 'key-giu-rieng.json')
  const older = join(data, 'key-cu.json')
  await cp(join(folderOf, 'key.json'), older)
  assert.equal((await khien(['key', 'rotate', ...node], secret)).code, 0)
  {
    const fd = openSync(secret, 'r')
    await using running = await runningNode({ config: { folder: folderOf, key: { from: 'fd', fd }, demo: false } })
    closeSync(fd)
    using keys = new DatabaseSync(join(folderOf, 'keys.db'))
    const wrapped = (): number =>
      Number(keys.prepare("select count(*) as n from subject_key where kek like 'kek_%'").get()!['n'])
    assert.equal(wrapped(), 0)
    const cookie = await enrol(running.internal, running.setupToken, 'quan-tri')
    const page = await fetch(
      `${running.internal}/settings/keys`,
      form(running.internal, cookie, [
        ['name', 'app'],
        ['scopes[]', 'vault:write'],
      ]),
    )
    const app = /id="secret"[^>]*>([^<]+)</.exec(await page.text())![1]!
    const client = createKhien({ origin: running.internal, key: app, publicOrigin: running.public })
    await client.put([{ subject: newSubject(), collection: 'person', fields: { phone: '0912345678' } }])
    assert.equal(wrapped(), 1)
    assert.equal((await khien(['backup', ...node, ...kept])).code, 0)
  }
  await cp(join(folderOf, 'key.json'), key)
  await rm(folderOf, { recursive: true })
  const fresh = folder('may-moi')
  const again = ['restore', '--role', 'platform', '--data', fresh, ...from]
  const keyless = await khien(again, secret)
  assert.equal(keyless.code, 1)
  assert.match(keyless.err, /put the node's own there, or name it with --key FILE/)
  const stale = await khien([...again, '--key', older], secret)
  assert.match(stale.err, /was rotated after the file was copied\. Take the newest copy of key\.json\.\n$/)
  const restored = await khien([...again, '--key', key], secret)
  assert.equal(restored.code, 0, restored.err)
  assert.match(restored.out, /^Đã khôi phục khien-platform-/)
  // A command that works as it stands but for what no backup knows.
  assert.match(
    restored.out,
    /Khởi động: \.\/bin\/khien\.js start --role platform --data \S+ --controller .* --upstream [A-Z-]+\n/,
  )
  assert.match(restored.out, /Người đã bị xóa khóa sau bản sao lưu, không đưa trở lại {2}0\n/)
  assert.ok(existsSync(join(fresh, 'platform', 'key.json')))
  const twice = await khien([...again, '--key', key], secret)
  assert.match(twice.err, /is not empty/)
  const other = await khien([...again, '--key', older], secret)
  assert.match(other.err, /key\.json is another key; leave --key away/)
  assert.match((await khien(again, secret)).err, /is not empty/)
  {
    const fd = openSync(secret, 'r')
    await using running = await runningNode({
      config: { folder: join(fresh, 'platform'), key: { from: 'fd', fd }, demo: false },
    })
    closeSync(fd)
    assert.equal((await fetch(`${running.internal}/readyz`)).status, 200)
  }
})

for (const { args, says } of [
  { args: ['backup', '--role', 'platform'], says: 'Say khien backup --role ROLE --to DIR --keys-to DIR.' },
  { args: ['backup', '--role', 'x', '--to', 'a', '--keys-to', 'b'], says: '--role: expected platform' },
  {
    args: ['backup', '--role', 'platform', '--to', 'a', '--keys-to', 'b', '--keep-keys', '0'],
    says: '--keep-keys: expected 1–3650, got "0"',
  },
  { args: ['restore', '--role', 'platform', '--from', 'a'], says: 'Say khien restore' },
  {
    args: ['restore', '--role', 'platform', '--from', 'a', '--keys-from', 'b', '--data', 'c', '--to', 'hôm qua'],
    says: '--to: expected a time such as',
  },
  { args: ['drill', '--from', 'a', '--keys-from', 'b'], says: 'Say which node with --role' },
])
  test(`khien ${args.join(' ')}: asked wrongly`, async () => {
    const { code, err } = await khien(args)
    assert.equal(code, 2)
    assert.ok(err.includes(says), err)
  })
