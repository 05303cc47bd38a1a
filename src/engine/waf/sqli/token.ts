/**
 * What a piece of SQL is, in one letter, so that a statement becomes a short word one can reason about:
 * `n` name, `1` number, `s` string, `v` variable, `f` function, `k` keyword, `E` start of a statement or query, `U` union, `B` order/group/limit,
 * `T` procedural statement, `t` type, `A` collate, `o` operator, `&` logical operator, `c` comment, `X` executable or nested comment,
 * `;` `,` `.` `(` `)` `{` `}` `\` `?` themselves.
 */
export type Kind =
  | 'n'
  | '1'
  | 's'
  | 'v'
  | 'f'
  | 'k'
  | 'E'
  | 'U'
  | 'B'
  | 'T'
  | 't'
  | 'A'
  | 'o'
  | '&'
  | 'c'
  | 'X'
  | ';'
  | ','
  | '.'
  | '('
  | ')'
  | '{'
  | '}'
  | '\\'
  | ':'
  | '?'

export type Token = {
  readonly kind: Kind
  /** Lower case for words and operators; the inside of a string; the whole of a comment. */
  readonly text: string
  /** Of a string: the quote that opened it ('' when the text begins inside it) and the one that closed it ('' at the end of the text). */
  readonly opened?: string
  readonly closed?: string
}
