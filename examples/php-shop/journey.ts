import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { enrol, freePorts, khien, rows, shownOnce, startKhien, startShop, type Running } from './processes.ts'

// Một cửa hàng PHP + PostgreSQL đang bán hàng được đưa vào Khiên, bật cưỡng chế, sao lưu, mất máy và khôi phục.
// A PHP + PostgreSQL shop that sells is adopted, enforced, backed up, destroyed and restored:
//   SHOP_DATABASE=postgres://user@host/empty-database node examples/php-shop/journey.ts

const here = import.meta.dirname
const PEOPLE = Number(process.env['SHOP_PEOPLE'] ?? 25)
const SCOPES = [
  'processing:declare',
  'consent:write',
  'consent:read',
  'agreement:write',
  'vault:write',
  'vault:read',
  'vault:search',
  'vault:password',
  'vault:erase',
  'vault:declare',
]
const COLUMNS = ['customers.full_name', 'customers.phone', 'customers.email', 'orders.ship_address', 'orders.note']
/** What nobody may find in a stolen copy of the shop's database. */
const PERSONAL = /Khách Số|\b09\d{8}\b|@thu\.example|Lê Lợi|Gọi trước/

const url = new URL(
  process.env['SHOP_DATABASE'] ?? fail('SHOP_DATABASE: the address of an empty PostgreSQL database, postgres://…'),
)
const dsn = `pgsql:host=${url.hostname};port=${url.port || '5432'};dbname=${url.pathname.slice(1)};user=${url.username};password=${decodeURIComponent(url.password)}`
const folder = mkdtempSync(join(tmpdir(), 'khien-php-shop-'))
const place = (...names: string[]): string => join(folder, ...names)
const say = (text: string): void => console.log(text)
const running = new Set<Running>()
const keep = (one: Running): Running => (running.add(one), one)

type Enforcement = { counts: { purpose: string; code: string }[] }
type Opened = { items: ({ ok: true; fields: Record<string, string | null> } | { ok: false; code: string })[] }
type Api = <T = Enforcement>(path: string, body: object, method?: string, cookie?: string) => Promise<T>

