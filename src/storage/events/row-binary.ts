import { putAddress } from './address.ts'
import { COLUMNS, type ColumnType } from './columns.ts'

/** An event as segments hold it: flat, JSON values, `time` and `received` in milliseconds. */
export type EventRecord = { readonly time: number; readonly received: number } & Readonly<Record<string, unknown>>

const BUILT_IN = new Set(['time', 'received', ...COLUMNS.map(({ name }) => name)])

/** Rows in ClickHouse's RowBinary, one after another, growing as needed. */
export class RowWriter {
  #bytes = Buffer.allocUnsafe(1 << 20)
  #at = 0
  rows = 0

  /** Writes one event under its unique number. What fits no column goes to `attrs`. */
  put(event: EventRecord, seq: number): void {
    this.#room(64)
    this.#int64(event.time)
    this.#int64(event.received)
    this.#int64(seq)
    let attrs: Record<string, unknown> | undefined
    for (const { name, type } of COLUMNS) {
      const value = event[name]
      if (!this.#value(type, value) && value !== undefined) (attrs ??= {})[name] = value
    }
    for (const name in event) if (!BUILT_IN.has(name)) (attrs ??= {})[name] = event[name]
    this.#string(attrs === undefined ? '' : JSON.stringify(attrs))
    this.rows++
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** Writes the value and says true, or writes the column's default and says false. */
  #value(type: ColumnType, value: unknown): boolean {
    switch (type) {
      case 'string':
      case 'word': {
        const text = typeof value === 'string' && value.isWellFormed() ? value : ''
        this.#string(text)
        return text !== ''
      }
      case 'address':
        return this.#address(value)
      case 'u16':
        return this.#unsigned(value, 2, 0xffff)
      case 'u32':
        return this.#unsigned(value, 4, 0xffff_ffff)
      case 'u64':
        return this.#unsigned(value, 8, Number.MAX_SAFE_INTEGER)
      case 'f64': {
        const fits = typeof value === 'number' && Number.isFinite(value) && value !== 0
        this.#room(8)
        this.#at = this.#bytes.writeDoubleLE(fits ? value : 0, this.#at)
        return fits
      }
      case 'numbers':
        return this.#list(value, (item) => this.#unsigned(item, 4, 0xffff_ffff, true))
      case 'addresses':
        return this.#list(value, (item) => this.#address(item))
    }
  }

  #list(value: unknown, put: (item: unknown) => boolean): boolean {
    const start = this.#at
    const items = Array.isArray(value) ? value : []
    this.#length(items.length)
    if (items.length > 0 && items.every(put)) return true
    this.#at = start
    this.#length(0)
    return false
  }

  #address(value: unknown): boolean {
    this.#room(16)
    const fits = typeof value === 'string' && value !== '::' && putAddress(value, this.#bytes, this.#at)
    if (!fits) this.#bytes.fill(0, this.#at, this.#at + 16)
    this.#at += 16
    return fits
  }

  #unsigned(value: unknown, width: 2 | 4 | 8, most: number, zero = false): boolean {
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= (zero ? 0 : 1) && value <= most
    const number = fits ? value : 0
    this.#room(8)
    if (width === 8) this.#int64(number)
    else this.#at = this.#bytes.writeUIntLE(number, this.#at, width)
    return fits
  }

  /** Up to 2^53, unsigned. */
  #int64(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value % 0x1_0000_0000, this.#at)
    this.#at = this.#bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), this.#at)
  }

  #string(text: string): void {
    this.#room(text.length * 3 + 5)
    if (text.length < 43) {
      // bench/events.ts: at most 127 bytes, so the length is one byte and can be filled in afterwards.
      const written = this.#bytes.write(text, this.#at + 1, 'utf8')
      this.#bytes[this.#at] = written
      this.#at += written + 1
      return
    }
    this.#length(Buffer.byteLength(text))
    this.#at += this.#bytes.write(text, this.#at, 'utf8')
  }

  /** LEB128. */
  #length(value: number): void {
    this.#room(5)
    while (value > 127) {
      this.#bytes[this.#at++] = (value & 127) | 128
      value >>>= 7
    }
    this.#bytes[this.#at++] = value
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}
