import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from '../kit/errors.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

/** Ways into khien-waf; each is a file of src/guard. `index` is the package's own name. */
const DOORS = ['index', 'node', 'express', 'fastify', 'hono'] as const

export const pack: Verb = {
  summary: 'build the packages that others install: khien-waf',
  usage: `khien pack      (npm run pack)

Builds dist/packages/khien-waf (the rule engine and its middleware as plain ESM JavaScript with types, Node ≥ 20, no
dependency) and beside it khien-waf-VERSION.tgz for npm install. Prints the path of the .tgz.
`,
  async run(args, io) {
    if (args.length > 0) throw new UsageError(`khien pack takes no ${JSON.stringify(args[0])}.`)
    io.out(`${await packWaf(io.root, join(io.root, 'dist', 'packages'), io)}\n`)
    return 0
  },
}

/** Builds the package under `out` and gives the path of its .tgz. */
export async function packWaf(root: string, out: string, io: Pick<Io, 'err'>): Promise<string> {
  const home = join(out, 'khien-waf')
  rmSync(home, { recursive: true, force: true })
  mkdirSync(home, { recursive: true })
  await compile(root, home)
  const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, string>
  writeFileSync(join(home, 'package.json'), `${JSON.stringify(manifest(version!, license!), null, 2)}\n`)
  cpSync(join(root, 'LICENSE'), join(home, 'LICENSE'))
  cpSync(join(root, 'docs', 'khien-waf.md'), join(home, 'README.md'))
  cpSync(join(root, 'rules', 'crs', 'base.conf'), join(home, 'rules', 'crs', 'base.conf'))
  for (const name of readdirSync(join(root, 'rules', 'waf')))
    if (/\.(?:conf|data)$/.test(name)) cpSync(join(root, 'rules', 'waf', name), join(home, 'rules', 'waf', name))
  const said = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', out], home)
  const path = join(out, said.trim().split('\n').at(-1)!)
  io.err(`khien-waf ${version}: ${Math.round(readFileSync(path).length / 1024)} KiB packed\n`)
  return path
}

/** Types are stripped, newer syntax is written in Node 20's, `./x.ts` becomes `./x.js`. */
async function compile(root: string, home: string): Promise<void> {
  const entries = DOORS.map((door) => join(root, 'src', 'guard', `${door}.ts`))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const options = {
    ignoreConfig: true,
    target: 'es2022',
    lib: 'es2024,esnext.disposable',
    module: 'nodenext',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    types: 'node',
    rewriteRelativeImportExtensions: true,
    declaration: true,
    rootDir: join(root, 'src'),
    outDir: home,
  }
  const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  await run(process.execPath, [tsc, ...words, ...entries], root)
  // The compiler leaves `./x.ts` in declarations as it is; a reader would look for sources that are not there.
  for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith('.d.ts'),
  )) {
    const path = join(home, name)
    writeFileSync(path, readFileSync(path, 'utf8').replace(/((?:from|import\()\s*'\.{1,2}\/[^']*)\.ts'/g, "$1.js'"))
  }
}

const manifest = (version: string, license: string): object => ({
  name: 'khien-waf',
  version,
  description: 'A web application firewall inside a Node app: runs SecLang rules such as the OWASP Core Rule Set.',
  keywords: ['waf', 'firewall', 'modsecurity', 'seclang', 'owasp', 'crs', 'express', 'fastify', 'hono', 'middleware'],
  license,
  type: 'module',
  engines: { node: '>=20' },
  sideEffects: false,
  exports: Object.fromEntries(
    DOORS.map((door) => [
      door === 'index' ? '.' : `./${door}`,
      { types: `./guard/${door}.d.ts`, default: `./guard/${door}.js` },
    ]),
  ),
  files: ['engine', 'guard', 'kit', 'rules'],
})

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complained = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  const code = await new Promise<number | null>((resolve) =>
    child.on('error', () => resolve(null)).on('close', resolve),
  )
  if (code === 0) return said
  const why = `${said}${complained}`.trim().slice(0, 2_000)
  throw new StartError('pack/failed', `The package could not be built: ${command} ended with ${String(code)}.\n${why}`)
}
