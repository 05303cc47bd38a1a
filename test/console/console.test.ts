import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { faultsOf, openBrowser, watchConsole, withoutBrowser } from '../journey/browser.ts'
import { authenticator, PASSWORD } from '../running-node.ts'
import {
  built,
  newestOf,
  placesOf,
  signedIn,
  startWorld,
  workCase,
  writeReports,
  type Found,
  type World,
} from './world.ts'

const skip = withoutBrowser
const SETTLE_MS = 150
/**
 * The accessibility rules take a second a page: most pages once, wide and light or narrow and dark; with KHIEN_WHOLE=1 all
 * of them in both, dialogs too, and the narrow English page as well.
 */
const WHOLE = process.env['KHIEN_WHOLE'] === '1'
const ROLES = ['platform', 'telecom', 'authority'] as const
const worlds = new Map<(typeof ROLES)[number], World>()
const found = new Map<string, Found>()
let browser: Browser

before(async () => {
  if (skip) return
  await built()
  browser = await openBrowser()
  await Promise.all(
    ROLES.map(async (role) => {
      const world = await startWorld(role)
      worlds.set(role, world)
      await using writer = await browser.newPage()
      const made = role === 'authority' ? { report: await writeReports(world, writer) } : await workCase(world)
      found.set(role, { ...made, ...(await newestOf(world)) })
    }),
  )
})
after(async () => {
  await browser?.close()
  for (const world of worlds.values()) await world[Symbol.asyncDispose]()
})

type Open = AsyncDisposable & { readonly context: BrowserContext; readonly page: Page; readonly base: string }
const contexts = new Map<string, Promise<BrowserContext>>()
/** A page of somebody who holds every role; pages of one role and hand share what the browser has fetched. */
async function opened(role: (typeof ROLES)[number], hand = 0): Promise<Open> {
  const key = `${role} ${hand}`
  const made = contexts.get(key) ?? newContext(role)
  contexts.set(key, made)
  const context = await made
  const page = await context.newPage()
  return { context, page, base: worlds.get(role)!.node.internal, [Symbol.asyncDispose]: () => page.close() }
}
async function newContext(role: (typeof ROLES)[number]): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'vi-VN' })
  await signedIn(context, worlds.get(role)!)
  return context
}
async function show(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.waitForSelector('main h1')
  await page.waitForTimeout(SETTLE_MS)
}

// English letters that no Vietnamese sentence has; codes and names of files stand in `.tok`, `code` and the like.
const ENGLISH = /\b(?:the|and|with|from|this|that|there|which|when|could|should|failed|unknown)\b/i
const PROSE = `[...document.querySelectorAll('main h1, main h2, main p, main dt, main th, main button, main .st, main .clock, nav a')]
  .filter((one) => !one.closest('[lang=en], .tok, code, .mono, pre'))
  .map((one) => [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join(' '))`

// What two roles share is the same page of the same code: it is looked at where it stands first.
const seen = new Set<string>()
for (const role of ROLES)
  test(`${role}: mọi trang, hai thứ tiếng, hai cỡ, sáng và tối`, { skip }, async () => {
    const faults: string[] = []
    const places = placesOf(role, found.get(role)).filter((place) => {
      const kind = place.replace(/(?:R-|VV-|[a-z]{3}_|[0-9A-Z]{4}-)[^/?]+/, ':id')
      return !seen.has(kind) && seen.add(kind)
    })
    const hand = async (part: readonly string[], n: number): Promise<void> => {
      await using open = await opened(role, n)
      const { page, base } = open
      const said = watchConsole(page)
      const look = async (name: string, width: number, scheme: 'light' | 'dark', rules: boolean): Promise<void> => {
        await page.setViewportSize({ width, height: 900 })
        await page.emulateMedia({ colorScheme: scheme })
        await page.waitForTimeout(60)
        for (const fault of await faultsOf(page, said, rules)) faults.push(`${name} ${width} ${scheme}: ${fault}`)
      }
      for (const [i, place] of part.entries()) {
        await page.setViewportSize({ width: 1440, height: 900 })
        await show(page, base + place)
        const errors = page.locator('main .void.err')
        if ((await errors.count()) > 0) faults.push(`${place}: ${await errors.first().innerText()}`)
        for (const text of (await page.evaluate(PROSE)) as string[])
          if (ENGLISH.test(text)) faults.push(`${place}: English: ${text}`)
        await look(`${place} vi`, 1440, 'light', WHOLE || i % 2 === 0)
        await look(`${place} vi`, 360, 'dark', WHOLE || i % 4 === 1)
        await page.getByRole('button', { name: 'English' }).click()
        assert.equal(await page.locator('html').getAttribute('lang'), 'en')
        if (WHOLE) await look(`${place} en`, 360, 'dark', false)
        await look(`${place} en`, 1440, 'light', false)
        await page.getByRole('button', { name: 'Tiếng Việt' }).click()
      }
    }
    await Promise.all(
      [0, 1].map((n) =>
        hand(
          places.filter((_, i) => i % 2 === n),
          n,
        ),
      ),
    )
    assert.deepEqual(faults, [])
  })

