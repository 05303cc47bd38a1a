import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { placeOrder, register } from '../../examples/marketplace/journey/buying.ts'
import { plant } from '../../examples/marketplace/journey/planted.ts'
import { faultsOf, openBrowser, shoot, watchConsole, withoutBrowser } from './browser.ts'
import { startSystem, temporaryData, type System } from './system.ts'
import { totpNow } from './totp.ts'

const WIDTHS = [1440, 360]
const LANGUAGES = ['vi', 'en'] as const
const skip = withoutBrowser

const data = temporaryData()
let system: System
let browser: Browser
before(async () => {
  if (skip) return
  system = await startSystem(data.path)
  browser = await openBrowser()
})
after(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
  data[Symbol.dispose]()
})

/** Every page in both languages and widths; all faults at once, so that one run tells everything. */
async function visit(context: BrowserContext, pages: Readonly<Record<string, string>>): Promise<void> {
  const page = await context.newPage()
  const said = watchConsole(page)
  const faults: string[] = []
  for (const [name, url] of Object.entries(pages))
    for (const language of LANGUAGES) {
      await page.setViewportSize({ width: WIDTHS[0]!, height: 900 })
      await page.goto(withLanguage(url, language))
      const shown = await page.locator('html').getAttribute('lang')
      // The gateway's own page says everything in both languages at once.
      if (shown !== language && !name.startsWith('gateway-'))
        faults.push(`${name}: asked for ${language}, got ${shown}`)
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 })
        await shoot(page, `${name}-${width}-${language}`)
        // The rules look at structure and colour: wide in one language and narrow in the other meets all of both.
        const rules = (width === WIDTHS[0]) === (language === 'vi')
        for (const fault of await faultsOf(page, said, rules)) faults.push(`${name} ${width} ${language}: ${fault}`)
      }
    }
  await page.close()
  assert.deepEqual(faults, [])
}

/** The pages of staff and of people choose by cookie; `?lang=` stands on the first page of each visit. */
function withLanguage(url: string, language: string): string {
  const to = new URL(url)
  to.searchParams.set('lang', language)
  return to.href
}

async function fill(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(values)) await page.fill(`[name="${name}"]`, value)
}

test('cửa hàng: mọi trang, hai cỡ, hai thứ tiếng', { skip }, async () => {
  const { gateway } = system.world
  await using context = await browser.newContext()
  await visit(context, {
    'shop-home': gateway,
    'shop-search': `${gateway}/tim-kiem?q=non la`,
    'shop-none': `${gateway}/tim-kiem?q=xe tăng`,
    'shop-product': `${gateway}/san-pham/gom-bat-trang`,
    'shop-register': `${gateway}/dang-ky`,
    'shop-sign-in': `${gateway}/dang-nhap`,
    'shop-picture': `${gateway}/anh`,
    'shop-missing': `${gateway}/khong-co`,
    'shop-stock-door': `${gateway}/kho/dang-nhap`,
    'gateway-refused': `${gateway}/tim-kiem?q=' OR '1'='1`,
  })
})

test('không JavaScript: từ đăng ký tới rút lại', { skip }, async () => {
  const { world } = system
  const person = plant()
  await using context = await browser.newContext({ javaScriptEnabled: false, locale: 'vi-VN' })
  const page = await context.newPage()
  await page.goto(`${world.gateway}/dang-ky`)
  await fill(page, { name: person.name, phone: 'không phải số', email: person.email, password: person.password })
  await page.click('main .btn.go')
  await page.waitForSelector('#phone-wrong')
  await shoot(page, 'shop-register-wrong-1440-vi')
  assert.equal(await page.inputValue('[name="name"]'), person.name)
  await fill(page, { phone: person.phone, password: person.password })
  await page.check('#c-marketing')
  await page.click('main .btn.go')
  assert.match(await page.textContent('#receipt').then(String), /^KB-/)
  await shoot(page, 'shop-welcome-1440-vi')

  await page.goto(`${world.gateway}/dat-hang?mon=che-sen`)
  await fill(page, { address: person.address, note: person.note, number: person.bank, holder: person.holder })
  await page.click('main .btn.go')
  await page.waitForURL(/don-hang/)
  await page.goto(`${world.gateway}/tin-nhan`)
  await fill(page, { body: person.message })
  await page.click('main .btn.go')

  await page.goto(`${world.gateway}/ho-so`)
  await page.click('form[action="/ho-so/du-lieu"] .btn')
  await page.waitForURL(`${world.public}/me`)
  await page.click('.con form .btn')
  await page.waitForURL(/\/me\/withdrawn\?receipt=KB-/)
  assert.match(await page.textContent('.slip .code').then(String), /^KB-/)
  await shoot(page, 'citizen-withdrawn-nojs-1440-vi')
})

