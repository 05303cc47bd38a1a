import { toLatin1, utf8, utf8SequenceAt } from '../../bytes/latin1.ts'
import { MAX_NAME, MAX_NAME_BYTES, MAX_PAIRS, type Pair, type Parsed } from './urlencoded.ts'

/** Nesting allowed unless told otherwise. */
const DEPTH = 40

class Malformed extends Error {}

/**
 * RFC 8259 JSON (latin1 image of UTF-8) → one pair per scalar, named as ModSecurity v3 names them: `json.a.array_0.b`; null is empty. Doubled keys give
 * doubled pairs, because the application may read either; JSON.parse would show the last alone. Never throws.
 */
export function parseJson(text: string, depth = DEPTH, most = MAX_PAIRS): Parsed {
  const pairs: Pair[] = []
  try {
    new Reader(text, pairs, depth, most).document()
    return { pairs, error: undefined }
  } catch (error) {
    if (error instanceof Malformed) return { pairs, error: error.message }
    throw error
  }
}

class Reader {
  private at = 0
  private nameBytes = 0
  private readonly text: string
  private readonly pairs: Pair[]
  private readonly deepest: number
  private readonly most: number

  constructor(text: string, pairs: Pair[], deepest: number, most: number) {
    this.text = text
    this.pairs = pairs
    this.deepest = deepest
    this.most = most
  }

  document(): void {
    this.space()
    this.value('json', 0)
    this.space()
    if (this.at < this.text.length) throw new Malformed('text after the JSON value')
  }

  private space(): void {
    while (this.at < this.text.length && ' \t\n\r'.includes(this.text[this.at]!)) this.at++
  }

  private add(name: string, value: string): void {
    if (this.pairs.length >= this.most) throw new Malformed('too many values')
    this.nameBytes += name.length
    if (this.nameBytes > MAX_NAME_BYTES) throw new Malformed('names too long')
    this.pairs.push([name, value])
  }

  private value(name: string, depth: number): void {
    if (depth > this.deepest) throw new Malformed('nested too deeply')
    const sign = this.text[this.at]
    if (sign === '{') return this.object(name, depth)
    if (sign === '[') return this.array(name, depth)
    if (sign === '"') return this.add(name, this.string())
    const scalar = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y
    scalar.lastIndex = this.at
    const found = scalar.exec(this.text)
    if (found === null) throw new Malformed('not a JSON value')
    this.at += found[0].length
    this.add(name, found[0] === 'null' ? '' : found[0])
  }

  private object(name: string, depth: number): void {
    this.at++
    this.space()
    if (this.text[this.at] === '}') {
      this.at++
      return
    }
    for (;;) {
      if (this.text[this.at] !== '"') throw new Malformed('a key must be a string')
      const key = `${name}.${this.string()}`
      // Before its children: each of them would copy it.
      if (key.length > MAX_NAME) throw new Malformed('a name is too long')
      this.space()
      if (this.text[this.at++] !== ':') throw new Malformed('a colon is missing')
      this.space()
      this.value(key, depth + 1)
      this.space()
      const next = this.text[this.at++]
      if (next === '}') return
      if (next !== ',') throw new Malformed('an object is not closed')
      this.space()
    }
  }

  private array(name: string, depth: number): void {
    this.at++
    this.space()
    if (this.text[this.at] === ']') {
      this.at++
      return
    }
    for (let index = 0; ; index++) {
      this.value(`${name}.array_${index}`, depth + 1)
      this.space()
      const next = this.text[this.at++]
      if (next === ']') return
      if (next !== ',') throw new Malformed('an array is not closed')
      this.space()
    }
  }

  private string(): string {
    let from = ++this.at
    let out = ''
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code === 34) {
        out += this.text.slice(from, this.at++)
        return out
      }
      // NaN at the end of the text fails both comparisons.
      if (!(code >= 32)) throw new Malformed('a string is not closed')
      if (code === 92) {
        out += this.text.slice(from, this.at) + this.escape()
        from = this.at
        continue
      }
      const size = utf8SequenceAt(this.text, this.at)
      if (size === 0) throw new Malformed('not UTF-8')
      this.at += size
    }
  }

  private escape(): string {
    const sign = this.text[this.at + 1] ?? ''
    const plain = '"\\/bfnrt'.indexOf(sign)
    if (sign !== '' && plain >= 0) {
      this.at += 2
      return '"\\/\b\f\n\r\t'[plain]!
    }
    // Neighbouring escapes together, so that surrogate pairs meet; a lone surrogate becomes U+FFFD as in TextEncoder.
    const run = /(?:\\u[0-9a-fA-F]{4}){1,64}/y
    run.lastIndex = this.at
    const found = run.exec(this.text)
    if (found === null) throw new Malformed('an unknown escape')
    const units = found[0]
      .slice(2)
      .split('\\u')
      .map((hex) => Number.parseInt(hex, 16))
    const last = units.at(-1)!
    if (units.length === 64 && last >= 0xd800 && last < 0xdc00) units.pop()
    this.at += units.length * 6
    return utf8(String.fromCharCode(...units))
  }
}

/** Bytes of a body → pairs; a byte order mark is not JSON (RFC 8259 §8.1). */
export const parseJsonBytes = (body: Uint8Array): Parsed => parseJson(toLatin1(body))