test('phép thử trên thấy được lỗi: chữ mờ, tràn ngang, tiếng Anh', { skip }, async () => {
  await using open = await opened('authority')
  const { page, base } = open
  await show(page, `${base}/reports`)
  await page.evaluate(`{
    const planted = document.querySelector('main').appendChild(document.createElement('p'))
    planted.textContent = 'This could not be read and the rest'
    planted.style.cssText = 'color: #ddd; width: 3000px'
  }`)
  const faults = await faultsOf(page, [])
  assert.ok(
    faults.some((fault) => fault.startsWith('color-contrast')) && faults.some((fault) => /px wider/.test(fault)),
  )
  assert.ok(((await page.evaluate(PROSE)) as string[]).some((text) => ENGLISH.test(text)))
})

test('đăng nhập bằng mật khẩu và sáu chữ số, rồi vào bàn điều khiển', { skip }, async () => {
  const { node } = worlds.get('authority')!
  await using context = await browser.newContext({ locale: 'vi-VN' })
  const page = await context.newPage()
  const admin = await (await fetch(`${node.internal}/sign-in`)).text()
  assert.match(admin, /name="password"/)
  const link = await invitation(worlds.get('authority')!)
  await page.goto(link)
  const secret = String(await page.textContent('#totp-secret'))
  await page.fill('[name="name"]', 'son')
  await page.fill('[name="password"]', PASSWORD)
  await page.fill('[name="code"]', authenticator(secret))
  await page.click('main .btn.go')
  await page.waitForURL(`${node.internal}/**`)
  await show(page, `${node.internal}/`)
  // An inspector reads reports; sharing, the log and the settings are not theirs.
  assert.deepEqual(await page.locator('.rail ul li a').allInnerTexts(), ['Phản ánh'])
  assert.match(page.url(), /\/reports$/)
})

async function invitation(world: World): Promise<string> {
  const response = await fetch(`${world.node.internal}/settings/invitations`, {
    method: 'POST',
    headers: { cookie: world.cookie, origin: world.node.internal, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'roles%5B%5D=inspector',
  })
  return /id="secret"[^>]*>([^<]+)</.exec(await response.text())![1]!
}

test('chưa đăng nhập thì sang trang đăng nhập, và nhớ chỗ đang đứng', { skip }, async () => {
  const { node } = worlds.get('platform')!
  await using context = await browser.newContext({ locale: 'vi-VN' })
  const page = await context.newPage()
  await page.goto(`${node.internal}/detect/rules`)
  await page.waitForURL(`${node.internal}/sign-in`)
  await signedIn(context, worlds.get('platform')!)
  await page.goto(`${node.internal}/`)
  await page.waitForURL(`${node.internal}/detect/rules`)
})

test('chọn khoảng giờ bằng bàn phím: mũi tên dời, Shift nới, Escape bỏ', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  await show(page, `${base}/protect`)
  const span = (): [number, number] => {
    const search = new URL(page.url()).searchParams
    return [Date.parse(search.get('from') ?? ''), Date.parse(search.get('to') ?? '')]
  }
  const press = async (keys: string): Promise<[number, number]> => {
    await page.keyboard.press(keys)
    await page.waitForTimeout(120)
    return span()
  }
  await page.locator('.brush-band').focus()
  const taken = await press('ArrowLeft')
  assert.equal(taken[1] - taken[0], 3_600_000)
  const moved = await press('ArrowLeft')
  assert.deepEqual(moved, [taken[0] - 600_000, taken[1] - 600_000])
  const wider = await press('Shift+ArrowRight')
  assert.deepEqual(wider, [moved[0], moved[1] + 600_000])
  assert.match(await page.locator('.chart-note').innerText(), /lượt từ chối/)
  // The list below is that of the span.
  const times = await page.locator('tbody th a').allInnerTexts()
  assert.ok(times.length > 0)
  await press('Escape')
  assert.ok(!page.url().includes('from='))
})

