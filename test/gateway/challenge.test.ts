import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { Pool } from 'undici'
import { checkSettings } from '../../src/gateway/settings/check.ts'
import { zeroBits } from '../../src/gateway/worker/challenge/puzzle.ts'
import { faultsOf, openBrowser, shoot, watchConsole, withoutBrowser } from '../journey/browser.ts'
import { AGENTS, type Answer, each, logIn, solve, startGuarded } from './guarded.ts'
import { startRig } from './servers.ts'
import { settingsWith } from './sites.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
test('2.000 người và một kẻ tấn công sau cùng một địa chỉ', { timeout: 240_000 }, async (t) => {
  await using guarded = await startGuarded()
  const { clock, shop, rig } = guarded
  type Person = { name: string; agent: string; seen?: string }
  const people: Person[] = Array.from({ length: 2_000 }, (_, i) => ({
    name: `nguoi${i}`,
    agent: AGENTS[i % AGENTS.length]!,
  }))
  const rightly = ({ name }: Person): string => `mật khẩu của ${name}`
  const headersOf = ({ agent, seen }: Person): Record<string, string> => ({
    'user-agent': agent,
    'accept-language': 'vi-VN',
    'x-of': 'honest',
    ...(seen === undefined ? {} : { cookie: `phien=abc; ${seen}` }),
  })
  let checked = 0
  /** As a person does: mistypes now and then, solves what is asked, and gets in. */
  const arrive = async (person: Person, mistypes: number): Promise<void> => {
    let solved: Record<string, string> = {}
    let asked = false
    for (let tries = 0; ; tries++) {
      const password = tries < mistypes ? 'nhầm' : rightly(person)
      const answer = await logIn(guarded, person.name, password, { ...headersOf(person), ...solved })
      if (answer.seen !== undefined) person.seen = answer.seen
      if (answer.status === 303) break
      assert.ok(tries < 10, `${person.name} never got in`)
      if (answer.check === undefined) continue
      asked = true
      tries--
      solved = { 'khien-check': solve(answer.check) }
    }
    if (asked) checked++
  }

  await t.test('một ngày thường: chưa ai có dấu, không ai phải kiểm tra', async () => {
    await each(people.slice(0, 1_980), async (person, i) => {
      clock.advance(DAY / 2_000)
      await arrive(person, i % 12 === 0 ? 1 : 0)
    })
    assert.equal(checked, 0)
    assert.ok(people.slice(0, 1_980).every(({ seen }) => seen !== undefined))
  })

  await t.test('hôm sau, giữa cuộc dò mật khẩu', async () => {
    clock.advance(DAY / 3)
    shop.tried.hostile = 0
    const own = await logIn(guarded, 'ke-trom', 'mật khẩu của ke-trom', { 'user-agent': AGENTS[0]! })
    let stolen: string | undefined
    let [attempts, turned, work] = [0, 0, 0]
    const disguises: ((i: number) => Record<string, string>)[] = [
      () => ({ 'user-agent': AGENTS[0]! }),
      (i) => ({ 'user-agent': `${AGENTS[i % 4]} ${randomBytes(4).toString('hex')}`, 'accept-language': `vi-${i}` }),
      (i) => ({
        'user-agent': AGENTS[i % 4]!,
        cookie: `khien_seen=seen.${randomBytes(12).toString('base64url')}.t9x0ab.0.${randomBytes(17).toString('base64url').slice(0, 22)}`,
      }),
      (i) => ({ 'user-agent': AGENTS[i % 4]!, cookie: own.seen ?? '' }),
      (i) => ({ 'user-agent': AGENTS[i % 4]!, 'x-forwarded-for': `203.0.113.${i % 250}` }),
      (i) => ({ 'user-agent': AGENTS[i % 4]!, cookie: `khien_check=${stolen ?? ''}` }),
    ]
    const attack = async (i: number): Promise<void> => {
      attempts++
      const answer = await logIn(guarded, `nguoi${i % 2_000}`, `123456${i}`, {
        'x-of': 'hostile',
        ...disguises[i % disguises.length]!(i),
      })
      if (answer.status === 429) turned++
      // It pays for one check as well, and tries to live on it for ever.
      if (stolen === undefined && answer.check !== undefined) {
        stolen = solve(answer.check)
        work++
      }
    }
    checked = 0
    await each(people, async (person, i) => {
      clock.advance((30 * MINUTE) / 2_000)
      await attack(2 * i)
      await attack(2 * i + 1)
      await arrive(person, i % 12 === 0 ? 1 : i % 100 === 1 ? 3 : 0)
    })
    t.diagnostic(
      `${attempts} attempts, ${shop.tried.hostile} reached the application (${((100 * shop.tried.hostile) / attempts).toFixed(2)} %), ${checked} of 2000 people saw a check`,
    )
    assert.equal(attempts, 4_000)
    assert.equal(turned, attempts - shop.tried.hostile)
    // What is free: the newcomers' tries of an address, once, the own account's of 30 minutes, and one solved check's.
    const free = 50 + 5 * 4 + 5 * work
    assert.ok(shop.tried.hostile <= free, `${shop.tried.hostile} of ${free}`)
    assert.ok(checked <= 20, `${checked} people saw a check`)
    assert.ok(rig.gateway.stats().turned.check >= turned)
  })
})

