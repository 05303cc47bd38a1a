import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { KhienError } from '../kit/errors.ts'
import { route } from '../kit/contract.ts'
import { answer, type Bound } from './bind.ts'

const BUILT = fileURLToPath(new URL('../../dist/console/', import.meta.url))
/** Names as the build writes them: a word, a hash, an ending. */
const FILE = /^[A-Za-z0-9_.-]{1,80}\.(js|css|svg)$/
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}
/** Best first. The build writes each beside the file it was made from. */
const PACKED = [
  { coding: 'br', ending: '.br' },
  { coding: 'gzip', ending: '.gz' },
] as const
const KEPT_FILES = 300

/** Areas of the console: it answers for each and for everything below. */
export const CONSOLE_PATHS = ['protect', 'people', 'detect', 'share', 'warn', 'reports', 'evidence'] as const

const file = route({
  id: 'console.file',
  method: 'GET',
  path: '/console/files/:name',
  listener: 'internal',
  access: { open: true },
  kind: 'file',
  summary: 'A built file of the console; its name changes with its content',
  params: z.strictObject({ name: z.string().regex(FILE) }),
  query: z.strictObject({}),
  whileSealed: true,
})
const page = (path: string, id: string) =>
  route({
    id,
    method: 'GET',
    path,
    listener: 'internal',
    access: { open: true },
    kind: 'page',
    summary: 'The console; what it shows comes from the API',
    whileSealed: true,
  })

const kept = new Map<string, Promise<Buffer>>()
/** Built files never change under their name, so they are read once; a file that is not there is asked for again. */
function read(path: string): Promise<Buffer> {
  const known = kept.get(path)
  if (known) return known
  if (kept.size >= KEPT_FILES) kept.clear()
  const bytes = readFile(path)
  kept.set(path, bytes)
  bytes.catch(() => kept.delete(path))
  return bytes
}

async function fileAnswer(name: string, accepts: string): Promise<Response> {
  const headers = {
    'content-type': TYPES[name.split('.').at(-1)!]!,
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
  }
  for (const { coding, ending } of PACKED) {
    if (!accepts.includes(coding)) continue
    const bytes = await read(join(BUILT, 'files', name + ending)).catch(() => undefined)
    if (bytes) return new Response(new Uint8Array(bytes), { headers: { ...headers, 'content-encoding': coding } })
  }
  const bytes = await read(join(BUILT, 'files', name)).catch(() => undefined)
  if (!bytes) throw new KhienError('http/not-found', 'There is nothing at this address.', { status: 404 })
  return new Response(new Uint8Array(bytes), { headers })
}

/** The page of the console. Throws `console/not-built` (503). */
export async function consoleAnswer(): Promise<Response> {
  const html = await readFile(join(BUILT, 'index.html')).catch(() => undefined)
  if (!html)
    throw new KhienError(
      'console/not-built',
      'The console has not been built: run ./bin/khien.js console build on the host, then load this page again.',
      { status: 503 },
    )
  return new Response(new Uint8Array(html), {
    headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' },
  })
}

/** The built console on the internal listener: its page at every address it answers for, its files under their hashes. */
export const consoleFiles: readonly Bound[] = [
  answer(file, ({ params }, { raw }) => fileAnswer(params.name, raw.headers.get('accept-encoding') ?? '')),
  ...CONSOLE_PATHS.flatMap((path) => [
    answer(page(`/${path}`, `console.${path}`), consoleAnswer),
    answer(page(`/${path}/*`, `console.${path}-part`), consoleAnswer),
  ]),
]