test('kéo trên biểu đồ chọn khoảng giờ', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  await show(page, `${base}/protect`)
  const box = (await page.locator('.brush-field').boundingBox())!
  await page.mouse.move(box.x + box.width * 0.25, box.y + 20)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.5, box.y + 20, { steps: 4 })
  await page.mouse.up()
  await page.waitForTimeout(150)
  const search = new URL(page.url()).searchParams
  const hours = (Date.parse(search.get('to')!) - Date.parse(search.get('from')!)) / 3_600_000
  assert.ok(hours > 5 && hours < 7, `${hours} h`)
})

test('cột đã chọn vẫn còn sau khi mở lại; phím j x mở hàng và chọn', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  await show(page, `${base}/protect/refusals`)
  const heads = (): Promise<string[]> => page.locator('thead th').allInnerTexts()
  assert.ok(!(await heads()).includes('Tên máy chủ'))
  await page.click('.table-tools button')
  await page.getByLabel('Tên máy chủ').check()
  await page.getByLabel('Nơi', { exact: true }).uncheck()
  await page.keyboard.press('Escape')
  await show(page, `${base}/protect/refusals`)
  assert.ok((await heads()).includes('Tên máy chủ') && !(await heads()).includes('Nơi'))
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  assert.equal(await page.locator('tbody tr[aria-selected="true"]').count(), 1)
  assert.match(await page.locator('.bulk').innerText(), /Đã chọn 1/)
  const id = await page.locator('tbody tr:focus').getAttribute('data-id')
  await page.keyboard.press('Enter')
  await page.waitForURL(`${base}/protect/refusals/${id}`)
})

test('lọc: trường sai thì nêu trường gần nhất, trường đúng vào địa chỉ', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  await show(page, `${base}/protect/refusals`)
  await page.keyboard.press('/')
  await page.keyboard.type('ngoun:203.0.113.77')
  await page.keyboard.press('Enter')
  assert.match(await page.locator('.query-wrong').innerText(), /“nguon”/)
  await page.locator('.q input').fill('nguon:203.0.113.77')
  await page.keyboard.press('Enter')
  await page.waitForURL(/q=source/)
  await page.waitForTimeout(SETTLE_MS)
  const sources = await page.locator('tbody tr td:nth-child(9)').allInnerTexts()
  assert.ok(sources.length > 0 && sources.every((text) => text.startsWith('203.0.113.77')), sources.join(' '))
})

test('một lá được kiểm ngay trong trình duyệt; bản ghi bị đổi thì lộ', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  await show(page, `${base}/evidence/${found.get('platform')!.act!}`)
  await page.click('main .btn.go')
  await page.waitForSelector('svg.proof')
  assert.match(await page.locator('main').innerText(), /khớp, \d+ mã băm/)
  await page.route('**/api/log/*/proof', async (route) => {
    const answer = await route.fetch()
    const body = (await answer.json()) as { proof: string }
    // One sign of the record inside, as somebody who edits the store would.
    const line = /^extra (.+)$/m.exec(body.proof)![1]!
    const altered = Buffer.from(Buffer.from(line, 'base64').toString().replace('"result":"done"', '"result":"none"'))
    await route.fulfill({ json: { ...body, proof: body.proof.replace(line, altered.toString('base64')) } })
  })
  await show(page, page.url())
  await page.click('main .btn.go')
  await page.waitForSelector('svg.proof')
  assert.match(await page.locator('main').innerText(), /KHÔNG khớp/)
})