test('một lần giải chỉ đủ cho vài lượt, của ai cũng vậy; càng giải nhiều càng khó; không giải thì chờ', async (t) => {
  await using guarded = await startGuarded(8)
  const { clock, shop, rig, pool } = guarded
  const from = { 'user-agent': AGENTS[0]! }
  const demanded = async (headers: Record<string, string> = from): Promise<Answer> =>
    logIn(guarded, 'ai-do', 'sai', headers)
  for (let i = 0; i < 80; i++) await demanded({ 'user-agent': `x${i}` })
  await t.test('giải một lần: năm lượt, kể cả khi người khác mang theo', async () => {
    const { check } = await demanded()
    const answer = solve(check!)
    const statuses: number[] = []
    for (let i = 0; i < 8; i++)
      statuses.push((await demanded({ 'user-agent': AGENTS[i % 4]!, 'khien-check': answer })).status)
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
  })
  await t.test('không nhận: chưa giải, sửa số bit, của trang khác, quá hạn', async () => {
    const { check } = await demanded()
    let lazy = 0
    while (zeroBits(`${check!.token}.${lazy}`) >= 4) lazy++
    const easier = check!.token.replace(/\.\d+\.([\w-]+)$/, '.1.$1')
    assert.notEqual(easier, check!.token)
    for (const bad of [`${check!.token}.${lazy}`, solve({ token: easier, bits: 1 }), 'x', 'check.a.b.c.d.1'])
      assert.equal((await demanded({ ...from, 'khien-check': bad })).status, 429, bad)
    const answer = solve(check!)
    clock.advance(11 * MINUTE)
    // Of several kinds of browser: one alone uses up no more than its half.
    for (let i = 0; i < 60; i++) await demanded({ 'user-agent': `y${i}` })
    assert.equal((await demanded({ ...from, 'khien-check': answer })).status, 429)
  })
  await t.test('khó dần', async () => {
    const first = (await demanded()).check!.bits
    for (let i = 0; i < 40; i++) {
      const answer = solve((await demanded()).check!)
      for (let use = 0; use < 5; use++) await demanded({ ...from, 'khien-check': answer })
    }
    const later = (await demanded()).check!.bits
    assert.ok(later >= first + 2, `${first} → ${later}`)
  })
  await t.test('chờ: một lượt mỗi vé, mỗi địa chỉ vài giây một lượt', async () => {
    const ticket = async (): Promise<string> => {
      const { headers, body } = await pool.request({ method: 'POST', path: '/dang-nhap', headers: from })
      await body.dump()
      assert.ok(Number(headers['retry-after']) >= 15)
      return [headers['set-cookie'] ?? []].flat()[0]!.split(';')[0]!
    }
    const tickets = [await ticket(), await ticket()]
    const use = async (cookie: string): Promise<number> => (await demanded({ ...from, cookie })).status
    assert.equal(await use(tickets[0]!), 429, 'too early')
    clock.advance(16_000)
    assert.deepEqual([await use(tickets[0]!), await use(tickets[0]!), await use(tickets[1]!)], [401, 429, 401])
    const many: string[] = []
    for (let i = 0; i < 30; i++) many.push(await ticket())
    clock.advance(20_000)
    let through = 0
    for (const one of many) if ((await use(one)) === 401) through++
    assert.ok(through >= 4 && through <= 6, `${through} of 30 waiting at once`)
  })
  await t.test('tin nhắn mã: mỗi lượt đều tính, cả khi thành công', async () => {
    for (let i = 0; i < 200; i++) {
      const { body } = await pool.request({
        method: 'POST',
        path: '/otp',
        headers: { 'user-agent': `bơm ${i}`.normalize('NFD').replace(/[^\x20-\x7e]/g, '') },
      })
      await body.dump()
    }
    assert.equal(shop.tried.messages, 20)
  })
  assert.ok(rig.gateway.stats().solved > 200 && rig.gateway.stats().waited >= 6)
})

