import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { createKhien, newSubject, type Khien } from '../../src/client/index.ts'
import { STAFF_ROLES } from '../../src/kit/contract.ts'
import { faultsOf, openBrowser, shoot, watchConsole, withoutBrowser } from '../journey/browser.ts'
import { enrol, form, runningNode, type RunningNode } from '../running-node.ts'
import { built } from './world.ts'

/** What a shop declared beside the built-in: with titles, and one field without. Every name here is in no language. */
const COURIER = {
  name: 'qcourier',
  title: { vi: 'người giao hàng', en: 'couriers' },
  fields: {
    qphone: { kind: 'phone', title: { vi: 'số của người giao', en: 'courier’s phone' } },
    qblood: { kind: 'health', title: { vi: 'nhóm máu người giao', en: 'courier’s blood group' } },
    qother: { kind: 'other' },
  },
} as const
const both = (text: string) => ({ vi: text, en: text })
const PURPOSES = [
  {
    id: 'delivery',
    title: { vi: 'Giao hàng', en: 'Delivery' },
    what: both('Giao nhận'),
    ground: 'agreement',
    agreement: 'order',
    fields: ['person.name', 'qcourier.qphone', 'qcourier.qblood', 'qcourier.qother'],
    recipients: [],
  },
] as const
const skip = withoutBrowser
const LANGUAGES = ['vi', 'en'] as const
const WIDTHS = [1440, 360] as const

let node: RunningNode
let browser: Browser
let cookie: string
let khien: Khien
const subject = newSubject()

before(async () => {
  if (skip) return
  await built()
  node = await runningNode()
  const first = await enrol(node.internal, node.setupToken, 'quan-tri')
  const page = await (
    await fetch(
      `${node.internal}/settings/invitations`,
      form(
        node.internal,
        first,
        STAFF_ROLES.map((role): [string, string] => ['roles[]', role]),
      ),
    )
  ).text()
  const link = /id="secret"[^>]*>([^<]+)</.exec(page)![1]!
  cookie = await enrol(node.internal, new URL(link).searchParams.get('token')!, 'hoa')
  khien = createKhien({ origin: node.internal, publicOrigin: node.public, key: node.serviceKey().key })
  await khien.declare({ notice: both('Chợ giữ dữ liệu để giao hàng.'), purposes: PURPOSES })
  assert.equal((await api('/api/vault/collections', { collections: [COURIER] })).status, 200)
  await khien.put([
    { subject, collection: 'person', record: '-', fields: { name: 'Nguyễn Thị Mẫu Hoa' } },
    {
      subject,
      collection: 'qcourier',
      record: 'DH-1',
      fields: { qphone: '0912345678', qblood: 'O', qother: 'xe máy đỏ' },
    },
  ])
  const items = [{ subject, collection: 'qcourier', record: 'DH-1', fields: ['qphone', 'qblood'] }]
  await khien.get({ purpose: 'delivery', reason: 'DH-1', items })
  assert.equal((await api('/api/vault/enforcement', { purpose: 'delivery', caller: '*', mode: 'observe' })).status, 200)
  await khien.get({ purpose: 'delivery', reason: 'DH-1', items })
  browser = await openBrowser()
})
after(async () => {
  await browser?.close()
  await node?.[Symbol.asyncDispose]()
})

const api = (path: string, body: unknown): Promise<Response> =>
  fetch(`${node.internal}${path}`, {
    method: 'PUT',
    headers: { cookie, origin: node.internal, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

async function context(language: 'vi' | 'en', url: string, session?: string): Promise<BrowserContext> {
  const made = await browser.newContext({ locale: 'vi-VN' })
  await made.addCookies([{ name: 'lang', value: language, url }])
  const [name, value] = (session ?? '=').split('=') as [string, string]
  if (session) await made.addCookies([{ name, value, url }])
  return made
}

/** A page in both widths, without faults; its text as a person reads it. */
async function read(page: Page, name: string, url: string, ready: string): Promise<string> {
  const said = watchConsole(page)
  const texts: string[] = []
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 })
    await page.goto(url)
    await page.waitForSelector(ready)
    await page.waitForTimeout(400)
    await shoot(page, `${name}-${width}`)
    assert.deepEqual(await faultsOf(page, said), [], `${name} at ${width}`)
    texts.push(await page.innerText('main'))
  }
  return texts.join('\n')
}