test('hộp thoại: phím ? và Escape, việc chưa được phép nêu lý do', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  const said = watchConsole(page)
  await show(page, `${base}/detect/cases/${found.get('platform')!.case!}`)
  await page.keyboard.press('?')
  await page.waitForSelector('.dlg')
  assert.deepEqual(await faultsOf(page, said, WHOLE), [])
  await page.keyboard.press('Escape')
  await page.waitForSelector('.dlg', { state: 'detached' })
  const close = page.getByRole('button', { name: 'Đóng vụ việc…' })
  assert.equal(await close.getAttribute('aria-disabled'), 'true')
  assert.match(await page.locator('.head .acts small').innerText(), /báo cáo/)
  await page.getByRole('button', { name: 'Đã nộp báo cáo…' }).click()
  await page.fill('[name="reference"]', '1204/BC-CS')
  assert.deepEqual(await faultsOf(page, said, WHOLE), [])
  await page.locator('.dlg .btn.go').click()
  await page.waitForSelector('.dlg', { state: 'detached' })
  await page.waitForTimeout(SETTLE_MS)
  assert.match(await page.locator('.tl').innerText(), /Đã nộp báo cáo/)
  // The toast that says so does not hold the keys.
  await page.locator('.toast').waitFor()
  await page.keyboard.press('?')
  await page.locator('.dlg').waitFor()
})

test('một người: giá trị che; mở có căn cứ và phiếu, tự che lại; lần mở vào nhật ký', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  const said = watchConsole(page)
  const subject = found.get('platform')!.person!
  await page.clock.install()
  await show(page, `${base}/people/find`)
  await page.fill('[name="token"]', subject.toLowerCase())
  await page.keyboard.press('Enter')
  await page.waitForURL(`${base}/people/${subject}`)
  await page.getByRole('button', { name: 'Mở số điện thoại' }).waitFor()
  assert.doesNotMatch(await page.locator('main').innerText(), /0912/)
  // The consent for letters was withdrawn: its field has no ground left but signing in.
  await page.getByRole('button', { name: 'Mở số điện thoại' }).click()
  const dialog = page.locator('.dlg')
  await dialog.waitFor()
  assert.equal(await dialog.getByLabel(/Thư giới thiệu hàng mới/).isDisabled(), true)
  await dialog.getByLabel(/Giao đơn bạn đã đặt/).check()
  assert.deepEqual(await faultsOf(page, said, WHOLE), [])
  await page.fill('[name="reason"]', 'CS-44102')
  await dialog.locator('.btn.go').click()
  await page.getByText('0912345678').waitFor()
  const shown = await page.locator('[data-value]').innerText()
  assert.match(shown, /tự che sau [45]\s+phút/)
  await page.getByText('CS-44102').waitFor()
  await page.getByRole('button', { name: 'Che lại' }).click()
  assert.doesNotMatch(await page.locator('main').innerText(), /0912345678/)
  await page.getByRole('button', { name: 'Mở họ tên' }).click()
  await page.fill('[name="reason"]', 'CS-44102')
  await dialog.locator('.btn.go').click()
  await page.getByText('Nguyễn Thị Mẫu Hoa').waitFor()
  await page.clock.fastForward(5 * 60_000 + 1_000)
  await page.getByText('mọi giá trị đang che').waitFor()
  assert.doesNotMatch(await page.locator('main').innerText(), /Mẫu Hoa/)
})

test('thêm bên trao đổi: mật khẩu hiện một lần rồi mất', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  await show(page, `${base}/share/peers`)
  await page.getByRole('button', { name: 'Thêm bên trao đổi…' }).click()
  await page.fill('[name="name"]', 'Viễn thông Sông Hàn')
  await page.getByLabel('nhà mạng').check()
  await page.fill('[name="networks"]', '198.18.0.0/15')
  await page.locator('.dlg').locator('.btn.go').click()
  const secrets = page.locator('.once .secret')
  await secrets.first().waitFor()
  const [user, secret] = await secrets.allInnerTexts()
  assert.ok(user!.length > 3 && secret!.length >= 20, 'user and secret')
  await page.getByRole('button', { name: 'Tôi đã chép, ẩn đi' }).click()
  assert.ok(!(await page.content()).includes(secret!))
  const row = page.locator('tbody tr', { hasText: 'Viễn thông Sông Hàn' })
  await row.getByRole('button', { name: 'Tắt' }).click()
  await row.getByText('đang tắt').waitFor()
})