test('trang kiểm tra: không gửi hộ biểu mẫu của trang khác; phép tính của đường dẫn nào dùng cho đường dẫn ấy', async (t) => {
  await using guarded = await startGuarded(8, ['127.0.0.1'])
  const { pool, clock, shop } = guarded
  const ask = async (path: string, headers: Record<string, string>, body = 'ten=a&mat_khau=b') => {
    const type = { 'content-type': 'application/x-www-form-urlencoded', host: 'cho-sen.vn' }
    const answer = await pool.request({ method: 'POST', path, headers: { ...type, ...headers }, body })
    const cookies = [answer.headers['set-cookie'] ?? []].flat()
    return { status: answer.statusCode, text: await answer.body.text(), cookies }
  }
  const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address })
  for (let i = 0; i < 80; i++)
    for (const path of ['/dang-nhap', '/kho']) await ask(path, { ...from('198.51.100.7'), 'user-agent': `x${i}` })
  const page = { ...from('198.51.100.7'), accept: 'text/html' }
  for (const [headers, again] of [
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://cho-sen.vn' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ origin: 'https://cho-sen.vn' }, true],
    [{ 'sec-fetch-site': 'cross-site', origin: 'https://cho-sen.vn' }, false],
    [{ 'sec-fetch-site': 'same-site', origin: 'https://khac.cho-sen.vn' }, false],
    [{ origin: 'https://evil.example' }, false],
    [{ origin: 'null' }, false],
    [{}, false],
  ] as [Record<string, string>, boolean][]) {
    const { status, text } = await ask('/dang-nhap', { ...page, ...headers })
    assert.equal(status, 429)
    assert.equal(text.includes('<form'), again, JSON.stringify(headers))
    assert.equal(text.includes('mat_khau'), again)
  }
  await t.test('phép tính dễ không mở đường dẫn khó', async () => {
    const { check } = JSON.parse((await ask('/dang-nhap', from('198.51.100.7'))).text) as { check: Answer['check'] }
    const solved = { ...from('198.51.100.7'), 'khien-check': solve(check!) }
    assert.equal((await ask('/kho', solved)).status, 429)
    assert.equal((await ask('/dang-nhap', solved)).status, 401)
  })
  await t.test('vé chờ của địa chỉ nào dùng ở địa chỉ ấy, và cả đường dẫn có mức chung', async () => {
    const lines = Array.from({ length: 200 }, (_, i) => `2001:db8:${(i + 1).toString(16)}::1`)
    const tickets: string[] = []
    for (const line of lines)
      for (let i = 0; i < 4; i++) {
        const { status, cookies } = await ask('/kho', from(line))
        if (status === 429 && i === 3) tickets.push(cookies[0]!.split(';')[0]!)
      }
    assert.equal(tickets.length, lines.length)
    clock.advance(20_000)
    assert.equal((await ask('/kho', { ...from(lines[1]!), cookie: tickets[0]! })).status, 429, 'another line')
    let through = 0
    for (const [i, line] of lines.entries())
      if ((await ask('/kho', { ...from(line), cookie: tickets[i]! })).status === 401) through++
    assert.ok(through >= 15 && through <= 25, `${through} of 200 lines`)
  })
  await t.test('nơi mọi lượt đều tính: người đã đến có lượt riêng ở đó, không ở nơi khác', async () => {
    const { status, cookies } = await ask('/otp', { ...from('203.0.113.5'), 'x-forwarded-proto': 'https' })
    assert.equal(status, 200)
    assert.match(cookies[0]!, /^khien_met=.*; HttpOnly; SameSite=Lax; Secure$/)
    const met = { ...from('203.0.113.5'), cookie: cookies[0]!.split(';')[0]! }
    clock.advance(61 * MINUTE)
    for (let i = 0; i < 30; i++) await ask('/otp', from('203.0.113.5'))
    assert.equal((await ask('/otp', from('203.0.113.5'))).status, 429)
    assert.deepEqual(
      [(await ask('/otp', met)).status, (await ask('/otp', met)).status, (await ask('/otp', met)).status],
      [200, 200, 429],
    )
  })
  await t.test('ứng dụng hỏng không tính lượt của ai', async () => {
    await shop[Symbol.asyncDispose]()
    for (let i = 0; i < 80; i++) assert.notEqual((await ask('/dang-nhap', from('203.0.113.77'))).status, 429)
  })
})