for (const language of LANGUAGES) {
  const title = (of: { vi: string; en: string }): string => of[language]
  const { qphone, qblood } = COURIER.fields

  test(`${language}: the notice and a person’s own page say titles, and names only without one`, { skip }, async () => {
    await using own = await context(language, node.public)
    const page = await own.newPage()
    const notice = await read(page, `notice-${language}`, `${node.public}/`, 'main .goes')
    const sensitive = language === 'vi' ? ' (nhạy cảm)' : ' (sensitive)'
    for (const text of [title(qphone.title), title(qblood.title) + sensitive, 'qcourier.qother'])
      assert.ok(notice.includes(text), `${text} is not in: ${notice}`)
    assert.doesNotMatch(notice, /qcourier\.(?:qphone|qblood)/)

    await page.goto(await khien.handoverLink(subject))
    await page.waitForSelector('main .reads')
    const mine = await read(page, `me-${language}`, `${node.public}/me`, 'main .reads')
    assert.doesNotMatch(mine, /qcourier\.(?:qphone|qblood)|vault\./)
    const passed =
      language === 'vi'
        ? 'cho qua, khi bật cưỡng chế sẽ bị từ chối: không có thỏa thuận đang chạy'
        : 'let through, would be refused when enforced: no agreement running'
    for (const text of [`${title(qphone.title)}, ${title(qblood.title)}`, passed])
      assert.ok(mine.includes(text), `${text} is not in: ${mine}`)
  })

  test(`${language}: the vault, a person and the log of the console say titles`, { skip }, async () => {
    await using staff = await context(language, node.internal, cookie)
    const page = await staff.newPage()
    const vault = await read(page, `vault-${language}`, `${node.internal}/people/vault`, 'main tbody tr')
    assert.ok(vault.includes(title(qphone.title)))
    const person = await read(page, `person-${language}`, `${node.internal}/people/${subject}`, 'main .tl li')
    for (const text of [title(qphone.title), title(qblood.title), 'qcourier.qother'])
      assert.ok(person.includes(text), text)
    assert.doesNotMatch(person, /qcourier\.(?:qphone|qblood)/)
    const find = await read(page, `find-${language}`, `${node.internal}/people/find`, 'main .facts')
    assert.ok(find.includes(title(COURIER.title)))
    const log = await read(page, `log-${language}`, `${node.internal}/evidence?q=kind:vault.read`, 'main tbody tr')
    assert.ok(log.includes(title(qphone.title)), log)
    assert.doesNotMatch(log, /qcourier\.(?:qphone|qblood)/)
  })

  test(`${language}: whom to watch is chosen by the name of the key`, { skip }, async () => {
    await using staff = await context(language, node.internal, cookie)
    const page = await staff.newPage()
    const said = watchConsole(page)
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 })
      await page.goto(`${node.internal}/people/vault`)
      await page.click(`main button:has-text("${language === 'vi' ? 'Chỉ theo dõi' : 'Only watch'}")`)
      const choice = page.locator('.dlg select[name="caller"]')
      await choice.locator('option').nth(1).waitFor({ state: 'attached' })
      assert.deepEqual(await choice.locator('option').allTextContents(), [
        language === 'vi' ? 'mọi ứng dụng' : 'all applications',
        `Chợ Sen (…${node.serviceKey().id.slice(-6)})`,
      ])
      await choice.selectOption({ index: 1 })
      await shoot(page, `watch-${language}-${width}`)
      assert.deepEqual(await faultsOf(page, said), [])
      await page.click('.dlg .btn.go')
      await page.waitForSelector('.dlg', { state: 'detached' })
    }
    const { watched } = (await (
      await fetch(`${node.internal}/api/vault/enforcement`, { headers: { cookie } })
    ).json()) as { watched: { caller: string }[] }
    assert.deepEqual(
      watched.map(({ caller }) => caller),
      ['*', `service:${node.serviceKey().id}`],
    )
    const table = await page.innerText('main')
    assert.ok(table.includes('Chợ Sen'), table)
  })
}