test('tệp có ký: xuất ra rồi nhập lại, chữ ký sai thì bị từ chối', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  const { api } = worlds.get('platform')!
  const { vkey } = (await api('GET', '/api/exchange/summary')) as { vkey: string }
  const made = (await api('POST', '/api/exchange/export', {
    indicators: [found.get('platform')!.indicator],
    maxTlp: 'amber',
  })) as { bundle: string; signature: string }
  const take = async (bundle: string): Promise<void> => {
    const file = (name: string, text: string) => ({ name, mimeType: 'application/json', buffer: Buffer.from(text) })
    await page.getByRole('button', { name: 'Nhập tệp có ký…' }).click()
    await page.setInputFiles('[name="bundle"]', file('goi.json', bundle))
    await page.setInputFiles('[name="signature"]', file('goi.sig', made.signature))
    await page.fill('[name="vkey"]', vkey)
    await page.locator('.dlg').locator('.btn.go').click()
  }
  await show(page, `${base}/share/indicators`)
  await take(made.bundle.replace('cap-nhat-anh', 'cap-nhat-bnh'))
  await page.locator('.dlg .trouble').waitFor()
  assert.match(await page.locator('.dlg .trouble').innerText(), /exchange\//)
  await page.keyboard.press('Escape')
  await page.locator('.dlg').waitFor({ state: 'detached' })
  await take(made.bundle)
  await page.getByText(/Đã nhận \d+ trên \d+ đối tượng/).waitFor()
})

test('một mảnh của bàn điều khiển mất sau khi dựng lại: trang tự tải lại một lần', { skip }, async () => {
  await using open = await opened('platform')
  const { page, base } = open
  await show(page, `${base}/protect`)
  let gone = 0
  await page.route(/\/files\/evidence-[^/]+\.js$/, (route) => (gone++ === 0 ? route.abort() : route.continue()))
  await page.locator('.rail a[href="/evidence"]').click()
  // The heading of the page left stays until the piece is here, and that page has rows of its own.
  await page.locator('main h1', { hasText: 'Nhật ký bằng chứng' }).waitFor()
  await page.waitForSelector('main tbody tr')
  assert.ok(gone >= 2, 'the piece was asked for again')
})

test('công tắc cảnh báo, nhập nhật ký chia cổng, hỏi một địa chỉ là của ai', { skip }, async () => {
  await using open = await opened('telecom')
  const { page, base } = open
  const said = watchConsole(page)
  await show(page, `${base}/warn`)
  await page.getByRole('button', { name: 'Công tắc cảnh báo…' }).click()
  await page.getByLabel('tắt, không gì rời nút').check()
  await page.locator('.dlg').locator('.btn.go').click()
  await page.getByText('Cảnh báo đang tắt: không thư nào rời nút').waitFor()
  await show(page, `${base}/warn/attribution`)
  await page.getByRole('button', { name: 'Nhập tệp CSV…' }).click()
  const lines = [
    'address,port_from,port_to,subscriber,start,end,device',
    '198.19.9.9,1024,2047,SH-0001,2026-01-01T00:00:00Z,,bras-9',
    '198.19.9.9,x,2047,SH-0002,2026-01-01T00:00:00Z,,bras-9',
  ]
  await page.setInputFiles('[name="file"]', {
    name: 'log.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(lines.join('\n')),
  })
  await page.locator('.dlg').locator('.btn.go').click()
  await page.getByText('Đã nhận 1 dòng, loại 1.').waitFor()
  assert.match(await page.locator('main').innerText(), /port_from/)
  await page.fill('[name="address"]', '198.19.9.9')
  await page.fill('[name="port"]', '1500')
  await page.fill('[name="at"]', '2026-06-01T08:00:00')
  await page.fill('[name="reason"]', 'VV-2026-0001')
  await page.locator('.find-one .btn.go').click()
  await page.locator('.find-one + div dd').first().waitFor()
  assert.match(await page.locator('.find-one + div').innerText(), /xác định được/)
  assert.deepEqual(await faultsOf(page, said, WHOLE), [])
})
