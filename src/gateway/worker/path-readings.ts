const utf8 = new TextDecoder('utf-8')

/** Percent signs undone, except for slashes, which stay part of a name. A sequence that is none stays as it is. */
export const decoded = (path: string): string => undo(path, (code) => code !== 0x2f && code !== 0x5c)

function undo(path: string, wanted: (code: number) => boolean): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    let out = ''
    let bytes: number[] = []
    const flush = (): void => {
      out += utf8.decode(Uint8Array.from(bytes))
      bytes = []
    }
    for (let at = 0; at < run.length; at += 3) {
      const code = Number.parseInt(run.slice(at + 1, at + 3), 16)
      if (wanted(code)) bytes.push(code)
      else {
        flush()
        out += run.slice(at, at + 3)
      }
    }
    flush()
    return out
  })
}

/** What an application may make of a path: all undone, `\` as `/`, parameters (`;a=1`) and doubled slashes gone, dots followed. */
export function resolvedPath(path: string): string {
  const plain = undo(path, () => true).replaceAll('\\', '/')
  const out: string[] = []
  for (const raw of plain.split('/')) {
    const part = raw.split(';', 1)[0]!
    if (part === '..') out.pop()
    else if (part !== '' && part !== '.') out.push(part)
  }
  return `/${out.join('/')}${plain.length > 1 && plain.endsWith('/') ? '/' : ''}`
}

/** What is one path to applications that look at neither case nor a slash or blanks at the end. */
export function looseReading(path: string): string {
  let end = path.length
  while (end > 1 && /[\s/]/.test(path[end - 1]!)) end--
  return path.slice(0, end).toLowerCase()
}