async function journey(): Promise<void> {
  const [shopPort, port] = await ports()
  const shop = `http://127.0.0.1:${shopPort}`
  const env = { SHOP_DB: dsn, SHOP_STAFF: 'kho', SHOP_SPOOL: place('spool') }
  for (const text of readFileSync(join(here, 'schema.sql'), 'utf8').split(';')) if (text.trim() !== '') rows(dsn, text)

  say('1. Cửa hàng chưa có Khiên')
  cpSync(join(here, 'shop.php'), place('shop.php'))
  let selling = keep(await startShop(place('shop.php'), shopPort, env))
  const people = Array.from({ length: PEOPLE }, (_, i) => customer(shop, i))
  for (const one of people) {
    await one.register()
    await one.order(`${one.n} Lê Lợi, Quận 1`, one.n % 2 === 0 ? 'Gọi trước khi giao' : '')
  }
  assert.match(await staffPage(shop), /Khách Số 3/)
  assert.match(JSON.stringify(rows(dsn, 'select * from customers')), PERSONAL)

  say('2. Một nút Khiên bên cạnh, có quản trị và người phụ trách bảo vệ dữ liệu')
  writeFileSync(place('passphrase'), 'một câu dài mà người vận hành nhớ', { mode: 0o600 })
  const role = ['--role', 'platform']
  await khien(['key', 'init', ...role, '--data', place('data')], { passphrase: place('passphrase') })
  cpSync(place('data', 'platform', 'key.json'), place('key-kept-apart.json'))
  const nodeArgs = [...role, '--port', String(port), '--upstream', shop]
  const ready = `http://localhost:${port + 1}/readyz`
  let node = keep(await startKhien([...nodeArgs, '--data', place('data')], place('passphrase'), ready))
  const console_ = `http://localhost:${port + 1}`
  for (let tries = 0; !/setup\?token=/.test(node.said()) && tries < 100; tries++)
    await new Promise((r) => setTimeout(r, 100))
  const admin = await enrol(console_, /setup\?token=([\w-]+)/.exec(node.said())![1]!, 'quan-tri')
  const link = await shownOnce(console_, admin, '/settings/invitations', [['roles[]', 'dpo']])
  const dpo = await enrol(console_, new URL(link).searchParams.get('token')!, 'bao-ve-du-lieu')
  const key = await shownOnce(console_, admin, '/settings/keys', [
    ['name', 'cua-hang'],
    ...SCOPES.map((scope): [string, string] => ['scopes[]', scope]),
  ])
  writeFileSync(place('key'), key, { mode: 0o600 })
  const api: Api = async <T>(path: string, body: object, method = 'POST', cookie?: string): Promise<T> => {
    const who = cookie === undefined ? { authorization: `Bearer ${key}` } : { cookie, origin: console_ }
    const answer = await fetch(console_ + path, {
      method,
      headers: { 'content-type': 'application/json', ...who } as Record<string, string>,
      ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
    return JSON.parse(text) as T
  }
  await api('/api/processing', JSON.parse(readFileSync(join(here, 'processing.json'), 'utf8')), 'PUT')
  await api('/api/vault/enforcement', { purpose: 'order-delivery', caller: '*', mode: 'observe' }, 'PUT', dpo)

  say('3. Chuyển dữ liệu vào trong khi vẫn bán: plan, copy, follow, compare')
  const source = ['--source', url.href]
  const vault = [...source, '--vault', console_, '--key-file', place('key')]
  await khien(['adopt', 'plan', ...source, '--out', place('plan.json')])
  await khien(['adopt', 'copy', ...vault, '--plan', place('plan.json')])
  const late = customer(shop, PEOPLE)
  await late.register()
  await late.order('99 Lê Lợi, Quận 1', 'Gọi trước')
  await khien(['adopt', 'follow', ...vault, '--once'])
  await khien(['adopt', 'compare', ...vault])

  say('4. Cửa hàng bản có Khiên; khách cũ và mới cùng dùng được')
  const patched = spawnSync('patch', ['-p1', '-i', join(here, 'khien.patch')], { cwd: folder, encoding: 'utf8' })
  assert.equal(patched.status, 0, patched.stdout + patched.stderr)
  const khienEnv = {
    ...env,
    KHIEN_CLIENT: join(here, '../../clients/php/Khien.php'),
    KHIEN_ORIGIN: console_,
    KHIEN_PUBLIC: `http://localhost:${port + 11}`,
    KHIEN_KEY_FILE: place('key'),
  }
  await selling.stop()
  running.delete(selling)
  selling = keep(await startShop(place('shop.php'), shopPort, khienEnv))
  const fresh = customer(shop, PEOPLE + 1)
  await fresh.register()
  await fresh.order('7 Lê Lợi, Quận 1', 'Gọi trước')
  assert.match(await staffPage(shop), /Khách Số 3</)

  say('5. Đổi từng cột thành mã; theo dõi trước, cưỡng chế sau')
  for (const column of COLUMNS) await khien(['adopt', 'switch', ...vault, '--column', column])
  await khien(['adopt', 'follow', ...vault, '--once'])
  await khien(['adopt', 'compare', ...vault])
  assert.match(await staffPage(shop), /Khách Số 3</, 'watched only: shown, and counted')
  const watched = await api('/api/vault/enforcement', {}, 'GET', dpo)
  assert.ok(
    watched.counts.some(
      (one: { code: string; purpose: string }) => one.purpose === 'order-delivery' && one.code === 'vault/no-agreement',
    ),
    JSON.stringify(watched),
  )
  await api('/api/vault/enforcement', { purpose: 'order-delivery', caller: '*', mode: 'enforce' }, 'PUT', dpo)
  assert.doesNotMatch(await staffPage(shop), /Khách Số 3</, 'no ground, no name')
  // Who was a customer before has an agreement of before; the shop's own table is its evidence.
  const told = ['--kind', 'membership', '--ref', 'account', '--given', '@created_at', '--method', 'web-form', '--kept', 'shop.customers', '--stated-by', 'DPO-1'] // prettier-ignore
  const taken = await khien([
    'adopt',
    'consents',
    ...vault,
    '--from',
    'customers',
    '--person',
    'id=customers.id',
    ...told,
  ])
  assert.match(taken, new RegExp(`${PEOPLE + 2} rows read: ${PEOPLE + 1} carry reads now`))
  assert.match(taken, /1 nothing new: consent\/agreement-known/)
  assert.match(await staffPage(shop), /Khách Số 3</)

  say('6. Mật khẩu chuyển khi chủ của nó đăng nhập, số còn lại bằng mã băm; rồi dọn nơi cũ')
  for (const one of people.slice(0, 3)) await one.login()
  assert.match(
    php(['-f', join(here, 'import-passwords.php')], khienEnv),
    new RegExp(`^${PEOPLE - 2} taken over, 0 left`),
  )
  for (const one of [...people, late]) {
    await one.login()
    assert.match(await one.orders(), new RegExp(`Khách Số ${one.n}<`))
  }
  assert.equal(rows(dsn, "select 1 from customers where password_hash not like 'kh\\_%'").length, 0)
  const purged = await khien(['adopt', 'purge', ...vault, '--rewrite'])
  assert.match(purged, /WAL/)
  assert.doesNotMatch(tables(), PERSONAL)
  assert.match(await findPage(shop, people[3]!.phone), /khach3@thu\.example/)
  const held = await valuesHeld(api)
  assert.equal(held.size, 5 * (PEOPLE + 2) - Math.floor(PEOPLE / 2), 'name, phone, e-mail, address, and a note of some')

  say('7. Sao lưu dữ liệu và khóa ở hai nơi, rồi máy bị phá hủy giữa lúc bán hàng')
  mkdirSync(place('backup'))
  mkdirSync(place('backup-keys'))
  const from = ['--from', place('backup'), '--keys-from', place('backup-keys')]
  await khien(['backup', ...role, '--data', place('data'), '--to', place('backup'), '--keys-to', place('backup-keys')])
  await khien(['drill', ...role, '--data', place('data'), ...from], { passphrase: place('passphrase') })
  await node.kill()
  running.delete(node)
  cpSync(place('data', 'platform', 'log', 'log.vkey'), place('log.vkey'))
  rmSync(place('data'), { recursive: true })
  const orders = rows(dsn, 'select id from orders').length
  await people[0]!.order('1 Lê Lợi, Quận 1', 'Gọi trước khi giao')
  await people[1]!.order('2 Lê Lợi, Quận 1', '')
  assert.equal(rows(dsn, 'select id from orders').length, orders + 2, 'orders go on while the vault is gone')

  say('8. Khôi phục trên máy mới; mọi thứ đọc được, đơn đặt lúc vắng cũng tới nơi')
  await khien(['restore', ...role, '--data', place('new'), ...from, '--key', place('key-kept-apart.json')], {
    passphrase: place('passphrase'),
  })
  node = keep(await startKhien([...nodeArgs, '--data', place('new')], place('passphrase'), ready))
  const back = await valuesHeld(api)
  for (const [where, value] of held) assert.equal(back.get(where), value, `${where} after the restore`)
  deliver(khienEnv)
  const all = await staffPage(shop)
  for (const one of [...people, late, fresh]) assert.match(all, new RegExp(`Khách Số ${one.n}<`), `customer ${one.n}`)
  assert.match(await people[0]!.orders(), /1 Lê Lợi, Quận 1/)
  await people[2]!.login()
  assert.equal((await valuesHeld(api)).size, held.size + 3, 'and the two orders of meanwhile')
  assert.doesNotMatch(tables(), PERSONAL)
  await node.stop()
  running.delete(node)
  say(await khien(['log', 'verify', place('new', 'platform', 'log'), '--vkey', place('log.vkey')]))
  say(`Xong: ${people.length + 2} khách, ${orders + 2} đơn, không mất gì.`)
}

/** Every row of the shop, as who steals its database has them. */
const tables = (): string =>
  JSON.stringify(['customers', 'orders', 'sessions'].flatMap((name) => rows(dsn, `select * from ${name}`)))

/** All that the vault holds of the shop's people, value by value, read over the API as the app reads. */
async function valuesHeld(api: Api): Promise<Map<string, string>> {
  const people = rows(dsn, 'select khien_subject as subject from customers')
  const orders = rows(dsn, 'select o.id, khien_subject as subject from orders o join customers c on c.id = customer_id')
  const places = [
    ...people.flatMap(({ subject }) =>
      ['name', 'phone', 'email'].map((field) => ({ subject, collection: 'person', record: '-', fields: [field] })),
    ),
    ...orders.flatMap(({ id, subject }) =>
      ['address', 'note'].map((field) => ({ subject, collection: 'order', record: `orders.${id}`, fields: [field] })),
    ),
  ]
  const held = new Map<string, string>()
  for (let from = 0; from < places.length; from += 200) {
    const items = places.slice(from, from + 200)
    const answer = await api<Opened>('/api/vault/get', { purpose: 'order-delivery', reason: 'CHECK-1', items })
    for (const [i, item] of answer.items.entries()) {
      const { subject, collection, record, fields } = items[i]!
      const where = `${subject} ${collection} ${record} ${fields[0]}`
      assert.ok(item.ok, where)
      // A note that nobody wrote is not there.
      const value = item.fields[fields[0]!] ?? null
      if (value !== null) held.set(where, value)
    }
  }
  return held
}

function customer(shop: string, n: number) {
  let cookie = ''
  const phone = `09${String(n).padStart(8, '0')}`
  async function post(path: string, fields: Record<string, string>): Promise<string> {
    const answer = await fetch(shop + path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
      body: new URLSearchParams(fields).toString(),
    })
    const text = await answer.text()
    assert.equal(answer.status, 200, `${path} of customer ${n}: ${answer.status} ${text}`)
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return text
  }
  const email = `khach${n}@thu.example`
  const password = `mật khẩu riêng của ${n}`
  return {
    n,
    phone,
    register: () => post('/register', { email, name: `Khách Số ${n}`, phone, password }),
    login: () => post('/login', { email, password }),
    order: (address: string, note: string) => post('/orders', { address, note, total: '120000' }),
    orders: async () => (await fetch(`${shop}/orders`, { headers: { cookie } })).text(),
  }
}

const asStaff = { headers: { authorization: `Basic ${Buffer.from('nv:kho').toString('base64')}` } }
async function staffPage(shop: string): Promise<string> {
  const answer = await fetch(`${shop}/staff`, asStaff)
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  return text
}
const findPage = async (shop: string, phone: string): Promise<string> =>
  (await fetch(`${shop}/staff/find?phone=${phone}`, asStaff)).text()

/** What cron does every minute. */
function deliver(env: Record<string, string>): void {
  const code = `require getenv('KHIEN_CLIENT'); $khien = new Khien(getenv('KHIEN_ORIGIN'), getenv('KHIEN_PUBLIC'), trim(file_get_contents(getenv('KHIEN_KEY_FILE'))), ['spool' => getenv('SHOP_SPOOL')]);
    for ($i = 0; $i < 20 && $khien->deliver(2)['pending'] > 0; $i++) usleep(200000); $said = $khien->spooled(); echo json_encode($said); exit($said['pending'] + $said['refused']);`
  php(['-r', code], env)
}

function php(args: readonly string[], env: Record<string, string>): string {
  const given = { PATH: process.env['PATH'] ?? '', ...env }
  const { status, stdout, stderr } = spawnSync('php', args, { env: given, encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

/** A port for the shop, and one from which Khiên's own are counted. */
async function ports(): Promise<[number, number]> {
  const [shop] = await freePorts(1)
  return [shop!, 20_000 + 50 * Math.floor(Math.random() * 200)]
}

function fail(why: string): never {
  throw new Error(why)
}

try {
  await journey()
} catch (error) {
  for (const one of running)
    say(
      one
        .said()
        .replace(/^.*(?:Accepted|Closing)\n/gm, '')
        .slice(-3_000),
    )
  throw error
} finally {
  for (const one of running) await one.kill()
  rmSync(folder, { recursive: true, force: true })
}
