import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Node } from './ast.ts'

const vectors = process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../../../../shared/vectors')
export const CRS4 = join(vectors, 'crs4/rules')
/** Debian's package modsecurity-crs. */
export const CRS3 = '/usr/share/modsecurity-crs/rules'

export type RulePattern = {
  readonly id: string
  readonly source: string
  readonly variables: string
  readonly actions: string
}

/** Every `@rx` of a folder of rules, as the engine reads it; none when the folder is not here. */
export function patternsOf(folder: string): RulePattern[] {
  if (!existsSync(folder)) return []
  const out: RulePattern[] = []
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.conf'))
    .sort()) {
    const text = readFileSync(join(folder, name), 'latin1')
      .replace(/^\s*#.*$/gm, '')
      .replace(/\\\n\s*/g, '')
    let id = ''
    for (const found of text.matchAll(/^\s*SecRule\s+(\S+)\s+"((?:[^"\\]|\\.)*)"(?:\s+"((?:[^"\\]|\\.)*)")?/gm)) {
      id = /\bid:(\d+)/.exec(found[3] ?? '')?.[1] ?? id
      const rx = /^!?@rx (.*)$/s.exec(found[2]!.replaceAll('\\"', '"'))
      if (rx !== null) out.push({ id, source: rx[1]!, variables: found[1]!, actions: found[3] ?? '' })
    }
  }
  return out
}

/** Numbers in [0, below) from a seed: the same ones each run (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below)
  }
}

/** A string made from the tree; it matches but for what assertions and looks forbid. */
export function generate(node: Node, random: (below: number) => number, groups: string[] = []): string {
  switch (node.kind) {
    case 'set': {
      const members = [...node.set.keys()].filter((byte) => node.set[byte] === 1)
      const printable = members.filter((byte) => byte >= 32 && byte < 127)
      const from = printable.length > 0 && random(8) > 0 ? printable : members
      return from.length === 0 ? '' : String.fromCharCode(from[random(from.length)]!)
    }
    case 'sequence':
      return node.items.map((item) => generate(item, random, groups)).join('')
    case 'choice':
      return generate(node.options[random(node.options.length)]!, random, groups)
    case 'repeat': {
      const most = Math.min(node.max, node.min + [0, 1, 1, 2, 5][random(5)]!)
      let out = ''
      for (let i = 0; i < most && out.length < 4000; i++) out += generate(node.body, random, groups)
      return out
    }
    case 'capture':
      return (groups[node.group] = generate(node.body, random, groups))
    case 'atomic':
      return generate(node.body, random, groups)
    case 'back':
      return groups[node.group] ?? ''
    case 'look':
    case 'assert':
      return ''
  }
}

const PIECES = ['a', ' ', "'", '"', '\\', '$', '<', '=', '\n', '\xa0', '\xc3\xa0', '0', '_', '(', ';', '\0']

/** The text with a few bytes changed, taken out, put in, or put around it. */
export function mutate(text: string, random: (below: number) => number): string {
  let out = text
  for (let i = random(4); i > 0; i--) {
    const at = random(out.length + 1)
    const piece = random(3) === 0 ? String.fromCharCode(random(256)) : PIECES[random(PIECES.length)]!
    out = out.slice(0, at) + (random(3) === 0 ? '' : piece) + out.slice(at + random(2))
  }
  return out
}
