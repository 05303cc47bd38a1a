import { isMultipart, parseMultipart } from '../../engine/waf/index.ts'

const LONGEST_BODY = 16_384

/** What stands in a field of a form or of a JSON object, as the content type says to read it; undefined elsewhere and in long bodies. */
export function fieldIn(body: Uint8Array, contentType: string, field: string): string | undefined {
  if (body.length > LONGEST_BODY) return undefined
  const text = Buffer.from(body).toString('utf8')
  if (/^\s*application\/x-www-form-urlencoded\b/i.test(contentType))
    return new URLSearchParams(text).get(field) ?? undefined
  if (!/^\s*application\/(?:[\w.]+\+)?json\b/i.test(contentType)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined
    return typeof found === 'string' ? found : undefined
  } catch {
    return undefined
  }
}

/**
 * Whatever an application may take for this field: of the query, of the body as a form, as JSON at any depth and as a form in parts,
 * whichever the content type says, with every spelling of the name that some framework takes for it. None in long bodies.
 */
export function readingsOf(query: string, body: Uint8Array, contentType: string, field: string): readonly string[] {
  if (body.length > LONGEST_BODY) return []
  const bytes = Buffer.from(body)
  const text = bytes.toString('utf8')
  const wanted = spelt(field)
  const pairs = [
    ...formPairs(query),
    ...formPairs(text),
    ...jsonPairs(text),
    ...(isMultipart(contentType) ? partPairs(contentType, bytes.toString('latin1')) : []),
  ]
  return pairs.flatMap(([name, value]) => (spelt(name) === wanted ? [value] : []))
}

type Pair = readonly [name: string, value: string]

/** PHP turns dots, blanks and brackets into underlines; .NET and Go do not look at case; `[]` makes it an array. */
const spelt = (name: string): string =>
  name
    .replace(/(?:\[[^\]]*\])+$/, '')
    .replace(/[. [+]/g, '_')
    .toLowerCase()

/** Older parsers end a pair at a semicolon too. */
const formPairs = (text: string): Pair[] =>
  text.includes('=') ? [...new URLSearchParams(text.replaceAll(';', '&'))] : []

/** A string that is not closed goes to the end, so that every sign is looked at once. */
const TOKEN = /"((?:[^"\\]|\\.)*)"?|-?\d[\d.eE+-]*|[:[]|[^\s"]/gs
/** Members as they are written, so that a name that stands twice is seen twice. */
function jsonPairs(text: string): Pair[] {
  if (!text.includes('{')) return []
  const out: Pair[] = []
  let before: string | undefined
  let name: string | undefined
  for (const [token, string] of text.matchAll(TOKEN)) {
    const value = string === undefined ? (/^[-\d]/.test(token) ? token : undefined) : unquoted(string)
    if (token === ':') name = before
    else if (value !== undefined && name !== undefined) out.push([name, value])
    if (token !== ':' && token !== '[') name = undefined
    before = string === undefined ? undefined : value
  }
  return out
}
function unquoted(text: string): string {
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}

const partPairs = (contentType: string, text: string): Pair[] =>
  parseMultipart(contentType, text, 0).pairs.map(([name, value]) => [utf8(name), utf8(value)])
const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()
