import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { authenticator, cookieOf, form } from '../running-node.ts'

// Makes the data folder of a release and keeps it as a fixture, so that every later version shows that it opens:
//   node test/upgrade/keep-folder.ts --program CLONE --out test/upgrade/fixtures/NAME
// CLONE: a clone of that release after `npm ci`. It is driven over its command line and its API alone.

const PASSPHRASE = 'thư mục cũ để thử nâng cấp'
/** Names of some earlier release; what a release has grown since is added here, and left out for those that lack it. */
const SCOPES = ['processing:declare', 'consent:write', 'consent:read', 'agreement:write', 'vault:write', 'vault:read', 'vault:search', 'vault:password'] // prettier-ignore
/** Nobody: names, numbers and addresses that were made up for this folder. */
const PEOPLE = [
  { subject: '0000-0000-0000-0001', name: 'Trần Thị Mẫu Một', phone: '0900000001', email: 'mot@thu.example', address: '1 Đường Thử, Phường Mẫu' },
  { subject: '0000-0000-0000-0002', name: 'Lê Văn Mẫu Hai', phone: '0900000002', email: 'hai@thu.example', address: '2 Đường Thử, Phường Mẫu' },
  { subject: '0000-0000-0000-0003', name: 'Phạm Mẫu Ba', phone: '0900000003', email: 'ba@thu.example', address: '3 Đường Thử, Phường Mẫu' },
] // prettier-ignore
const PASSWORD = 'mật khẩu bịa cho thư mục thử'
const STAFF_PASSWORD = 'một câu dễ nhớ và dài'
const both = (vi: string, en: string) => ({ vi, en })
const PROCESSING = {
  notice: both('Thư mục thử nâng cấp, người trong đó không có thật.', 'A folder for trying upgrades; nobody in it is real.'),
  purposes: [
    { id: 'delivery', title: both('Giao hàng', 'Delivery'), what: both('Giao đơn hàng.', 'Orders are delivered.'), ground: 'agreement', agreement: 'membership', fields: ['person.name', 'person.phone', 'person.email', 'order.address'], recipients: [] },
    { id: 'sign-in', title: both('Đăng nhập', 'Signing in'), what: both('Đối chiếu mật khẩu.', 'The password is checked.'), ground: 'agreement', agreement: 'membership', fields: ['account.password'], recipients: [] },
    { id: 'news', title: both('Gửi tin', 'News'), what: both('Gửi tin ưu đãi.', 'Offers are sent.'), ground: 'consent', fields: ['person.email'], recipients: [], ifWithdrawn: both('Không nhận tin nữa.', 'No more news.') },
  ],
} // prettier-ignore

const { values: flags } = parseArgs({ options: { program: { type: 'string' }, out: { type: 'string' } } })
if (flags.program === undefined || flags.out === undefined) throw new Error('Say --program CLONE --out DIR.')
const [program, out] = [resolve(flags.program), resolve(flags.out)]
if (existsSync(out)) throw new Error(`${out} is there already; what a release wrote is never written anew.`)
const scratch = mkdtempSync(join(tmpdir(), 'khien-keep-'))
const data = join(scratch, 'data')
const node = join(data, 'platform')
writeFileSync(join(scratch, 'passphrase'), PASSPHRASE, { mode: 0o600 })

function khien(...args: string[]): ChildProcess {
  const fd = openSync(join(scratch, 'passphrase'), 'r')
  const words = [...args, '--role', 'platform', '--data', data, '--key-fd', '3']
  return spawn(process.execPath, [join(program, 'bin/khien.js'), ...words], { stdio: ['ignore', 'pipe', 'pipe', fd] })
}
/** Redeems a one-time link as a person does, and keeps what makes the six digits. */
async function enrol(origin: string, token: string, name: string): Promise<{ cookie: string; totp: string }> {
  const page = await (await fetch(`${origin}/setup?token=${token}`)).text()
  const totp = /id="totp-secret"[^>]*>([^<]+)</.exec(page)![1]!
  const fields = { token, name, password: STAFF_PASSWORD, code: authenticator(totp) }
  const answer = await fetch(`${origin}/setup`, form(origin, undefined, fields))
  assert.equal(answer.status, 303, `enrolling ${name}`)
  return { cookie: cookieOf(answer), totp }
}
const ended = (child: ChildProcess): Promise<number | null> => new Promise((r) => child.once('exit', (code) => r(code)))

