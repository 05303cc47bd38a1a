import { utf8, utf8SequenceAt } from '../../bytes/latin1.ts'

export type Xml = {
  /** Text of the root element with all that is in it: `XML:/*`. */
  readonly text: string
  /** Values of all attributes, in order: `XML://@*`. */
  readonly attributes: readonly string[]
  readonly error: string | undefined
}

const MAX_DEPTH = 256
const MAX_ATTRIBUTES = 2_000
const NAME = '[A-Za-z_:\\x80-\\xff][A-Za-z0-9_:.\\-\\x80-\\xff]*'
const OPEN = new RegExp(`<(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`, 'y')
const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'g')
const CLOSE = new RegExp(`</(${NAME})\\s*>`, 'y')
const REFERENCE = /&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(lt|gt|amp|apos|quot));|&/g
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' }

class Malformed extends Error {}

/**
 * XML 1.0 (latin1 image of UTF-8), well-formed or an error; what was read before an error stays. A document type is passed over:
 * nothing it declares is expanded or loaded, so a reference to an entity of its own is an error. Never throws.
 */
export function parseXml(text: string): Xml {
  const reader = new Reader(text)
  try {
    reader.document()
    return reader.result(undefined)
  } catch (error) {
    if (error instanceof Malformed) return reader.result(error.message)
    throw error
  }
}

class Reader {
  private readonly source: string
  private readonly text: string[] = []
  private readonly attributes: string[] = []
  private at = 0

  constructor(source: string) {
    this.source = source
  }

  result(error: string | undefined): Xml {
    return { text: this.text.join(''), attributes: this.attributes, error }
  }

  document(): void {
    if (this.source.startsWith('\xef\xbb\xbf')) this.at = 3
    this.encoding()
    this.misc(true)
    if (!this.elements()) throw new Malformed('no root element')
    this.misc(false)
    if (this.at < this.source.length) throw new Malformed('text after the root element')
  }

  private encoding(): void {
    const declared = /^<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([^"']*)["']/.exec(
      this.source.slice(this.at, this.at + 300),
    )?.[1]
    if (declared !== undefined && !/^(?:utf-?8|us-ascii|iso-8859-1|windows-125[28])$/i.test(declared))
      throw new Malformed('another character set')
    for (let i = this.at; i < this.source.length;) {
      const size = declared !== undefined && !/^utf/i.test(declared) ? 1 : utf8SequenceAt(this.source, i)
      if (size === 0) throw new Malformed('not UTF-8')
      i += size
    }
  }

  /** White space, comments, instructions and the document type, outside the root element. */
  private misc(before: boolean): void {
    for (;;) {
      while (/[ \t\r\n]/.test(this.source[this.at] ?? '')) this.at++
      if (this.skip('<!--', '-->') || this.skip('<?', '?>')) continue
      if (!before || !this.source.startsWith('<!DOCTYPE', this.at)) return
      this.documentType()
    }
  }

  private skip(open: string, close: string): boolean {
    if (!this.source.startsWith(open, this.at)) return false
    const end = this.source.indexOf(close, this.at + open.length)
    if (end < 0) throw new Malformed(`${open} is not closed`)
    this.at = end + close.length
    return true
  }

  private documentType(): void {
    let depth = 0
    for (; this.at < this.source.length; this.at++) {
      const sign = this.source[this.at]
      if (sign === '"' || sign === "'") {
        const end = this.source.indexOf(sign, this.at + 1)
        if (end < 0) break
        this.at = end
      } else if (sign === '<') depth++
      else if (sign === '>' && --depth === 0) {
        this.at++
        return
      }
    }
    throw new Malformed('the document type is not closed')
  }

  private elements(): boolean {
    const open: string[] = []
    do {
      CLOSE.lastIndex = OPEN.lastIndex = this.at
      const start = OPEN.exec(this.source)
      if (start !== null) {
        this.at = OPEN.lastIndex
        this.attributesOf(start[2]!)
        if (start[3] === '') open.push(start[1]!)
        if (open.length > MAX_DEPTH) throw new Malformed('nested too deeply')
        continue
      }
      if (open.length === 0) return false
      const end = CLOSE.exec(this.source)
      if (end !== null) {
        if (open.pop() !== end[1]) throw new Malformed('an element is closed by another name')
        this.at = CLOSE.lastIndex
      } else this.content()
    } while (open.length > 0)
    return true
  }

  private content(): void {
    if (this.skip('<!--', '-->') || this.skip('<?', '?>')) return
    const from = this.at
    if (this.skip('<![CDATA[', ']]>')) {
      this.text.push(this.source.slice(from + 9, this.at - 3))
      return
    }
    if (this.source[from] === '<') throw new Malformed('a tag is not understood')
    const end = this.source.indexOf('<', from)
    if (end < 0) throw new Malformed('an element is not closed')
    this.text.push(this.resolved(this.source.slice(from, end)))
    this.at = end
  }

  private attributesOf(text: string): void {
    const names = new Set<string>()
    for (const [, name, double, single] of text.matchAll(ATTRIBUTE)) {
      if (names.has(name!)) throw new Malformed('an attribute is doubled')
      names.add(name!)
      if (this.attributes.length >= MAX_ATTRIBUTES) throw new Malformed('too many attributes')
      const value = this.resolved(double ?? single ?? '')
      // A namespace declaration is no attribute to XPath.
      if (name !== 'xmlns' && !name!.startsWith('xmlns:')) this.attributes.push(value)
    }
  }

  private resolved(text: string): string {
    if (!text.includes('&')) return text
    return text.replace(REFERENCE, (_, hex: string, decimal: string, name: string) => {
      if (name !== undefined) return NAMED[name]!
      const point = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16)
      if (!(point > 0 && point <= 0x10ffff) || (point >= 0xd800 && point < 0xe000))
        throw new Malformed('a reference is not understood')
      return utf8(String.fromCodePoint(point))
    })
  }
}
