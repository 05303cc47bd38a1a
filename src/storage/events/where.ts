import { networkRange } from './address.ts'
import { fieldOf, type FieldName } from './columns.ts'

/** One test of one field. Texts compare exactly, patterns (`*`) without regard to case. */
export type Test =
  | { readonly is: 'equal'; readonly value: string }
  | { readonly is: 'like'; readonly pattern: string }
  | { readonly is: 'network'; readonly network: string }
  | { readonly is: 'least' | 'most'; readonly value: number }
  | { readonly is: 'present' }
export type Term = { readonly field: FieldName; readonly not: boolean; readonly test: Test }
/** All terms hold. */
export type Where = readonly Term[]

/** A condition with its bound values: no text of a user stands in the SQL. */
export type Condition = { readonly sql: string; readonly values: Record<string, string | number> }

/** Conditions of `where`; values are named `w0`, `w1` … Terms must have been checked by the query language. */
export function conditionOf(where: Where): Condition {
  const values: Record<string, string | number> = {}
  let n = 0
  const bind = (value: string | number, type: string): string => {
    const name = `w${n++}`
    values[name] = value
    return `{${name}:${type}}`
  }
  const sql = where.map(({ field, not, test }) => {
    const { type, column } = fieldOf(field)
    const positive = column ? columnTest(field, type, test, bind) : attributeTest(field, type, test, bind)
    return not ? `NOT (${positive})` : `(${positive})`
  })
  return { sql: sql.length === 0 ? '1' : sql.join(' AND '), values }
}

type Bind = (value: string | number, type: string) => string
/** `*` is any run of signs; what LIKE itself would read is escaped. */
const likeOf = (pattern: string): string => pattern.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%')
const has = (field: string): string => `JSONHas(attrs, '${field}')`
/** A value that is there and not null: for a column, its default sent as such. */
const explicit = (field: string): string => `(${has(field)} AND JSONType(attrs, '${field}') != 'Null')`

function columnTest(field: string, type: string, test: Test, bind: Bind): string {
  const name = `\`${field}\``
  const list = type === 'numbers' || type === 'addresses'
  const zero = type === 'address' ? `toIPv6('::')` : type === 'string' || type === 'word' ? `''` : '0'
  const each = (condition: (x: string) => string): string =>
    list ? `arrayExists(x -> ${condition('x')}, ${name})` : condition(name)
  // A default in the column is an absent value unless attrs, read only where it matters, says that it was sent.
  const sent = (condition: string, ofDefault: boolean): string =>
    list || !ofDefault ? condition : `${condition} AND (${name} != ${zero} OR ${explicit(field)})`
  switch (test.is) {
    case 'present':
      return list ? `notEmpty(${name}) OR ${has(field)}` : `${name} != ${zero} OR ${has(field)}`
    case 'network': {
      const range = networkRange(test.network)!
      const [from, to] = [bind(range.from, 'IPv6'), bind(range.to, 'IPv6')]
      return sent(
        each((x) => `${x} >= ${from} AND ${x} <= ${to}`),
        !/[1-9a-f]/.test(range.from),
      )
    }
    case 'like': {
      const pattern = bind(likeOf(test.pattern), 'String')
      return sent(
        each((x) => `${x} ILIKE ${pattern}`),
        !/[^*]/.test(test.pattern),
      )
    }
    case 'least':
    case 'most': {
      const value = bind(test.value, 'Float64')
      return sent(
        each((x) => `${x} ${test.is === 'least' ? '>=' : '<='} ${value}`),
        test.is === 'most' || test.value <= 0,
      )
    }
    case 'equal': {
      const [value, ofDefault] = boundValue(type, test.value, bind)
      return sent(list ? `has(${name}, ${value})` : `${name} = ${value}`, ofDefault)
    }
  }
}

/** The bound value, and whether it is the column's default. */
function boundValue(type: string, value: string, bind: Bind): [string, boolean] {
  if (type === 'string' || type === 'word') return [bind(value, 'String'), value === '']
  if (type === 'address' || type === 'addresses') return [bind(value, 'IPv6'), value === '::']
  return [bind(Number(value), 'Float64'), Number(value) === 0]
}

function attributeTest(field: string, type: string, test: Test, bind: Bind): string {
  const text = `JSONExtractString(attrs, '${field}')`
  const number = `JSONExtractFloat(attrs, '${field}')`
  const items = `JSONExtract(attrs, '${field}', 'Array(String)')`
  switch (test.is) {
    case 'present':
      return has(field)
    case 'like': {
      const pattern = bind(likeOf(test.pattern), 'String')
      return type === 'strings'
        ? `arrayExists(x -> x ILIKE ${pattern}, ${items})`
        : `${explicit(field)} AND ${text} ILIKE ${pattern}`
    }
    case 'least':
      return `${explicit(field)} AND ${number} >= ${bind(test.value, 'Float64')}`
    case 'most':
      return `${explicit(field)} AND ${number} <= ${bind(test.value, 'Float64')}`
    case 'equal':
      if (type === 'strings') return `has(${items}, ${bind(test.value, 'String')})`
      if (type === 'f64') return `${explicit(field)} AND ${number} = ${bind(Number(test.value), 'Float64')}`
      return `${explicit(field)} AND ${text} = ${bind(test.value, 'String')}`
    case 'network':
      throw new TypeError(`${field} holds no address`)
  }
}