async function live(): Promise<object> {
  assert.equal(await ended(khien('key', 'init')), 0)
  const port = 21_000 + 50 * Math.floor(Math.random() * 200)
  const running = khien('start', '--port', String(port), '--upstream', 'http://127.0.0.1:9')
  let said = ''
  for (const stream of [running.stdout!, running.stderr!]) stream.on('data', (piece: Buffer) => (said += piece))
  const gone = ended(running)
  const origin = `http://localhost:${port + 1}`
  try {
    const link = /setup\?token=([\w-]+)/
    for (let tries = 0; !link.test(said); tries++) {
      if (tries > 600 || running.exitCode !== null) throw new Error(`it does not start: ${said}`)
      await sleep(100)
    }
    const { cookie: admin, totp } = await enrol(origin, link.exec(said)![1]!, 'quan-tri')
    const shown = async (path: string, fields: [string, string][]): Promise<string> => {
      const page = await (await fetch(origin + path, form(origin, admin, fields))).text()
      return /id="secret"[^>]*>([^<]+)</.exec(page)![1]!
    }
    const invitation = new URL(await shown('/settings/invitations', [['roles[]', 'analyst']]))
    const analyst = await enrol(origin, invitation.searchParams.get('token')!, 'phan-tich')
    const key = await shown('/settings/keys', [['name', 'cua-hang'], ...SCOPES.map((s): [string, string] => ['scopes[]', s])]) // prettier-ignore
    const call = async <T>(path: string, body: object, cookie?: string, method = 'POST'): Promise<T> => {
      const who: Record<string, string> = cookie ? { cookie, origin } : { authorization: `Bearer ${key}` }
      const headers = { ...who, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
      const answer = await fetch(origin + path, { method, headers, body: JSON.stringify(body) })
      const text = await answer.text()
      assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
      return JSON.parse(text) as T
    }
    await call('/api/processing', PROCESSING, undefined, 'PUT')
    const items = PEOPLE.flatMap(({ subject, name, phone, email, address }) => [
      { subject, collection: 'person', record: '-', fields: { name, phone, email } },
      { subject, collection: 'order', record: 'orders.1', fields: { address } },
      { subject, collection: 'account', record: '-', fields: { password: PASSWORD } },
    ])
    await call('/api/vault/put', { items })
    const receipts: string[] = []
    for (const { subject } of PEOPLE) {
      await call('/api/agreements', { subject, kind: 'membership', ref: 'account' })
      const decisions = [{ purpose: 'news', version: 1, given: true }]
      const decided = { subject, notice: 1, language: 'vi', method: 'web-form', decisions }
      receipts.push((await call<{ code: string }>('/api/consents', decided)).code)
    }
    await call('/api/consents/withdraw', { subject: PEOPLE[2]!.subject, purpose: 'news' })
    const read = { subject: PEOPLE[0]!.subject, collection: 'person', record: '-', fields: ['name'] }
    await call('/api/vault/get', { purpose: 'delivery', reason: 'ORDER-1', items: [read] })
    const opened = await call<{ id: string }>('/api/cases', { title: 'Vụ việc thử', severity: 'low' }, analyst.cookie)
    await sleep(2_000) // the log publishes twice a second
    // The only administrator: no other account stays open when nobody has used it for 45 days.
    const staff = { name: 'quan-tri', password: STAFF_PASSWORD, totp }
    return { passphrase: PASSPHRASE, people: PEOPLE, password: PASSWORD, receipts, case: opened.id, serviceKey: key, staff } // prettier-ignore
  } finally {
    running.kill('SIGTERM')
    await gone
  }
}

/** Free pages go, and what a write-ahead log still holds comes in. */
function pack(file: string): void {
  using db = new DatabaseSync(file)
  db.exec('pragma wal_checkpoint(truncate); pragma journal_mode = delete; vacuum; pragma journal_mode = wal')
}

try {
  const expected = await live()
  for (const name of ['control.db', 'keys.db']) pack(join(node, name))
  rmSync(join(node, 'run'), { recursive: true, force: true })
  const said = spawnSync('git', ['-C', program, 'log', '-1', '--format=%h %cs'], { encoding: 'utf8' }).stdout.trim()
  mkdirSync(out, { recursive: true })
  const packed = spawnSync('tar', ['-czf', join(out, 'platform.tar.gz'), '--owner=0', '--group=0', '--sort=name', '-C', data, 'platform'], { encoding: 'utf8' }) // prettier-ignore
  assert.equal(packed.status, 0, packed.stderr)
  writeFileSync(join(out, 'expected.json'), `${JSON.stringify({ program: said, ...expected }, null, 2)}\n`)
  writeFileSync(
    join(out, 'README.md'),
    `# A data folder written by ${said}\n\nMade by test/upgrade/keep-folder.ts with a clone of that commit. Nobody in it is real.\nThe passphrase of its key.json is \`${PASSPHRASE}\`; it guards nothing. platform.tar.gz is the folder,\nexpected.json what must be found in it. Never made anew: what a release wrote is not changed.\n`,
  )
  console.log(`${out}: ${Math.round(statSync(join(out, 'platform.tar.gz')).size / 1_000)} kB`)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
