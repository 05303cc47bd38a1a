import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

/**
 * Who may import whom (ARCHITECTURE.md). Slices in order: each may use those to its left, through their doors only;
 * backward there are outbox events. A test of the rules themselves stands at the end.
 */
const SLICES =
  'identity audit consent vault backup disclosure rights breach gateway intake detection cases exchange subscribers moderation transparency leakwatch trustmark inspection provinces outreach'.split(
    ' ',
  )
const DOORS = new Set(['index.ts', 'contract.ts', 'messages.ts'])
const GROUND: Readonly<Record<string, readonly string[]>> = {
  kit: [],
  law: ['kit'],
  storage: ['kit'],
  outbox: ['kit', 'storage'],
  http: ['kit'],
  client: ['kit'],
  mail: ['kit'],
  guard: ['kit', 'engine'],
  release: ['kit'],
  source: ['kit'],
  discovery: ['kit', 'source', 'engine', 'law'],
  adopt: ['kit', 'source', 'client', 'engine', 'law'],
}
/** Engines that take entropy, and so node:crypto, from their constructor. */
const WITH_NODE = new Set(['seal', 'oprf'])
/** Below the slices, for all of them. */
const FLOOR = new Set(['kit', 'law', 'storage', 'outbox', 'http', 'mail', 'engine'])
const BAD_NAME = /^(utils?|helpers?|managers?|impl)$/i
const root = join(import.meta.dirname, '..')

type Place = { area: string; part: string; file: string }

function place(path: string): Place {
  const parts = path.split('/')
  if (parts[0] !== 'src') return { area: parts[0]!, part: parts[1] ?? '', file: basename(path) }
  if (parts.length === 2) return { area: 'main', part: '', file: parts[1]! }
  return { area: parts[1]!, part: parts[2] ?? '', file: basename(path) }
}

