import { createReadStream } from 'node:fs'
import { KhienError } from '../kit/errors.ts'
import type { Row } from '../source/index.ts'

const LONGEST_ROW = 65_536
export type Line = { readonly line: number; readonly row: Row }

/**
 * Rows of a file of comma-separated values with a heading (RFC 4180, UTF-8, with or without a byte order mark), by the
 * number of the line each begins on. A field that is left empty is null. Errors: `adopt/csv`, naming the line.
 */
export async function* readCsv(path: string): AsyncGenerator<Line> {
  const wrong = (line: number, why: string): KhienError =>
    new KhienError('adopt/csv', `Line ${line} of the file ${why}.`, { field: 'from' })
  let heading: string[] | undefined
  let fields: string[] = []
  let text = ''
  let state: 'plain' | 'quoted' | 'closed' = 'plain'
  let [line, began, length] = [1, 1, 0]
  const close = (): void => {
    fields.push(text)
    ;[text, state] = ['', 'plain']
  }
  function* end(): Generator<Line> {
    close()
    const row = fields
    fields = []
    length = 0
    if (row.length === 1 && row[0] === '') return
    if (heading === undefined) {
      heading = row.map((each) => each.trim())
      return
    }
    if (row.length !== heading.length) throw wrong(began, `has ${row.length} fields, the heading has ${heading.length}`)
    yield {
      line: began,
      row: Object.fromEntries(heading.map((column, i) => [column, row[i] === '' ? null : row[i]!])),
    }
  }
  let first = true
  for await (const chunk of createReadStream(path, { encoding: 'utf8' }) as AsyncIterable<string>) {
    for (const sign of first ? chunk.replace(/^\ufeff/, '') : chunk) {
      if (++length > LONGEST_ROW) throw wrong(began, `is longer than ${LONGEST_ROW} signs`)
      if (sign === '\n') line++
      if (state === 'quoted') {
        if (sign === '"') state = 'closed'
        else text += sign
      } else if (sign === '"' && state === 'closed') {
        text += '"'
        state = 'quoted'
      } else if (sign === '"' && text === '') state = 'quoted'
      else if (sign === ',') close()
      else if (sign === '\n') {
        yield* end()
        began = line
      } else if (sign !== '\r') {
        if (state === 'closed') throw wrong(line, 'has signs after a closing quote')
        text += sign
      }
    }
    first = false
  }
  if (state === 'quoted') throw wrong(began, 'opens a quote that is never closed')
  if (text !== '' || fields.length > 0) yield* end()
}
