import type { Node } from './ast.ts'
import { holdsAt } from './edge.ts'

/** What a match ended with: the place after it, and where each group last matched. */
type Way = { readonly at: number; readonly groups: ReadonlyMap<number, readonly [number, number]> }
export type PlainMatch = { readonly index: number; readonly groups: readonly (string | undefined)[] }

const NO_SET = new Uint8Array(256)

/**
 * The first match as pcre2pattern(3) tells it: every way a node can match, in order of preference, straight from the tree. Slow,
 * and kept to hold the fast matchers against. Throws `RangeError` once it has tried `most` ways.
 */
export function execPlainly(tree: Node, groups: number, text: string, most = 200_000): PlainMatch | undefined {
  let left = most

  function* ways(node: Node, from: Way): Generator<Way> {
    if (--left < 0) throw new RangeError('too many ways')
    switch (node.kind) {
      case 'set':
        if (from.at < text.length && node.set[text.charCodeAt(from.at)] === 1) yield { ...from, at: from.at + 1 }
        return
      case 'sequence':
        yield* sequence(node.items, 0, from)
        return
      case 'choice':
        for (const option of node.options) yield* ways(option, from)
        return
      case 'repeat':
        yield* turns(node, 0, from)
        return
      case 'capture':
        for (const way of ways(node.body, from))
          yield { at: way.at, groups: new Map(way.groups).set(node.group, [from.at, way.at]) }
        return
      case 'atomic':
        for (const way of ways(node.body, from)) {
          yield way
          return
        }
        return
      case 'look':
        yield* look(node, from)
        return
      case 'back': {
        const group = from.groups.get(node.group)
        if (group === undefined) return
        const wanted = text.slice(...group)
        const there = text.slice(from.at, from.at + wanted.length)
        if (there === wanted || (node.caseless && lower(there) === lower(wanted)))
          yield { ...from, at: from.at + wanted.length }
        return
      }
      case 'assert':
        if (holdsAt({ what: node.what, set: NO_SET }, text, from.at)) yield from
    }
  }

  function* sequence(items: readonly Node[], index: number, from: Way): Generator<Way> {
    if (index === items.length) yield from
    else for (const way of ways(items[index]!, from)) yield* sequence(items, index + 1, way)
  }

  function* turns(node: Node & { kind: 'repeat' }, done: number, from: Way): Generator<Way> {
    if (node.lazy && done >= node.min) yield from
    if (done < node.max)
      for (const way of ways(node.body, from)) {
        // In a loop without an upper bound a turn that took nothing, past those it must take, is the last.
        if (way.at === from.at && node.max === Infinity && done + 1 >= node.min) yield way
        else yield* turns(node, done + 1, way)
      }
    if (!node.lazy && done >= node.min) yield from
  }

  function* look(node: Node & { kind: 'look' }, from: Way): Generator<Way> {
    const starts = node.behind ? Array.from({ length: from.at + 1 }, (_, i) => i) : [from.at]
    for (const at of starts)
      for (const way of ways(node.body, { ...from, at }))
        if (!node.behind || way.at === from.at) {
          if (!node.negative) yield { at: from.at, groups: way.groups }
          return
        }
    if (node.negative) yield from
  }

  for (let index = 0; index <= text.length; index++)
    for (const { at, groups: found } of ways(tree, { at: index, groups: new Map() }))
      return {
        index,
        groups: Array.from({ length: groups + 1 }, (_, group) =>
          group === 0 ? text.slice(index, at) : found.has(group) ? text.slice(...found.get(group)!) : undefined,
        ),
      }
  return undefined
}

const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
