import type { ByteSet } from '../../bytes/byte-set.ts'

export type Edge = 'start' | 'end' | 'very-end' | 'line-start' | 'line-end' | 'word-edge' | 'no-word-edge'

/** A PCRE pattern over bytes. Case-insensitivity is already folded into the sets; a possessive repeat is one in an atomic group. */
export type Node =
  | { readonly kind: 'set'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: 'capture'; readonly body: Node; readonly group: number }
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'look'; readonly body: Node; readonly behind: boolean; readonly negative: boolean }
  | { readonly kind: 'back'; readonly group: number; readonly caseless: boolean }
  | { readonly kind: 'assert'; readonly what: Edge }

export const EMPTY: Node = { kind: 'sequence', items: [] }

/** The parts directly inside a node. */
export function partsOf(node: Node): readonly Node[] {
  if (node.kind === 'sequence') return node.items
  if (node.kind === 'choice') return node.options
  return node.kind === 'repeat' || node.kind === 'capture' || node.kind === 'atomic' || node.kind === 'look'
    ? [node.body]
    : []
}

/** Whether the node, or a part of it, is of the kind asked for. */
export const holds = (node: Node, wanted: (node: Node) => boolean): boolean =>
  wanted(node) || partsOf(node).some((part) => holds(part, wanted))

/** Can the node match without taking a byte? A back reference may. */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'set':
      return false
    case 'sequence':
      return node.items.every(isNullable)
    case 'choice':
      return node.options.some(isNullable)
    case 'repeat':
      return node.min === 0 || isNullable(node.body)
    case 'capture':
    case 'atomic':
      return isNullable(node.body)
    case 'look':
    case 'back':
    case 'assert':
      return true
  }
}

/** How many bytes the node takes, when that is one number. */
export function widthOf(node: Node): number | undefined {
  switch (node.kind) {
    case 'set':
      return 1
    case 'sequence':
      return node.items.reduce<number | undefined>((sum, item) => {
        const width = widthOf(item)
        return sum === undefined || width === undefined ? undefined : sum + width
      }, 0)
    case 'choice': {
      const widths = new Set(node.options.map(widthOf))
      return widths.size === 1 ? [...widths][0] : undefined
    }
    case 'repeat': {
      const width = widthOf(node.body)
      return width !== undefined && node.min === node.max ? width * node.min : undefined
    }
    case 'capture':
    case 'atomic':
      return widthOf(node.body)
    case 'look':
    case 'assert':
      return 0
    case 'back':
      return undefined
  }
}