test('trang của người mua và của người dân', { skip }, async () => {
  const { world } = system
  const person = plant()
  await using context = await browser.newContext()
  const order = await enterAsMember(context, person)
  const page = await context.newPage()
  await page.goto(`${world.gateway}/ho-so`)
  await page.click('form[action="/ho-so/du-lieu"] .btn')
  await page.waitForURL(`${world.public}/me`)
  const { gateway, public: own } = world
  await visit(context, {
    'shop-orders': `${gateway}/don-hang`,
    'shop-order': `${gateway}/dat-hang`,
    'shop-messages': `${gateway}/tin-nhan`,
    'shop-profile': `${gateway}/ho-so`,
    'shop-welcome': `${gateway}/chao-mung?bien-nhan=KB-7Q4K-2MXB`,
    'citizen-policy': own,
    'citizen-me': `${own}/me`,
    'citizen-missing': `${own}/khong-co`,
  })
  await page.goto(`${own}/me`)
  await page.click('.con form .btn')
  await page.waitForURL(/withdrawn/)
  await visit(context, { 'citizen-withdrawn': page.url(), 'citizen-me-after': `${own}/me` })

  const code = readFileSync(join(world.data, 'marketplace', 'staff-code'), 'utf8').trim()
  await using stock = await browser.newContext()
  const staff = await stock.newPage()
  await staff.goto(`${gateway}/kho/dang-nhap`)
  await fill(staff, { code })
  await staff.click('main .btn.go')
  await staff.waitForURL(`${gateway}/kho`)
  await visit(stock, {
    'stock-list': `${gateway}/kho`,
    'stock-order': `${gateway}/kho/${order}`,
    'stock-letters': `${gateway}/kho/thu-quang-cao`,
  })
  await page.goto(`${gateway}/don-hang`)
  await page.click(`#${order} .btn`)
  await page.waitForURL(/don-hang/)
  await visit(stock, { 'stock-refused': `${gateway}/kho/${order}` })
  await staff.goto(`${gateway}/kho/thu-quang-cao`)
  await staff.click('main .btn.go')
  assert.deepEqual(await faultsOf(staff, []), [])
  await shoot(staff, 'stock-letters-done-1440-vi')
})

test('bàn điều khiển, và lần từ chối hiện ra ngay', { skip }, async () => {
  const { world } = system
  await using context = await browser.newContext({ locale: 'vi-VN' })
  const page = await context.newPage()
  const said = watchConsole(page)
  const link = system.setupLink()
  await page.goto(link)
  assert.deepEqual(await faultsOf(page, said), [])
  await shoot(page, 'console-setup-1440-vi')
  await page.setViewportSize({ width: 360, height: 900 })
  assert.deepEqual(await faultsOf(page, said), [])
  await shoot(page, 'console-setup-360-vi')
  await page.setViewportSize({ width: 1440, height: 900 })
  const secret = await page.textContent('#totp-secret').then(String)
  await fill(page, { name: 'quan-tri', password: 'một câu đủ dài để giữ cửa', code: totpNow(secret) })
  await page.click('main .btn.go')
  await page.waitForURL(`${world.internal}/protect`)
  await page.goto(`${world.internal}/protect/refusals`)
  await page.waitForSelector('main .st.run')
  const answer = await fetch(
    `${world.gateway}/tim-kiem?q=${encodeURIComponent("' UNION SELECT password FROM users--")}`,
  )
  const id = answer.headers.get('x-request-id') ?? ''
  assert.equal(answer.status, 403)
  await page.waitForSelector(`main tr[data-id="${id}"]`)

  const { internal } = world
  await visit(context, {
    'console-settings': `${internal}/settings`,
    'console-missing': `${internal}/khong-co`,
  })
  await using nobody = await browser.newContext()
  await visit(nobody, { 'console-sign-in': `${internal}/sign-in` })
})

/** Registers and orders without the browser, then gives it the session. */
async function enterAsMember(context: BrowserContext, person: ReturnType<typeof plant>): Promise<string> {
  const { world } = system
  const buyer = await register(world, person, ['marketing', 'suggestions'])
  const order = await placeOrder(world, buyer)
  await buyer.visitor.post(`${world.gateway}/tin-nhan`, { body: person.message })
  const page = await context.newPage()
  await page.goto(`${world.gateway}/dang-nhap`)
  await fill(page, { email: person.email, password: person.password })
  await page.click('main .btn.go')
  await page.waitForURL(/don-hang/)
  await page.close()
  return order
}
