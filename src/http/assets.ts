import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { KhienError } from '../kit/errors.ts'
import { route } from '../kit/contract.ts'
import { answer, type Bound } from './bind.ts'

const UI = fileURLToPath(new URL('../../ui/', import.meta.url))
const require = createRequire(import.meta.url)
const fonts = (name: string): string => join(dirname(require.resolve(`@fontsource/${name}/package.json`)), 'files')

const TYPES: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
}
const SHEETS = ['tokens.css', 'base.css', 'citizen.css', 'console.css', 'pages.css', 'report.js', 'mark.svg']
const FONT = /^(be-vietnam-pro|hanken-grotesk|jetbrains-mono)-(vietnamese|latin)-(400|500|600)-normal\.woff2$/

const asset = route({
  id: 'assets.sheet',
  method: 'GET',
  path: '/assets/:name',
  listener: 'public',
  access: { open: true },
  kind: 'file',
  summary: 'A style sheet, script or mark of the pages',
  params: z.strictObject({ name: z.enum(SHEETS) }),
  query: z.strictObject({ v: z.string().max(40).optional() }),
  whileSealed: true,
})
const font = route({
  id: 'assets.font',
  method: 'GET',
  path: '/assets/fonts/:name',
  listener: 'public',
  access: { open: true },
  kind: 'file',
  summary: 'A font file',
  params: z.strictObject({ name: z.string().regex(FONT) }),
  query: z.strictObject({ v: z.string().max(40).optional() }),
  whileSealed: true,
})

const kept = new Map<string, Promise<Buffer>>()
const read = (path: string): Promise<Buffer> => {
  let file = kept.get(path)
  if (!file) kept.set(path, (file = readFile(path)))
  return file
}

async function serveFile(path: string): Promise<Response> {
  try {
    const bytes = await read(path)
    return new Response(new Uint8Array(bytes), {
      headers: { 'content-type': TYPES[path.split('.').at(-1)!]!, 'cache-control': 'public, max-age=86400' },
    })
  } catch {
    throw new KhienError('http/not-found', 'There is nothing at this address.', { status: 404 })
  }
}

/** Style sheets and fonts, on both listeners. Names are a closed list: nothing else can be read. */
export const assets: readonly Bound[] = [
  answer(asset, ({ params }) => serveFile(join(UI, params.name.endsWith('.css') ? 'css' : 'assets', params.name))),
  answer(font, ({ params }) => serveFile(join(fonts(FONT.exec(params.name)![1]!), params.name))),
]
