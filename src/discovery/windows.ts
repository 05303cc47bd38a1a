/** Windows of a text: so much is looked at in one go, whatever its length. A window holds fewer findings than one look tells. */
export const WINDOW = 65_536
/** What is found here begins in this window and ends in it: more than the longest thing there is, a private key of 16 KiB. */
export const AHEAD = 20_480
/** Words before a value that say what it is. */
const BEHIND = 2_048

export type Window = {
  readonly text: string
  /** Where the window begins in the whole text. */
  readonly at: number
  /** What begins from here on and before `to` belongs to this window, everything else to its neighbours. */
  readonly from: number
  readonly to: number
}
export type Windows = { push(text: string): void; end(): void }

/**
 * Cuts a text that comes in parts into windows that lap over, and holds no more than one and a part. Each place of the
 * text belongs to one window; a finding that reaches over its end is whole in the window in which it begins.
 */
export function windowsOf(see: (window: Window) => void): Windows {
  let held = ''
  let at = 0
  let from = 0
  return {
    push(text) {
      held += text
      while (held.length > WINDOW) {
        // Both halves of a sign stay together.
        const to = WINDOW - AHEAD - (isLowHalf(held.charCodeAt(WINDOW - AHEAD)) ? 1 : 0)
        see({ text: held.slice(0, WINDOW), at, from, to })
        held = held.slice(to - BEHIND)
        at += to - BEHIND
        from = BEHIND
      }
    },
    end: () => see({ text: held, at, from, to: held.length }),
  }
}

const isLowHalf = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** A longer line is not taken apart into cells and values, but looked through as text. */
const LONGEST_LINE = 1 << 20
const HEAD = 1_024

type LineReader = {
  line(text: string): void
  /** A line that is longer; `head` is its beginning, and comes again with the rest. */
  long(head: string): Windows
}
const BREAK = /\r\n|\r|\n/g

/** Lines of a text that comes in parts; of one without an end no more than `LONGEST_LINE` is held. */
export function linesOf(reader: LineReader): Windows {
  let held = ''
  let long: Windows | undefined
  let returned = false

  function take(part: string, ended: boolean): void {
    if (long) long.push(part)
    else {
      held += part
      if (held.length > LONGEST_LINE) {
        long = reader.long(held.slice(0, HEAD))
        long.push(held)
        held = ''
      }
    }
    if (!ended) return
    const [whole, open] = [held, long]
    held = ''
    long = undefined
    if (open) open.end()
    else reader.line(whole)
  }

  return {
    push(text) {
      if (text === '') return
      // The second half of a line break that stood over the edge of two parts.
      let at = returned && text.startsWith('\n') ? 1 : 0
      BREAK.lastIndex = at
      for (let found = BREAK.exec(text); found !== null; found = BREAK.exec(text)) {
        take(text.slice(at, found.index), true)
        at = BREAK.lastIndex
      }
      returned = text.endsWith('\r')
      if (at < text.length) take(text.slice(at), false)
    },
    end() {
      if (long || held !== '') take('', true)
    },
  }
}
