/** A piece of SQL: words of ours, names to be quoted, values to be bound. No value ever becomes part of the text. */
export type Query = { readonly pieces: readonly Piece[] }
type Value = { readonly value: string | null }
type Name = { readonly name: readonly string[] }
type Piece = string | Value | Name
export type Kind = 'postgres' | 'mysql'

/** `` sql`select ${name('phone')} from ${name('public', 'users')} where id = ${id}` `` */
export function sql(texts: TemplateStringsArray, ...holes: readonly (Query | string | number | null)[]): Query {
  const pieces: Piece[] = [texts[0]!]
  for (const [i, hole] of holes.entries()) {
    if (typeof hole === 'object' && hole !== null) pieces.push(...hole.pieces)
    else pieces.push({ value: hole === null ? null : String(hole) })
    pieces.push(texts[i + 1]!)
  }
  return { pieces }
}

/** A name, or a path of names: `name('public', 'users')`. */
export const name = (...path: readonly string[]): Query => ({ pieces: [{ name: path }] })

/** Words of ours, or a type as the catalogue spells it; never anything a person wrote. */
export const words = (text: string): Query => ({ pieces: [text] })

export const list = (queries: readonly Query[], between = ', '): Query => ({
  pieces: queries.flatMap((query, i) => (i === 0 ? query.pieces : [between, ...query.pieces])),
})

/** The text and the values as a driver takes them. */
export function compile(query: Query, kind: Kind): { text: string; values: (string | null)[] } {
  let text = ''
  const values: (string | null)[] = []
  for (const piece of query.pieces) {
    if (typeof piece === 'string') text += piece
    else if ('name' in piece) text += piece.name.map((part) => quote(part, kind)).join('.')
    else {
      values.push(piece.value)
      text += kind === 'postgres' ? `$${values.length}` : '?'
    }
  }
  return { text, values }
}

/** PostgreSQL 4.1.1, MySQL 11.2: the quote inside a name is doubled. */
export function quote(part: string, kind: Kind): string {
  const sign = kind === 'postgres' ? '"' : '`'
  if (part === '' || part.includes('\u0000')) throw new RangeError('not a name of a table or column')
  return sign + part.replaceAll(sign, sign + sign) + sign
}

/** A text of ours inside a definition that takes no values (a trigger). */
export const literal = (text: string, kind: Kind): Query => {
  if (kind === 'mysql' && text.includes('\\')) throw new RangeError('no backslash in a definition')
  return words(`'${text.replaceAll("'", "''")}'`)
}
