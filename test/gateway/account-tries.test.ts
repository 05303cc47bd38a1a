import assert from 'node:assert/strict'
import test from 'node:test'
import { AGENTS, each, logIn, solve, startGuarded } from './guarded.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const FREE = 10
/** Addresses that nobody has seen before. */
const addresses = (() => {
  let next = 0
  return (): string => {
    const i = next++
    return i % 2 === 0 ? `198.${18 + ((i >> 16) & 1)}.${(i >> 8) & 255}.${i & 255}` : `2001:db8:${i.toString(16)}::7`
  }
})()
const guard = (more: object = {}) =>
  startGuarded(8, ['127.0.0.1'], { account: { field: 'ten', tries: FREE }, newcomers: 50, ...more })
const from = (address: string, more: Record<string, string> = {}): Record<string, string> => ({
  'user-agent': AGENTS[0]!,
  'x-forwarded-for': address,
  ...more,
})

test('mật khẩu của một tài khoản bị dò từ 2.000 địa chỉ', { timeout: 120_000 }, async (t) => {
  await using guarded = await guard()
  const { clock, shop, pool, rig } = guarded
  const hostile = (address: string): Record<string, string> => from(address, { 'x-of': 'hostile' })
  const home = addresses()
  const first = await pool.request({
    method: 'POST',
    path: '/dang-nhap',
    headers: { ...from(home), 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ten: 'Chị Hoa', mat_khau: 'mật khẩu của Chị Hoa' }).toString(),
  })
  await first.body.dump()
  const cookies = [first.headers['set-cookie'] ?? []].flat().map((one) => one.split(';')[0]!)
  assert.deepEqual(cookies.map((one) => one.split('=')[0]).toSorted(), ['khien_own', 'khien_seen'])
  const cookie = cookies.join('; ')
  assert.ok(!/hoa/i.test(decodeURIComponent(cookie)), 'no cookie names anybody')
  clock.advance(2 * 60 * MINUTE)

  await t.test('quá số lượt thì mỗi lần thử phải giải một phép tính riêng', async () => {
    let turned = 0
    await each(
      Array.from({ length: 2_000 }, (_, i) => i),
      async (i) => {
        clock.advance(100)
        // One spelling or another, all of them the same account to the shop.
        const name = ['Chị Hoa', 'chị hoa', ' Chị Hoa ', 'Chị Hoa'.normalize('NFD')][i % 4]!
        if ((await logIn(guarded, name, `123456${i}`, hostile(addresses()))).status === 429) turned++
      },
    )
    t.diagnostic(`${shop.tried.hostile} of 2000 tries reached the application`)
    // What is free, and what comes back in three minutes.
    assert.ok(shop.tried.hostile >= FREE && shop.tried.hostile <= FREE + 4, String(shop.tried.hostile))
    assert.equal(turned, 2_000 - shop.tried.hostile)
    assert.equal(rig.gateway.stats().turned.check, turned)
  })
  await t.test('phép tính của một lượt không dùng được hai lần, và càng giải càng khó', async () => {
    const bits: number[] = []
    for (let i = 0; i < 40; i++) {
      const { check } = await logIn(guarded, 'Chị Hoa', 'sai', hostile(addresses()))
      bits.push(check!.bits)
      const solved = { 'khien-check': solve(check!) }
      assert.equal((await logIn(guarded, 'Chị Hoa', 'sai', { ...hostile(addresses()), ...solved })).status, 401)
      assert.equal((await logIn(guarded, 'Chị Hoa', 'sai', { ...hostile(addresses()), ...solved })).status, 429)
    }
    assert.ok(bits.at(-1)! >= bits[0]! + 2, bits.join(' '))
  })
  await t.test('chủ tài khoản: máy quen vào thẳng, cả khi nhầm; máy mới giải một lần', async () => {
    const own = from(addresses(), { cookie })
    assert.equal((await logIn(guarded, 'Chị Hoa', 'nhầm', own)).status, 401)
    assert.equal((await logIn(guarded, 'Chị Hoa', 'mật khẩu của Chị Hoa', own)).status, 303)
    const phone = from(addresses())
    const { status, check } = await logIn(guarded, 'Chị Hoa', 'mật khẩu của Chị Hoa', phone)
    assert.equal(status, 429)
    const solved = { ...phone, 'khien-check': solve(check!) }
    assert.equal((await logIn(guarded, 'Chị Hoa', 'mật khẩu của Chị Hoa', solved)).status, 303)
    // A person's browser: the page sends the form again by itself.
    const page = { ...phone, accept: 'text/html', 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' } // prettier-ignore
    const shown = await pool.request({ method: 'POST', path: '/dang-nhap', headers: page, body: 'ten=Ch%E1%BB%8B+Hoa&mat_khau=m%E1%BA%ADt' }) // prettier-ignore
    assert.equal(shown.statusCode, 429)
    const html = await shown.body.text()
    assert.match(html, /<form method="post" action="\/dang-nhap" hidden><input[^>]*name="ten" value="Chị Hoa"/)
    assert.match(html, /name="mat_khau" value="mật"/)
    const waits = await pool.request({ method: 'POST', path: '/dang-nhap', headers: { ...phone, 'content-type': 'application/x-www-form-urlencoded' }, body: 'ten=Ch%E1%BB%8B+Hoa&mat_khau=x' }) // prettier-ignore
    await waits.body.dump()
    const place = [waits.headers['set-cookie'] ?? []].flat()[0]!.split(';')[0]!
    clock.advance(16_000)
    const waited = { ...phone, cookie: place }
    assert.equal((await logIn(guarded, 'Chị Hoa', 'nhầm', waited)).status, 401)
    assert.equal((await logIn(guarded, 'Chị Hoa', 'mật khẩu của Chị Hoa', waited)).status, 429, 'one try a ticket')
  })
  await t.test('người khác không phải kiểm tra gì; dấu của tài khoản này không mở tài khoản khác', async () => {
    for (let i = 0; i < 50; i++)
      assert.equal((await logIn(guarded, `khach${i}`, `mật khẩu của khach${i}`, from(addresses()))).status, 303)
    for (let i = 0; i < FREE; i++)
      assert.equal((await logIn(guarded, 'anh Nam', 'sai', hostile(addresses()))).status, 401)
    assert.equal((await logIn(guarded, 'anh Nam', 'sai', from(addresses(), { cookie }))).status, 429)
  })
  await t.test('thôi dò thì lượt trở lại', async () => {
    clock.advance(DAY + 10 * 60 * MINUTE)
    const { status } = await logIn(guarded, 'Chị Hoa', 'mật khẩu của Chị Hoa', from(addresses()))
    assert.equal(status, 303)
  })
})

