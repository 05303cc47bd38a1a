import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { root } from '../commands/processes.ts'
import { openBrowser } from '../journey/browser.ts'
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

/**
 * Pictures of every area of the console into docs/screens/console: `node test/console/screens.ts [role…]`. Vietnamese and
 * English at 1440 px, Vietnamese at 360 px, and the first page and the case of each role in the dark.
 */
const ROLES = ['platform', 'telecom', 'authority'] as const
const QUIET_MS = 700
const QUALITY = 82
/** A long list is cut here: its first rows show how it looks. */
const TALLEST = { 1440: 1_800, 360: 2_400 } as const
const pictured = new Set<string>()
const folder = join(root, 'docs', 'screens', 'console')

async function shots(world: World): Promise<void> {
  const browser = await openBrowser()
  const writer = await browser.newPage()
  const found: Found = {
    ...(world.role === 'authority' ? { report: await writeReports(world, writer) } : await workCase(world)),
    ...(await newestOf(world)),
  }
  // What two roles share is pictured once, where it stands first.
  const kindOf = (place: string): string => place.replace(/(?:R-|VV-|[a-z]{3}_|[0-9A-Z]{4}-)[^/?]+/, ':id')
  const places = placesOf(world.role, found).filter((place) => !pictured.has(kindOf(place)))
  for (const place of places) pictured.add(kindOf(place))
  for (const [language, width] of [
    ['vi', 1440],
    ['en', 1440],
    ['vi', 360],
  ] as const) {
    await using context = await browser.newContext({ viewport: { width, height: 900 }, locale: 'vi-VN' })
    await signedIn(context, world, language)
    const page = await context.newPage()
    for (const place of places) await shoot(page, world, place, `${language}-${width}`, width)
    if (language === 'vi' && width === 1440) {
      await page.emulateMedia({ colorScheme: 'dark' })
      await shoot(page, world, places[0]!, 'vi-dark', width)
      if (world.role === 'platform' && found.case !== undefined)
        await shoot(page, world, `/detect/cases/${found.case}`, 'vi-dark', width)
    }
  }
  if (world.role === 'platform') await frontPictures(browser, world)
  await browser.close()
}

/** What the README shows first: attacks refused, as one screen. */
async function frontPictures(browser: Browser, world: World): Promise<void> {
  for (const language of ['vi', 'en']) {
    await using context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'vi-VN' })
    await signedIn(context, world, language)
    const page = await context.newPage()
    await page.goto(`${world.node.internal}/protect`)
    await page.waitForSelector('main tbody tr')
    await page.waitForTimeout(QUIET_MS)
    await page.screenshot({ path: join(root, 'docs', 'screens', `refusals-${language}.png`) })
  }
}

async function shoot(page: Page, world: World, place: string, look: string, width: 1440 | 360): Promise<void> {
  await page.goto(world.node.internal + place)
  await page.waitForSelector('main h1')
  await page.waitForTimeout(QUIET_MS)
  if (place.startsWith('/evidence/')) {
    await page.click('main .btn.go')
    await page.waitForSelector('svg.proof')
  }
  // Where the sources happen to lie is nobody's business: the pictures show an installed node.
  await page.evaluate(`for (const walk = document.createTreeWalker(document.body, 4); walk.nextNode(); )
    walk.currentNode.data = walk.currentNode.data.replaceAll(${JSON.stringify(root)}, '/opt/khien')`)
  const name = place
    .slice(1)
    .replace(/\/(?:R-|VV-|[a-z]{3}_|[0-9A-Z]{4}-)[^/?]*/, '-one')
    .replace(/\?[a-z]+=/, '-')
    .replaceAll('/', '-')
  const height = Math.min(TALLEST[width], (await page.evaluate('document.documentElement.scrollHeight')) as number)
  // Playwright itself writes PNG and JPEG only; WebP is a third of it.
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', {
    format: 'webp',
    quality: QUALITY,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height, scale: 1 },
  })
  await session.detach()
  writeFileSync(join(folder, `${world.role}-${name}-${look}.webp`), Buffer.from(data, 'base64'))
}

mkdirSync(folder, { recursive: true })
await built()
const wanted = process.argv.slice(2)
for (const role of ROLES.filter((one) => wanted.length === 0 || wanted.includes(one))) {
  await using world = await startWorld(role)
  await shots(world)
}
process.exit(0)
