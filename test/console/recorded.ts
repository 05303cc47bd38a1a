import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'vite'
import { root } from '../commands/processes.ts'

type Node = { readonly type: string; readonly [key: string]: unknown }
/** Where an act is recorded, what the source says of it; what it leaves to a variable is told as that. */
export type Site = {
  readonly file: string
  readonly kinds: readonly string[]
  readonly facts: readonly string[]
  /** Source texts of what cannot be told from the literal: `kind`, `...wish`. */
  readonly open: readonly string[]
}

/** Every object of the program's sources that is an act: it has a kind, an actor and a result. */
export function recorded(): readonly Site[] {
  const files = globSync('src/**/*.ts', { cwd: root })
    .filter((file) => !/\.test\.ts$|\/testing\.ts$|-child\.ts$|^src\/engine\//.test(file))
    .toSorted()
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    if (!/\bactor\b/.test(text)) return []
    const program = parseAst(text, { lang: 'ts' }) as unknown as Node
    const names = declarations(program)
    const sites: Site[] = []
    walk(program, (node) => {
      if (node.type !== 'ObjectExpression') return
      const of = membersOf(node, names)
      if (!of.has('kind') || !of.has('actor') || !of.has('result')) return
      const open: string[] = []
      const said = (one: Node): string => text.slice(one['start'] as number, one['end'] as number)
      const kinds = kindsOf(of.get('kind')!, names)
      if (kinds === undefined) open.push(said(of.get('kind')!))
      const facts = of.has('facts') ? factsOf(of.get('facts')!, names, (one) => open.push(said(one))) : []
      sites.push({ file, kinds: kinds ?? [], facts, open })
    })
    return sites
  })
}

function walk(node: unknown, see: (node: Node) => void): void {
  if (Array.isArray(node)) for (const one of node) walk(one, see)
  else if (typeof node === 'object' && node !== null) {
    if ('type' in node) see(node as Node)
    for (const [key, one] of Object.entries(node)) if (key !== 'parent') walk(one, see)
  }
}

/** Without `as const` and brackets. */
function bare(node: Node): Node {
  return node.type === 'TSAsExpression' ||
    node.type === 'ParenthesizedExpression' ||
    node.type === 'TSSatisfiesExpression'
    ? bare(node['expression'] as Node)
    : node
}

/** What a name stands for at a place: undefined for a parameter and whatever else is only known when it runs. */
type Names = (name: Node) => Node | undefined

/** The nearest declaration before a use counts, and a parameter hides a variable of the same name. */
function declarations(program: Node): Names {
  const found: { readonly name: string; readonly at: number; readonly is: Node | undefined }[] = []
  walk(program, (node) => {
    if (node.type === 'VariableDeclarator' && (node['id'] as Node).type === 'Identifier')
      found.push({
        name: (node['id'] as Node)['name'] as string,
        at: node['start'] as number,
        is: node['init'] ? bare(node['init'] as Node) : undefined,
      })
    for (const one of (node['params'] as Node[] | undefined) ?? [])
      walk(one, (inner) => {
        if (inner.type === 'Identifier')
          found.push({ name: inner['name'] as string, at: inner['start'] as number, is: undefined })
      })
  })
  return (use) =>
    found
      .filter(({ name, at }) => name === use['name'] && at < (use['start'] as number))
      .reduce<(typeof found)[number] | undefined>((last, one) => (last && last.at > one.at ? last : one), undefined)?.is
}

function membersOf(node: Node, names: Names): Map<string, Node> {
  return new Map(
    (node['properties'] as Node[]).flatMap((one): [string, Node][] => {
      if (one.type === 'Property') return [[(one['key'] as Node)['name'] as string, bare(one['value'] as Node)]]
      const spread = bare(one['argument'] as Node)
      const own = spread.type === 'Identifier' ? names(spread) : spread
      return own?.type === 'ObjectExpression' ? [...membersOf(own, names)] : []
    }),
  )
}

function kindsOf(node: Node, names: Names): string[] | undefined {
  if (node.type === 'Literal') return [String(node['value'])]
  if (node.type === 'ConditionalExpression') {
    const both = [node['consequent'], node['alternate']].map((one) => kindsOf(bare(one as Node), names))
    return both.every((one) => one !== undefined) ? both.flat() : undefined
  }
  const own = node.type === 'Identifier' ? names(node) : undefined
  return own === undefined || own === node ? undefined : kindsOf(own, names)
}

function factsOf(node: Node, names: Names, unknown: (node: Node) => void): string[] {
  const inner = (one: Node): string[] => factsOf(bare(one), names, unknown)
  if (node.type === 'ConditionalExpression')
    return [...inner(node['consequent'] as Node), ...inner(node['alternate'] as Node)]
  if (node.type === 'LogicalExpression') return inner(node['right'] as Node)
  if (node.type === 'Identifier') {
    const own = names(node)
    if (own?.type === 'ObjectExpression' || own?.type === 'ConditionalExpression') return inner(own)
  }
  if (node.type !== 'ObjectExpression') {
    unknown(node)
    return []
  }
  return (node['properties'] as Node[]).flatMap((one) =>
    one.type === 'SpreadElement' ? inner(one['argument'] as Node) : [(one['key'] as Node)['name'] as string],
  )
}