test('ở chế độ chỉ theo dõi, kiểm tra chỉ đếm', async () => {
  await using guarded = await startGuarded(8)
  const { rig, shop } = guarded
  const routes = [{ path: '/dang-nhap', mode: 'detect', challenge: { newcomers: 2 } }]
  await rig.gateway.use(settingsWith(shop.origin, [{ name: 'cho-sen', routes }]))
  for (let i = 0; i < 20; i++) assert.equal((await logIn(guarded, 'a', 'sai', {})).status, 401)
  assert.equal(rig.gateway.stats().turned.check, 0)
})

test('mật khẩu đã lộ: ứng dụng được báo bằng một đầu mục, khách không tự đặt được', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'khien-breached-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'list.txt')
  const lines = ['123456', 'matkhau', 'Anh Yêu Em'].map((one) =>
    createHash('sha1').update(one).digest('hex').toUpperCase(),
  )
  await writeFile(file, `${lines.sort().join(':7\r\n')}:7\r\n`)
  await using rig = await startRig()
  const routes = [{ path: '/dang-nhap', breachedPasswords: { field: 'mat_khau', file } }]
  await rig.gateway.use(settingsWith(rig.origin, [{ routes }]))
  const pool = new Pool(`http://127.0.0.1:${rig.port}`)
  t.after(() => pool.close())
  for (const [path, password, expected] of [
    ['/dang-nhap', 'Anh Yêu Em', ['1']],
    ['/dang-nhap', 'một câu không ai dùng', []],
    ['/khac', '123456', []],
  ] as const) {
    const body = new URLSearchParams({ mat_khau: password }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-khien-password-breached': '0' }
    const answer = await pool.request({ method: 'POST', path, headers, body })
    await answer.body.dump()
    const { headers: got } = rig.received.at(-1)!
    assert.deepEqual(
      got.filter((_, i) => got[i - 1]?.toLowerCase() === 'x-khien-password-breached'),
      expected,
    )
  }
  const bad = [{ path: '/', breachedPasswords: { field: 'a', file: join(folder, 'khong-co') } }]
  await rig.gateway.use(settingsWith(rig.origin, [{ routes: bad }]))
  assert.equal(rig.gateway.stats().settingsErrors, 1, 'told, and everything else runs')
  await assert.rejects(checkSettings(settingsWith(rig.origin, [{ routes: bad }]), undefined), {
    code: 'data/breached-passwords',
    status: 422,
  })
  const tls = { certificate: join(folder, 'khong-co.pem'), key: join(folder, 'khong-co.key') }
  await assert.rejects(checkSettings(settingsWith(rig.origin, [{ tls }]), undefined), { code: 'gateway/certificate' })
})

