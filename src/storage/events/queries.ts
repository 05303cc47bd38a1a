import { addressText } from './address.ts'
import { COLUMNS, TABLE, fieldOf, type FieldName } from './columns.ts'
import { conditionOf } from './where.ts'
import type { HistogramAsked, SearchAsked, Span, TopAsked } from './client.ts'

/** SQL of ours with values bound beside it. */
export type Query = { readonly sql: string; readonly values: Record<string, string | number> }

const SELECTED = `toUnixTimestamp64Milli(time), toUnixTimestamp64Milli(received), seq, ${COLUMNS.map(({ name }) => `\`${name}\``).join(', ')}, attrs`

/** One more than the page, so that it is known whether there is a next one. */
export function searchQuery(asked: SearchAsked): Query {
  const span = spanOf(asked)
  const { cursor } = asked
  const edge =
    cursor === null
      ? ''
      : ` AND time <= fromUnixTimestamp64Milli({ct:Int64}) AND (time < fromUnixTimestamp64Milli({ct:Int64}) OR seq < {cs:UInt64})`
  return {
    sql: `SELECT ${SELECTED} FROM ${TABLE} WHERE ${span.sql}${edge} ORDER BY time DESC, seq DESC LIMIT {n:UInt32}`,
    values: { ...span.values, n: asked.limit + 1, ...(cursor === null ? {} : { ct: cursor.time, cs: cursor.seq }) },
  }
}

export function oneQuery(id: string): Query {
  return {
    sql: `SELECT ${SELECTED} FROM ${TABLE} WHERE id = {id:String} ORDER BY time DESC, seq DESC LIMIT 1`,
    values: { id },
  }
}

/** Counts by bucket and value; of a field of many values the ten most frequent, the rest under null. */
export function histogramQuery(asked: HistogramAsked): Query {
  const span = spanOf(asked)
  const bucket = `intDiv(toUnixTimestamp64Milli(time) - {from:Int64}, {bucket:Int64})`
  const values = { ...span.values, bucket: asked.bucketMs }
  if (asked.by === null)
    return { sql: `SELECT ${bucket} AS b, NULL, count() FROM ${TABLE} WHERE ${span.sql} GROUP BY b ORDER BY b`, values }
  const value = valueOf(asked.by)
  const top = `SELECT ${value} AS v FROM ${TABLE} WHERE ${span.sql} GROUP BY v ORDER BY count() DESC LIMIT 10`
  const shown = asked.by === 'kind' ? value : `if(${value} IN (${top}), ${value}, NULL)`
  return {
    sql: `SELECT ${bucket} AS b, ${shown} AS v, count() FROM ${TABLE} WHERE ${span.sql} GROUP BY b, v ORDER BY b, v`,
    values,
  }
}

export function topQuery(asked: TopAsked): Query {
  const span = spanOf({
    ...asked,
    where: [...asked.where, { field: asked.field, not: false, test: { is: 'present' } }],
  })
  return {
    sql: `SELECT ${valueOf(asked.field)} AS v, count() AS c, sum(c) OVER () FROM ${TABLE} WHERE ${span.sql} GROUP BY v ORDER BY c DESC, v LIMIT {n:UInt32}`,
    values: { ...span.values, n: asked.limit },
  }
}

export function countQuery(asked: Span): Query {
  const span = spanOf(asked)
  return { sql: `SELECT count() FROM ${TABLE} WHERE ${span.sql}`, values: span.values }
}

function spanOf({ from, to, where }: Span): Query {
  const condition = conditionOf(where)
  return {
    sql: `time >= fromUnixTimestamp64Milli({from:Int64}) AND time < fromUnixTimestamp64Milli({to:Int64}) AND ${condition.sql}`,
    values: { from, to, ...condition.values },
  }
}

/** A field's value, one row for each item of a list; `shownValue` makes it text, after the grouping. */
function valueOf(field: FieldName): string {
  const { type, column } = fieldOf(field)
  if (column) return type === 'numbers' || type === 'addresses' ? `arrayJoin(\`${field}\`)` : `\`${field}\``
  if (type === 'strings') return `arrayJoin(JSONExtract(attrs, '${field}', 'Array(String)'))`
  return type === 'f64' ? `JSONExtractFloat(attrs, '${field}')` : `JSONExtractString(attrs, '${field}')`
}

/** A value of `valueOf` as the store prints it, as text. */
export function shownValue(field: FieldName, value: unknown): string {
  const { type } = fieldOf(field)
  return type === 'address' || type === 'addresses' ? addressText(String(value)) : String(value)
}

/** The event of a row, as it was sent: columns that hold something, and what `attrs` says. */
export function storedEvent(row: readonly unknown[]): { event: Record<string, unknown>; time: number; seq: number } {
  const [time, received, seq] = row as [number, number, number]
  const event: Record<string, unknown> = {
    id: '',
    time: new Date(time).toISOString(),
    received: new Date(received).toISOString(),
  }
  COLUMNS.forEach(({ name, type }, i) => {
    const value = row[i + 3]
    if (type === 'address') {
      if (value !== '::') event[name] = addressText(value as string)
    } else if (type === 'addresses') {
      if ((value as string[]).length > 0) event[name] = (value as string[]).map(addressText)
    } else if (type === 'numbers' ? (value as number[]).length > 0 : value !== '' && value !== 0) event[name] = value
  })
  const attrs = row.at(-1) as string
  if (attrs !== '') Object.assign(event, JSON.parse(attrs))
  return { event, time, seq }
}
