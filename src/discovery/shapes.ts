type Look = (place: string, text: string, about: string) => void
/** Takes a file line by line and says which part of it belongs where. */
export type Reader = {
  line(line: string, look: Look): void
  /** Where a line belongs that is too long to be taken apart, by its beginning. */
  place(head: string): string
}

const MOST_COLUMNS = 500

/** How the lines of a file are to be read, by its name and then by what they say. */
export function readerFor(name: string): Reader {
  if (/\.csv$/i.test(name)) return delimited(',')
  if (/\.tsv$/i.test(name)) return delimited('\t')
  if (/\.(?:ndjson|jsonl)$/i.test(name)) return jsonLines
  if (/\.(?:sql|dump)$/i.test(name)) return sqlDump()
  return plain
}

const nowhere = (): string => ''

const plain: Reader = {
  line(line, look) {
    if (line.trim() !== '') look('', line, '')
  },
  place: nowhere,
}

/** RFC 4180 but for line breaks inside quotes, which begin a line of their own; the first line names the columns. */
function delimited(sign: string): Reader {
  let columns: string[] | undefined
  function read(line: string, look: Look): void {
    const own = sign === ',' && columns === undefined && !line.includes(',') && line.includes(';') ? ';' : sign
    const cells = cellsOf(line, own)
    if (own !== sign) sign = own
    if (columns === undefined) {
      const first = cells.slice(0, MOST_COLUMNS).map((cell) => cell.replace(/^\ufeff/, '').trim())
      // A file without a line of names: its first people are no names of columns.
      columns = first.some(isData) ? [] : first
      if (columns.length > 0) return
    }
    for (const [i, cell] of cells.entries())
      if (cell.trim() !== '') look(columns[i] ?? `${i + 1}`, cell, wordsOf(columns[i] ?? ''))
  }
  function place(): string {
    // A first line of such a length names no columns.
    columns ??= []
    return ''
  }
  return { line: read, place }
}

/** Whether a name of a column is none: a report must not repeat it. */
const isData = (name: string): boolean => /@|(?:\d[ .-]?){6}/.test(name)

function cellsOf(line: string, sign: string): string[] {
  const cells: string[] = []
  let at = 0
  while (at <= line.length) {
    if (line[at] === '"') {
      let text = ''
      let i = at + 1
      for (;;) {
        const end = line.indexOf('"', i)
        text += line.slice(i, end < 0 ? undefined : end)
        if (end < 0) return [...cells, text]
        i = end + 1
        if (line[i] !== '"') break
        text += '"'
        i++
      }
      cells.push(text)
      const next = line.indexOf(sign, i)
      if (next < 0) return cells
      at = next + 1
    } else {
      const next = line.indexOf(sign, at)
      cells.push(line.slice(at, next < 0 ? undefined : next))
      if (next < 0) return cells
      at = next + 1
    }
  }
  return cells
}

/** Each value under its path, list positions left out. A line that is no JSON is plain text. */
const jsonLines: Reader = { line: readJson, place: nowhere }
function readJson(line: string, look: Look): void {
  if (line.trim() === '') return
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return look('', line, '')
  }
  const walk = (part: unknown, path: string, depth: number): void => {
    if (depth > 20) return
    if (typeof part === 'string' || typeof part === 'number') look(path, String(part), wordsOf(path))
    else if (Array.isArray(part)) for (const one of part) walk(one, path, depth + 1)
    else if (typeof part === 'object' && part !== null)
      for (const [key, one] of Object.entries(part)) {
        const name = isData(key) ? '*' : key
        const inner = path === '' ? name : `${path}.${name}`
        if (name !== key) look(inner, key, wordsOf(path))
        walk(one, inner, depth + 1)
      }
  }
  walk(value, '', 0)
}

/** `COPY table (columns) FROM stdin` of pg_dump by column; `INSERT INTO table` by table; the rest as text. */
function sqlDump(): Reader {
  let copying: { table: string; columns: string[] } | undefined
  const place = (head: string): string => copying?.table ?? INSERT.exec(head)?.[1] ?? ''
  function read(line: string, look: Look): void {
    if (copying !== undefined) {
      if (line === '\\.') copying = undefined
      else
        for (const [i, cell] of line.split('\t').entries()) {
          const column = copying.columns[i] ?? `${i + 1}`
          if (cell !== '\\N' && cell !== '') look(`${copying.table}.${column}`, unescaped(cell), wordsOf(column))
        }
      return
    }
    const copy = /^COPY ("?[\w.]+"?(?:\."?\w+"?)?) \(([^)]{1,20000})\) FROM stdin/i.exec(line)
    if (copy) {
      const columns = copy[2]!.split(',').map((column) => column.trim().replaceAll('"', ''))
      copying = { table: copy[1]!.replaceAll('"', ''), columns }
      return
    }
    if (line.trim() !== '') look(place(line), line, '')
  }
  return { line: read, place }
}
const INSERT = /^INSERT INTO [`"]?([\w.]+)/i

const unescaped = (cell: string): string =>
  cell.replace(/\\([\\ntr])/g, (_, sign: string) =>
    sign === 'n' ? '\n' : sign === 't' ? '\t' : sign === 'r' ? '\r' : '\\',
  )

/** `so_dien_thoai` and `soDienThoai` as the words a person would write beside a value. */
export const wordsOf = (name: string): string =>
  name
    .slice(-60)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[._-]+/g, ' ')
    .trim()