test(
  'trong trình duyệt: tự giải rồi gửi lại biểu mẫu; không có mã thì chờ',
  { skip: withoutBrowser, timeout: 120_000 },
  async (t) => {
    await using guarded = await startGuarded(14)
    const { clock, rig } = guarded
    const browser = await openBrowser()
    t.after(() => browser.close())
    const origin = `http://127.0.0.1:${rig.port}`
    const exhaust = async (): Promise<void> => {
      for (let i = 0; i < 80; i++) await logIn(guarded, 'ai-do', 'sai', { 'user-agent': `x${i}` })
    }
    const fill = async (page: import('playwright-core').Page): Promise<void> => {
      await page.goto(`${origin}/dang-nhap`)
      await page.fill('[name=ten]', 'hoa <&"')
      await page.fill('[name=mat_khau]', 'mật khẩu của hoa <&"')
    }
    await exhaust()
    await t.test('có mã', async () => {
      for (const width of [1_440, 360]) {
        const page = await (await browser.newContext({ viewport: { width, height: 800 } })).newPage()
        const said = watchConsole(page)
        let letIn = (): void => undefined
        const looked = new Promise<void>((resolve) => (letIn = resolve))
        await page.route('**/.khien/check.js', (route) => looked.then(() => route.continue()))
        await fill(page)
        await page.click('button', { noWaitAfter: true })
        await page.waitForSelector('progress')
        await shoot(page, `check-${width}`)
        assert.deepEqual(await faultsOf(page, said), [])
        letIn()
        await page.waitForURL(`${origin}/cua-toi`, { timeout: 60_000 })
        assert.ok((await page.context().cookies()).some(({ name, httpOnly }) => name === 'khien_seen' && httpOnly))
        await page.context().close()
      }
    })
    await t.test('không giữ cookie: nói ra, không lặp mãi', async () => {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.addInitScript("Object.defineProperty(document, 'cookie', { get: () => '', set: () => undefined })")
      let posts = 0
      page.on('request', (request) => void (posts += Number(request.method() === 'POST')))
      await fill(page)
      await page.click('button')
      await page.getByText('không giữ cookie').waitFor()
      assert.equal(posts, 1)
      await context.close()
    })
    await t.test('ứng dụng gọi bằng fetch', async () => {
      const page = await (await browser.newContext()).newPage()
      await page.goto(`${origin}/dang-nhap`)
      await page.addScriptTag({ url: '/.khien/check.js' })
      const status = await page.evaluate(
        `khien.fetch('/dang-nhap', { method: 'POST', redirect: 'manual', body: new URLSearchParams({ ten: 'mai', mat_khau: 'mật khẩu của mai' }) }).then((answer) => answer.type + answer.status)`,
      )
      assert.equal(status, 'opaqueredirect0')
    })
    await t.test('không có mã', async () => {
      const page = await (
        await browser.newContext({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } })
      ).newPage()
      await fill(page)
      await page.click('button')
      await page.waitForLoadState()
      await shoot(page, 'wait-360')
      assert.match(await page.content(), /Trình duyệt này không chạy mã/)
      assert.equal(await page.locator('meta[http-equiv=refresh]').getAttribute('content'), '16;url=/dang-nhap')
      clock.advance(17_000)
      await fill(page)
      await page.click('button')
      await page.waitForURL(`${origin}/cua-toi`)
    })
  },
)
