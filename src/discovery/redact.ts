import { recognise, type RecogniseOptions } from '../engine/pii/index.ts'
import { linesOf, WINDOW, windowsOf, type Window, type Windows } from './windows.ts'

/** The text with every finding replaced by its kind in brackets: `Gọi [phone] giúp em`. */
export function redact(text: string, options: RecogniseOptions): { readonly text: string; readonly count: number } {
  const out: string[] = []
  const one = redacting(options, (part) => out.push(part))
  if (text.length <= WINDOW) one.see({ text, at: 0, from: 0, to: text.length })
  else {
    const windows = windowsOf(one.see)
    windows.push(text)
    windows.end()
  }
  return { text: out.join(''), count: one.count() }
}

/** The same for a text that comes in parts, line by line, of lines of any length; `count` is of all so far. */
export function redactLines(
  options: RecogniseOptions,
  write: (text: string) => void,
): Windows & { readonly count: () => number } {
  let count = 0
  const lines = linesOf({
    line(text) {
      const done = redact(text, options)
      count += done.count
      write(`${done.text}\n`)
    },
    long() {
      const one = redacting(options, write)
      const { push, end } = windowsOf(one.see)
      return {
        push,
        end() {
          end()
          count += one.count()
          write('\n')
        },
      }
    },
  })
  return { ...lines, count: () => count }
}

function redacting(options: RecogniseOptions, write: (text: string) => void) {
  let count = 0
  /** Up to here the text is written. */
  let settled = 0
  function see({ text, at, from, to }: Window): void {
    for (const { kind, start, end } of recognise(text, options)) {
      if (start < from || start >= to || at + start < settled) continue
      write(`${text.slice(settled - at, start)}[${kind}]`)
      settled = at + end
      count++
    }
    if (at + to > settled) {
      write(text.slice(settled - at, to))
      settled = at + to
    }
  }
  return { see, count: () => count }
}
