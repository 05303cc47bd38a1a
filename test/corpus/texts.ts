import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const ROOT = join(import.meta.dirname, '../..')
const TOO_LARGE = 300_000

/** Paragraphs of the documentation of installed Debian packages; none where there is no such folder. */
export function* packageDocuments(): Generator<string> {
  for (const path of every(4, filesBelow('/usr/share/doc', /^(?:README|NEWS|changelog|copyright|TODO|FAQ)/i)))
    yield* every(
      3,
      read(path)
        .split(/\n\s*\n/)
        .filter((text) => text.length > 30 && text.length < 2_000),
      8,
    )
}

/** Sections of the READMEs of npm packages: prose, Markdown and code. */
export function* readmes(): Generator<string> {
  for (const path of filesBelow(join(ROOT, 'node_modules'), /^README.*\.md$/i))
    for (const part of every(2, read(path).split(/\n#+ /), 5)) yield part.slice(0, 3_000)
}

/** Twenty lines of a program at a time, as pasted into a forum: of npm packages and of this repository. */
export function* programs(): Generator<string> {
  const code = /\.(?:m?js|tsx?|css|json)$/
  const files = [
    ...every(30, filesBelow(join(ROOT, 'node_modules'), code)),
    ...filesBelow(join(ROOT, 'src'), code),
    ...filesBelow(join(ROOT, 'ui'), code),
  ]
  for (const path of files) {
    const lines = read(path).split('\n')
    for (let at = 0, taken = 0; at < lines.length && taken < 5; at += 60, taken++) {
      const text = lines.slice(at, at + 20).join('\n')
      if (text.length < 4_000) yield text
    }
  }
}

/** Vietnamese and English sentences of this program's own pages. */
export function* ownMessages(): Generator<string> {
  for (const path of filesBelow(join(ROOT, 'src'), /messages\.ts$/))
    for (const [, quoted, ticked] of read(path).matchAll(/: '((?:[^'\\\n]|\\.){6,})'|: `([^`]{6,})`/g))
      yield quoted ?? ticked!
}

/** Every n-th, at most `most` of them. */
function* every<T>(n: number, list: Iterable<T>, most = Number.POSITIVE_INFINITY): Generator<T> {
  let at = 0
  let given = 0
  for (const one of list) {
    if (at++ % n !== 0) continue
    if (given++ >= most) return
    yield one
  }
}

/** Names in order, so that every run sees the same. Folders and files that cannot be read are passed over. */
function* filesBelow(folder: string, name: RegExp): Generator<string> {
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path, name)
    else if (name.test(entry.name) && isReadable(path)) yield path
  }
}

function entriesOf(folder: string): { name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}

function isReadable(path: string): boolean {
  try {
    return statSync(path).size <= TOO_LARGE
  } catch {
    return false
  }
}

const read = (path: string): string => {
  const bytes = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}
