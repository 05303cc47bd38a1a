import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Answer } from './http.ts'
import { MARK, STYLE } from './style.ts'

const require = createRequire(import.meta.url)
const FONT = /^\/_\/(be-vietnam-pro-(?:vietnamese|latin)-(?:400|600)-normal\.woff2)$/
const kept = { 'cache-control': 'public, max-age=3600' }

/** Sheet, mark and four font files; a closed list. */
export async function asset(path: string): Promise<Answer | undefined> {
  if (path === '/_/shop.css') return { body: STYLE, headers: { ...kept, 'content-type': 'text/css; charset=utf-8' } }
  if (path === '/_/mark.svg') return { body: MARK, headers: { ...kept, 'content-type': 'image/svg+xml' } }
  const name = FONT.exec(path)?.[1]
  if (name === undefined) return undefined
  const folder = dirname(require.resolve('@fontsource/be-vietnam-pro/package.json'))
  const body = await readFile(join(folder, 'files', name))
  return { body, headers: { ...kept, 'content-type': 'font/woff2' } }
}