/** Why `from` must not import `wanted` (a path in the tree, or a bare specifier), or nothing. */
function objection(from: string, wanted: string): string | undefined {
  const here = place(from)
  if (/\.test\.tsx?$/.test(from) || /(^|\/)testing\.ts$|\/test\//.test(from) || ['test', 'bench'].includes(here.area))
    return undefined
  const inTree = /^(src|examples|test|bench|bin|scripts|rules|ui|tools)\//.test(wanted)
  return inTree ? insideObjection(here, from, wanted) : packageObjection(here, wanted)
}

function packageObjection(here: Place, wanted: string): string | undefined {
  const isNode = wanted.startsWith('node:')
  if (here.area === 'kit' && !isNode && !['contract.ts', 'schema.ts', 'listing.ts'].includes(here.file))
    return 'the kit imports nothing but node:* (schemas: zod)'
  if (here.area === 'engine' && !(isNode && WITH_NODE.has(here.part)))
    return `an engine is pure: no packages, and node:* only in ${[...WITH_NODE].join(', ')}`
  if (here.file === 'contract.ts' && wanted !== 'zod') return 'a contract imports zod and the kit only'
  return undefined
}

function insideObjection(here: Place, from: string, wanted: string): string | undefined {
  const there = place(wanted)
  const whole = ['main', 'app', 'cli'].includes(here.area)
  if (['test', 'bench', 'scripts'].includes(there.area))
    return 'nothing that ships imports tests, benchmarks or scripts'
  // The supervisor starts the marketplace, so its server speaks the supervisor's language; nothing else of it does.
  if (here.area === 'examples' && wanted === 'src/app/child.ts') return undefined
  if (there.area === 'app' && !whole) return 'nothing but app, cli and tests imports app'
  if (there.area === 'cli' && !['main', 'cli'].includes(here.area)) return 'verbs are the outermost ring'
  if (here.area === 'examples')
    return there.area === 'examples' || there.area === 'client' ? undefined : 'examples use the client, as anyone would'
  if (there.area === 'examples') return 'nothing imports the examples'
  // What a room of a slice says may speak of what the slice says.
  const ownSlice = there.area === here.area && there.file === 'contract.ts'
  if (here.file === 'contract.ts' && there.area !== 'kit' && !ownSlice) return 'a contract imports zod and the kit only'
  // Contracts are data: server, client and console read the same ones.
  if (here.area === 'client' && there.file === 'contract.ts') return undefined
  if (whole || (here.area === there.area && here.area !== 'engine')) return undefined
  if (here.area === 'engine')
    return there.area === 'engine' && (there.part === here.part || there.part === 'bytes')
      ? undefined
      : 'an engine imports its own folder and engine/bytes'
  const ground = GROUND[here.area]
  if (ground !== undefined)
    return ground.includes(there.area) ? undefined : `${here.area} imports ${ground.join(', ') || 'nothing'}`
  if (here.area === 'ui') return DOORS.has(there.file) ? undefined : 'the console imports contracts and messages only'
  const own = SLICES.indexOf(here.area)
  if (own < 0) return `${here.area} is not a folder of the design: ${from}`
  if (FLOOR.has(there.area)) return undefined
  const other = SLICES.indexOf(there.area)
  if (other < 0) return `${there.area} is not a folder of the design`
  if (other > own) return `${here.area} stands before ${there.area}: tell it by an outbox event`
  return DOORS.has(there.file) && dirname(wanted) === `src/${there.area}`
    ? undefined
    : `${there.area} is entered by its door: index.ts, contract.ts, messages.ts`
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf(source: string): string[] {
  // Comments name files too; they are no imports.
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  return [...code.matchAll(IMPORT)].map((match) => (match[1] ?? match[2])!)
}

const files = globSync('{src,examples,test,bench,ui,tools}/**/*.{ts,tsx}', { cwd: root }).filter(
  (path) => !path.includes('node_modules'),
)

test('every import follows the design', () => {
  const bad: string[] = []
  for (const path of files)
    for (const specifier of importsOf(readFileSync(join(root, path), 'utf8'))) {
      const wanted = specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier
      const why = objection(path, wanted)
      if (why !== undefined) bad.push(`${path} → ${wanted}: ${why}`)
    }
  assert.ok(files.length > 0)
  assert.equal(bad.join('\n'), '', `\n${bad.join('\n')}`)
})

test('names say what a thing is', () => {
  const bad = globSync('{src,examples,test,bench,bin,scripts,ui,tools}/**/*', { cwd: root })
    .filter((path) => !path.includes('node_modules'))
    .filter((path) => BAD_NAME.test(basename(path).replace(/(\.test)?\.\w+$/, '')))
  assert.deepEqual(bad, [])
})

for (const edge of [
  { from: 'src/engine/waf/parse.ts', to: 'src/engine/bytes/join.ts', fine: true },
  { from: 'src/engine/waf/parse.ts', to: 'src/engine/sigma/parse.ts', fine: false },
  { from: 'src/engine/waf/parse.ts', to: 'src/kit/errors.ts', fine: false },
  { from: 'src/engine/waf/parse.ts', to: 'node:fs', fine: false },
  { from: 'src/engine/seal/sealer.ts', to: 'node:crypto', fine: true },
  { from: 'src/kit/ids.ts', to: 'zod', fine: false },
  { from: 'src/kit/ids.ts', to: 'src/law/index.ts', fine: false },
  { from: 'src/law/classes.ts', to: 'src/storage/sql/index.ts', fine: false },
  { from: 'src/outbox/emit.ts', to: 'src/storage/sql/index.ts', fine: true },
  { from: 'src/http/bind.ts', to: 'src/storage/sql/index.ts', fine: false },
  { from: 'src/vault/service.ts', to: 'src/consent/index.ts', fine: true },
  { from: 'src/vault/service.ts', to: 'src/consent/store.ts', fine: false },
  { from: 'src/vault/service.ts', to: 'src/rights/index.ts', fine: false },
  { from: 'src/vault/service.ts', to: 'src/app/config.ts', fine: false },
  { from: 'src/vault/contract.ts', to: 'src/kit/contract.ts', fine: true },
  { from: 'src/vault/contract.ts', to: 'src/http/index.ts', fine: false },
  { from: 'src/vault/contract.ts', to: 'node:crypto', fine: false },
  { from: 'src/gateway/settings/contract.ts', to: 'src/gateway/contract.ts', fine: true },
  { from: 'src/gateway/contract.ts', to: 'src/vault/contract.ts', fine: false },
  { from: 'src/client/index.ts', to: 'src/vault/contract.ts', fine: true },
  { from: 'src/client/index.ts', to: 'src/vault/service.ts', fine: false },
  { from: 'src/wizard/index.ts', to: 'src/vault/index.ts', fine: false },
  { from: 'src/app/config.ts', to: 'src/vault/store.ts', fine: true },
  { from: 'src/app/config.ts', to: 'src/cli/verb.ts', fine: false },
  { from: 'examples/marketplace/server.ts', to: 'src/client/index.ts', fine: true },
  { from: 'examples/marketplace/server.ts', to: 'src/app/child.ts', fine: true },
  { from: 'examples/marketplace/server.ts', to: 'src/app/config.ts', fine: false },
  { from: 'examples/marketplace/server.ts', to: 'src/kit/errors.ts', fine: false },
])
  test(`${edge.from} → ${edge.to} is ${edge.fine ? 'fine' : 'caught'}`, () => {
    assert.equal(objection(edge.from, edge.to) === undefined, edge.fine)
  })

test('imports are found in every form and not in comments', () => {
  const source = `/** import('./no.ts') */\nimport a from './a.ts'\nimport {\n  b,\n} from "./b.ts"\nexport * from './c.ts'\nimport './d.ts'\n// import './no.ts'\nconst e = await import('./e.ts')\nimport type { F } from './f.ts'\n`
  assert.deepEqual(importsOf(source).sort(), ['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts'])
})
