/** What a browser's HTML tokeniser finds in a text, as far as it can carry a script. Text between tags is left out. */
export type Piece =
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'attribute'; readonly name: string; readonly value: string | undefined }
  | { readonly kind: 'comment' | 'doctype' | 'instruction'; readonly text: string }

/** Where in a page the application may have put the text: between tags, within one (an attribute or its bare value), or in quotes there. */
export type Place = 'text' | 'tag' | "'" | '"' | '`'

const SPACE = /[\t\n\v\f\r \0/]*/y
const TAG_NAME = /[^\t\n\v\f\r >/]*/y
const ATTRIBUTE_NAME = /=?[^\t\n\v\f\r >/=]*/y
const BARE_VALUE = /[^\t\n\v\f\r >]*/y

/**
 * Reads a latin1 text as a browser would at that place (HTML standard §13.2.5, the states from "data" to "after attribute value", made
 * lenient as old browsers were: NUL and vertical tab part names too). Linear in the text.
 */
export function readHtml(text: string, place: Place): Piece[] {
  return new Reader(text).read(place)
}

class Reader {
  private at = 0
  private readonly text: string
  private readonly out: Piece[] = []

  constructor(text: string) {
    this.text = text
  }

  read(place: Place): Piece[] {
    if (place === 'tag') this.attributes()
    else if (place !== 'text') {
      const end = this.text.indexOf(place)
      this.at = end < 0 ? this.text.length : end + 1
      this.attributes()
    }
    while (this.at < this.text.length) this.markup()
    return this.out
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)![0]
    this.at += found.length
    return found
  }

  private until(mark: string, from: number): string {
    const stop = this.text.indexOf(mark, from)
    const end = stop < 0 ? this.text.length : stop
    this.at = stop < 0 ? end : end + mark.length
    return this.text.slice(from, end)
  }

  /** On to the next `<` and what follows it. */
  private markup(): void {
    const start = this.text.indexOf('<', this.at)
    if (start < 0) {
      this.at = this.text.length
      return
    }
    this.at = start + 1
    if (this.text.startsWith('!--', this.at)) this.comment()
    else if (this.text.startsWith('![CDATA[', this.at)) this.until(']]>', this.at + 8)
    else if (/^!doctype/i.test(this.text.slice(this.at, this.at + 8)))
      this.out.push({ kind: 'doctype', text: this.until('>', this.at) })
    else if (this.text[this.at] === '?' || this.text[this.at] === '%')
      this.out.push({ kind: 'instruction', text: this.until('>', this.at) })
    else if (this.text[this.at] === '!') this.out.push({ kind: 'comment', text: this.until('>', this.at + 1) })
    else this.tag()
  }

  // Ended by --> or, in old browsers, by --!> or a quick >.
  private comment(): void {
    const from = this.at + 3
    const quick = /^-?>/.exec(this.text.slice(from, from + 2))
    if (quick !== null) {
      this.at = from + quick[0].length
      return
    }
    const ends = ['-->', '--!>', '-`>'].map((mark) => this.text.indexOf(mark, from)).filter((end) => end >= 0)
    const end = ends.length === 0 ? this.text.length : Math.min(...ends)
    this.out.push({ kind: 'comment', text: this.text.slice(from, end) })
    const close = this.text.indexOf('>', end)
    this.at = close < 0 ? this.text.length : close + 1
  }

  private tag(): void {
    if (this.text[this.at] === '/') this.at++
    // `< script`, `<1` are text; a NUL before the name is skipped by old browsers.
    if (!/^\0*[A-Za-z]/.test(this.text.slice(this.at, this.at + 16))) return
    const name = this.take(TAG_NAME).replaceAll('\0', '').toLowerCase()
    this.out.push({ kind: 'tag', name })
    this.attributes()
  }

  /** Up to the `>` that ends the tag. */
  private attributes(): void {
    while (this.at < this.text.length) {
      this.take(SPACE)
      if (this.text[this.at] === '>') {
        this.at++
        return
      }
      if (this.at >= this.text.length) return
      const name = this.take(ATTRIBUTE_NAME).replaceAll('\0', '').toLowerCase()
      this.out.push({ kind: 'attribute', name, value: this.value() })
    }
  }

  private value(): string | undefined {
    const back = this.at
    this.take(SPACE_ONLY)
    if (this.text[this.at] !== '=') {
      this.at = back
      return undefined
    }
    this.at++
    this.take(SPACE_ONLY)
    const quote = this.text[this.at]
    if (quote === '"' || quote === "'" || quote === '`') return this.until(quote, this.at + 1)
    return this.take(BARE_VALUE)
  }
}

const SPACE_ONLY = /[\t\n\v\f\r \0]*/y