const FORM = 'application/x-www-form-urlencoded'
const PARTS = 'multipart/form-data; boundary=x'
const part = (name: string, value: string): string =>
  `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

/** One request, from an address of its own unless told otherwise. */
const sender =
  ({ pool }: Awaited<ReturnType<typeof guard>>) =>
  async (type: string, body: string, { query = '', ...headers }: Record<string, string> = {}) => {
    const sent = { ...from(addresses(), { 'x-of': 'hostile' }), 'content-type': type, ...headers }
    const answer = await pool.request({ method: 'POST', path: `/dang-nhap${query}`, headers: sent, body })
    const cookies = [answer.headers['set-cookie'] ?? []].flat().map((one) => one.split(';')[0]!)
    return { status: answer.statusCode, text: await answer.body.text(), cookies }
  }

test('tên tài khoản viết kiểu nào, để ở đâu cũng được tính', async () => {
  await using guarded = await guard({ account: { field: 'ten_dn', tries: FREE } })
  const send = sender(guarded)
  for (let i = 0; i < FREE; i++) assert.equal((await send(FORM, `ten_dn=hoa&mat_khau=${i}`)).status, 401)
  for (const [i, [type, body, query]] of (
    [
      [FORM, 'ten_dn=d&ten_dn=hoa'],
      [FORM, 'ten_dn=hoa&ten_dn=d'],
      [FORM, 't%65n_dn=HOA'],
      [FORM, 'ten_dn=d', '?ten_dn=hoa'],
      [FORM, 'ten_dn=d&ten.dn=hoa'],
      [FORM, 'ten_dn=d&ten+dn=hoa'],
      [FORM, 'ten_dn=d&ten_dn[]=hoa'],
      [FORM, 'Ten_dn=hoa&ten_dn=d'],
      [FORM, 'ten_dn=d;ten_dn=hoa'],
      [FORM, 'ten_dn=h%CC%80o%E2%80%8Ba'],
      [FORM, '{"x":"&ten_dn=d&","ten_dn":"hoa"}'],
      ['application/json', '{"ten_dn":"hoa","ten_dn":"d"}'],
      ['application/json', '{"ten_dn":"d","Ten_dn":"hoa"}'],
      ['application/json', '{"ten_dn":"d","a":"&ten_dn=hoa&"}'],
      ['application/json', '{"nguoi":{"ten_dn":["hoa"]}}'],
      [PARTS, `${part('ten_dn', 'hoa')}${part('mat_khau', '1')}--x--\r\n`],
    ] as const
  ).entries())
    assert.equal(
      (await send(type, body.replace(/\bd\b/, `d${i}`), query ? { query } : {})).status,
      429,
      `${query} ${body}`,
    )
})

test('nơi không đọc được tên nào, hoặc quá nhiều tên, thì mọi người dùng chung', async () => {
  const cases: [object, string, (i: number) => [string, string]][] = [
    [{}, 'no field', (i) => [FORM, `mat_khau=${i}`]],
    [{}, 'too long', (i) => [FORM, `ten=hoa&mat_khau=${i}&dem=${'x'.repeat(20_000)}`]],
    [{}, 'many names', (i) => [FORM, `ten=hoa&ten=a${i}&ten=b${i}`]],
    [{ body: { limit: 4_096, beyond: 'pass' } }, 'cut', (i) => [FORM, `ten=d${i}&dem=${'x'.repeat(5_000)}&ten=hoa`]],
  ]
  for (const [route, what, of] of cases) {
    await using guarded = await startGuarded(8, ['127.0.0.1'], { account: { field: 'ten', tries: 2 } }, route)
    const send = sender(guarded)
    for (let i = 0; i < 24; i++) await send(...of(i))
    assert.equal(guarded.shop.tried.hostile, 20, what)
    // A form that is not here whole is not sent again in part.
    const [type, body] = of(0)
    const { status, text } = await send(type, body, { accept: 'text/html', 'sec-fetch-site': 'same-origin' })
    assert.deepEqual([status, text.includes('<form')], [429, what !== 'cut' && what !== 'too long'], what)
  }
})

test('những lượt không tới ứng dụng: không bịa tên để xoá số đếm, không đẩy tài khoản người khác vào kiểm tra', async () => {
  await using guarded = await guard()
  const send = sender(guarded)
  const line = { 'x-forwarded-for': '203.0.113.9' }
  for (let i = 0; i < FREE; i++) await send(FORM, `ten=nan-nhan&mat_khau=${i}`)
  for (let i = 0; i < FREE; i++) await send(FORM, `ten=moi&mat_khau=${i}`, line)
  for (let i = 0; i < 1_500; i++)
    assert.equal((await send(FORM, `ten=moi&ten=khach${i % 100}&mat_khau=1`, line)).status, 429)
  assert.equal((await send(FORM, 'ten=nan-nhan&mat_khau=1')).status, 429, 'still counted')
  for (let i = 0; i < 100; i++)
    assert.equal((await logIn(guarded, `khach${i}`, `mật khẩu của khach${i}`, from(addresses()))).status, 303)
  // Nor has the line paid for what its account was asked for.
  assert.equal((await logIn(guarded, 'hang-xom', 'mật khẩu của hang-xom', from(line['x-forwarded-for']))).status, 303)
})

test('dấu của máy đã vào: có lượt riêng và hết lượt, một dấu không thành của cả đàn; ứng dụng không thấy nó', async () => {
  await using guarded = await guard()
  const { clock, shop, pool } = guarded
  const send = sender(guarded)
  const { status, cookies } = await send(FORM, new URLSearchParams({ ten: 'hoa', mat_khau: 'mật khẩu của hoa' }).toString()) // prettier-ignore
  assert.equal(status, 303)
  const cookie = cookies.find((one) => one.startsWith('khien_own='))!
  clock.advance(2 * 60 * MINUTE)
  shop.tried.hostile = 0
  for (let day = 0; day < 3; day++) {
    for (let i = 0; i < 300; i++) await send(FORM, `ten=hoa&mat_khau=${i}`, { cookie })
    clock.advance(DAY)
  }
  // Five at once, and what comes back in a day: fifteen.
  assert.ok(shop.tried.hostile >= 5 && shop.tried.hostile <= 3 * 15, String(shop.tried.hostile))
  await onlyTheirs(pool)
})
/** What is ours stays here. */
async function onlyTheirs(pool: Awaited<ReturnType<typeof guard>>['pool']): Promise<void> {
  const cookie = 'a=b; khien_own=own.x; khien_seen=seen.x; khien_check=c; khien_wait=w; khien_met=m; c=d'
  const { body } = await pool.request({ method: 'GET', path: '/cookies', headers: { cookie } })
  assert.equal(await body.text(), 'a=b; c=d')
}

test('nơi cổng và ứng dụng có thể đọc khác nhau thì không ai được dấu của ai', async () => {
  await using guarded = await guard()
  const send = sender(guarded)
  const right = encodeURIComponent('mật khẩu của gian')
  const { status, cookies } = await send(FORM, `ten=hoa&ten=gian&mat_khau=${right}`)
  const other = await send('application/json', `{"ten":"hoa","a":"&ten=gian&mat_khau=${right}&"}`)
  for (const one of [...cookies, ...other.cookies]) assert.ok(!one.startsWith('khien_own='), String(status))
})

test('càng giải nhiều cho một tài khoản càng khó, kể cả khi kèm một tên khác; đi chậm cả ngày cũng có mức', async (t) => {
  await using guarded = await guard()
  const { clock, shop } = guarded
  const send = sender(guarded)
  const ofNam = (headers: Record<string, string> = {}) => send(FORM, 'ten=nam&mat_khau=1', headers)
  const bits: number[] = []
  for (let i = 0; i < 90; i++) {
    const asked = await send(FORM, `ten=la${i}&ten=hoa&mat_khau=1`)
    if (asked.status !== 429) continue
    const { check } = JSON.parse(asked.text) as { check: { token: string; bits: number } }
    bits.push(check.bits)
    assert.equal((await send(FORM, `ten=la${i}&ten=hoa&mat_khau=1`, { 'khien-check': solve(check) })).status, 401)
  }
  assert.ok(bits.at(-1)! >= bits[0]! + 2, bits.join(' '))
  await t.test('chậm', async () => {
    shop.tried.hostile = 0
    for (let i = 0; i < 6 * 24 * 4; i++) {
      clock.advance(2.5 * MINUTE)
      await send(FORM, 'ten=nam&mat_khau=1')
    }
    assert.ok(shop.tried.hostile >= 30 && shop.tried.hostile <= 62, String(shop.tried.hostile))
  })
  await t.test('một phép tính dễ giải sẵn không dùng được khi đã khó', async () => {
    const early = solve((JSON.parse((await ofNam()).text) as { check: { token: string; bits: number } }).check)
    for (let i = 0; i < 200; i++) {
      const { check } = JSON.parse((await ofNam()).text) as { check: { token: string; bits: number } }
      assert.equal((await ofNam({ 'khien-check': solve(check) })).status, 401)
    }
    assert.equal((await ofNam({ 'khien-check': early })).status, 429)
  })
})

test('đường dẫn chỉ theo dõi thì không hỏi ai; không tính theo tài khoản thì như trước', async () => {
  for (const [challenge, route] of [
    [{ account: { field: 'ten' } }, { mode: 'detect' }],
    [{}, {}],
  ] as const) {
    await using guarded = await startGuarded(8, ['127.0.0.1'], challenge, route)
    for (let i = 0; i < 40; i++) await logIn(guarded, 'hoa', `${i}`, from(addresses(), { 'x-of': 'hostile' }))
    assert.equal(guarded.shop.tried.hostile, 40)
  }
})
