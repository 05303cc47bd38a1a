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

test('tên tài khoản giấu đi thì vẫn tính: gửi hai lần, nhiều phần, JSON, quá dài, không ghi', async () => {
  await using guarded = await guard()
  const { pool, shop } = guarded
  const send = async (type: string, body: string): Promise<number> => {
    const headers = { ...from(addresses(), { 'x-of': 'hostile' }), 'content-type': type }
    const answer = await pool.request({ method: 'POST', path: '/dang-nhap', headers, body })
    await answer.body.dump()
    return answer.statusCode
  }
  const part = (name: string, value: string): string =>
    `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const form = 'application/x-www-form-urlencoded'
  for (let i = 0; i < FREE; i++) assert.equal(await send(form, `ten=hoa&mat_khau=${i}`), 401)
  for (const [type, body] of [
    [form, 'ten=ai-khac&ten=hoa&mat_khau=1'],
    [form, 'ten=hoa&ten=ai-khac&mat_khau=1'],
    [form, 't%65n=HOA&mat_khau=1'],
    ['multipart/form-data; boundary=x', `${part('ten', 'hoa')}${part('mat_khau', '1')}--x--\r\n`],
    ['application/json', '{"ten":"hoa","mat_khau":"1"}'],
  ] as const)
    assert.equal(await send(type, body), 429, body)
  // Where no name can be read, all share what ten accounts have.
  const before = shop.tried.hostile
  for (let i = 0; i < 60; i++) await send(form, `mat_khau=${i}`)
  for (let i = 0; i < 60; i++) await send(form, `ten=hoa&mat_khau=${i}&dem=${'x'.repeat(20_000)}`)
  assert.equal(shop.tried.hostile - before, 10 * FREE)
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
