/**
 * Bytes of bodies one worker holds at a time. Large bodies may fill three quarters: the rest stays for forms and JSON. A client's line holds no
 * more than is still free (dynamic thresholds, Choudhury and Hahne 1998): alone it gets half, and whoever comes next always finds some.
 */
export class Held {
  bytes = 0
  private readonly most: number
  private readonly small: number
  private readonly lines = new Map<string, number>()

  constructor(most: number, small: number) {
    this.most = most
    this.small = small
  }

  /** Is there room for so many more bytes of a body that has `size` with them? Then they are counted. */
  take(bytes: number, size: number, line: string): boolean {
    const own = (this.lines.get(line) ?? 0) + bytes
    if (this.bytes + bytes > (size > this.small ? this.most * 0.75 : this.most)) return false
    if (own > this.most - this.bytes) return false
    this.bytes += bytes
    this.lines.set(line, own)
    return true
  }

  /** Gives back what a body had; bytes of answers, which no line holds, without one. */
  give(bytes: number, line?: string): void {
    this.bytes -= bytes
    if (line === undefined) return
    const own = (this.lines.get(line) ?? 0) - bytes
    if (own > 0) this.lines.set(line, own)
    else this.lines.delete(line)
  }
}

const SMALL = 1_024
const BLOCK = 16_384

/** A body as it comes. Small pieces are copied together: each alone would hold a hundred times its size. */
export class Gathered {
  size = 0
  private readonly chunks: Buffer[] = []
  private block: Buffer | undefined
  private used = 0

  add(chunk: Buffer): void {
    this.size += chunk.length
    if (chunk.length > SMALL) {
      this.closeBlock()
      this.chunks.push(chunk)
      return
    }
    if (this.block !== undefined && this.used + chunk.length > BLOCK) this.closeBlock()
    this.block ??= Buffer.allocUnsafeSlow(BLOCK)
    chunk.copy(this.block, this.used)
    this.used += chunk.length
  }

  whole(): Buffer {
    this.closeBlock()
    return this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks, this.size)
  }

  private closeBlock(): void {
    if (this.block !== undefined && this.used > 0) this.chunks.push(this.block.subarray(0, this.used))
    this.block = undefined
    this.used = 0
  }
}
