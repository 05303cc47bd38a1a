import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'

const PATH = '/usr/bin/chromium'
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const LEVELS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

export const withoutBrowser: string | false = existsSync(PATH)
  ? false
  : 'Chromium is not installed (Debian: apt install chromium)'
export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: PATH, args: QUIET })

const WIDER = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What a page says in its console that must not be said, gathered from now on. */
export function watchConsole(page: Page): string[] {
  const said: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Refused to/i.test(message.text()))
      said.push(message.text())
  })
  page.on('pageerror', (error) => said.push(error.message))
  return said
}

/** Faults of the page as it stands: accessibility, width, console. */
export async function faultsOf(page: Page, said: string[], rules = true): Promise<string[]> {
  const wide = (await page.evaluate(WIDER)) as number
  const violations = rules ? await violationsOf(page) : []
  return [...violations, ...(wide > 0 ? [`${wide} px wider than the screen`] : []), ...said.splice(0)]
}

async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  // Colours on their way from one theme to another are nobody's choice; endless ones (a spinner) stay.
  await page.evaluate(
    'for (const one of document.getAnimations()) if (Number.isFinite(one.effect.getComputedTiming().endTime)) one.finish()',
  )
  return (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(LEVELS)} }).then(({ violations }) => violations.map((v) => v.id + ' ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')))`,
  )) as string[]
}

/** With KHIEN_SHOTS=<folder>, every page visited is kept as a picture to look at. */
export async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env['KHIEN_SHOTS']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}
