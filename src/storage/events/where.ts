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

function columnTest(field: string, type: string, test: Test, bind: Bind): string {
  const name = `\`${field}\``
  const list = type === 'numbers' || type === 'addresses'
  // An explicit default lies in attrs, an absent value does not.
  const present = list
    ? `(notEmpty(${name}) OR ${has(field)})`
    : type === 'address'
      ? `(${name} != toIPv6('::') OR ${has(field)})`
      : type === 'string' || type === 'word'
        ? `(${name} != '' OR ${has(field)})`
        : `(${name} != 0 OR ${has(field)})`
  const each = (condition: (x: string) => string): string =>
    list ? `arrayExists(x -> ${condition('x')}, ${name})` : condition(name)
  const network = (range: { from: string; to: string }): string => {
    const [from, to] = [bind(range.from, 'IPv6'), bind(range.to, 'IPv6')]
    return each((x) => `${x} >= ${from} AND ${x} <= ${to}`)
  }
  switch (test.is) {
    case 'present':
      return present
    case 'network':
      return network(networkRange(test.network)!)
    case 'like': {
      const pattern = bind(likeOf(test.pattern), 'String')
      return each((x) => `${x} ILIKE ${pattern}`)
    }
    case 'least':
    case 'most': {
      const value = bind(test.value, 'Float64')
      const compared = each((x) => `${x} ${test.is === 'least' ? '>=' : '<='} ${value}`)
      return list ? compared : `${compared} AND ${present}`
    }
    case 'equal': {
      if (type === 'address' || type === 'addresses') {
        const value = bind(test.value, 'IPv6')
        return list ? `has(${name}, ${value})` : `${name} = ${value}`
      }
      if (type === 'string' || type === 'word') {
        const same = `${name} = ${bind(test.value, 'String')}`
        return test.value === '' ? `${same} AND ${has(field)}` : same
      }
      const value = bind(Number(test.value), 'Float64')
      if (list) return `has(${name}, ${value})`
      return Number(test.value) === 0 ? `${name} = ${value} AND ${has(field)}` : `${name} = ${value}`
    }
  }
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
        : `${has(field)} AND ${text} ILIKE ${pattern}`
    }
    case 'least':
      return `${has(field)} AND ${number} >= ${bind(test.value, 'Float64')}`
    case 'most':
      return `${has(field)} AND ${number} <= ${bind(test.value, 'Float64')}`
    case 'equal':
      if (type === 'strings') return `has(${items}, ${bind(test.value, 'String')})`
      if (type === 'f64') return `${has(field)} AND ${number} = ${bind(Number(test.value), 'Float64')}`
      return `${has(field)} AND ${text} = ${bind(test.value, 'String')}`
    case 'network':
      throw new TypeError(`${field} holds no address`)
  }
}
