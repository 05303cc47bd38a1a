import type { ByteSet } from '../../bytes/byte-set.ts'

export type Assertion = 'start' | 'end' | 'very-end' | 'line-start' | 'line-end' | 'word-edge' | 'no-word-edge'

/** A PCRE pattern over bytes. Case-insensitivity is already folded into the sets. */
export type Node =
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: 'capture'; readonly body: Node }
  | { readonly kind: 'ahead'; readonly body: Node; readonly negative: boolean }
  | { readonly kind: 'assert'; readonly what: Assertion }
