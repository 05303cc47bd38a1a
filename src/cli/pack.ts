import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartError } from '../kit/errors.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

/** Ways into a package; each is a file of its folder under src. `index` is the package's own name. */
type Package = {
  readonly name: string
  readonly folder: string
  readonly doors: readonly string[]
  readonly readme: string
  readonly description: string
  readonly keywords: readonly string[]
  /** Folders that go into the .tgz. */
  readonly files: readonly string[]
}

const WAF: Package = {
  name: 'khien-waf',
  folder: 'guard',
  doors: ['index', 'node', 'express', 'fastify', 'hono'],
  readme: 'khien-waf.md',
  description: 'A web application firewall inside a Node app: runs SecLang rules such as the OWASP Core Rule Set.',
  keywords: ['waf', 'firewall', 'modsecurity', 'seclang', 'owasp', 'crs', 'express', 'fastify', 'hono', 'middleware'],
  files: ['engine', 'guard', 'kit', 'rules'],
}
const CLIENT: Package = {
  name: 'khien-client',
  folder: 'client',
  doors: ['index', 'node', 'messages'],
  readme: 'client.md',
  description: "Keeps people's data in a Khiên vault, also while the vault is away.",
  keywords: ['khien', 'personal-data', 'privacy', 'vault', 'tokenization', 'consent', 'hpke', 'offline'],
  files: ['client'],
}

export const pack: Verb = {
  summary: 'build the packages that others install: khien-waf, khien-client',
  usage: `khien pack      (npm run pack)

Builds under dist/packages, each as plain ESM JavaScript with types, Node ≥ 20, no dependency:
  khien-waf      the rule engine and its middleware
  khien-client   what an app speaks to its vault with; also for bundles of browsers and edge runtimes
and beside each its NAME-VERSION.tgz for npm install. Prints the paths of the .tgz files.
`,
  async run(args, io) {
    if (args.length > 0) throw new UsageError(`khien pack takes no ${JSON.stringify(args[0])}.`)
    const out = join(io.root, 'dist', 'packages')
    io.out(`${await packWaf(io.root, out, io)}\n${await packClient(io.root, out, io)}\n`)
    return 0
  },
}

/** Builds khien-waf under `out` and gives the path of its .tgz. */
export async function packWaf(root: string, out: string, io: Pick<Io, 'err'>): Promise<string> {
  const home = await build(root, out, WAF)
  cpSync(join(root, 'rules', 'crs', 'base.conf'), join(home, 'rules', 'crs', 'base.conf'))
  for (const name of readdirSync(join(root, 'rules', 'waf')))
    if (/\.(?:conf|data)$/.test(name)) cpSync(join(root, 'rules', 'waf', name), join(home, 'rules', 'waf', name))
  return tar(home, out, WAF, io)
}

/** Builds khien-client under `out` and gives the path of its .tgz. */
export async function packClient(root: string, out: string, io: Pick<Io, 'err'>): Promise<string> {
  return tar(await build(root, out, CLIENT), out, CLIENT, io)
}

async function build(root: string, out: string, what: Package): Promise<string> {
  const home = join(out, what.name)
  rmSync(home, { recursive: true, force: true })
  mkdirSync(home, { recursive: true })
  await compile(root, home, what)
  const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, string>
  writeFileSync(join(home, 'package.json'), `${JSON.stringify(manifest(what, version!, license!), null, 2)}\n`)
  cpSync(join(root, 'LICENSE'), join(home, 'LICENSE'))
  cpSync(join(root, 'docs', what.readme), join(home, 'README.md'))
  return home
}

async function tar(home: string, out: string, { name }: Package, io: Pick<Io, 'err'>): Promise<string> {
  const said = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', out], home)
  const path = join(out, said.trim().split('\n').at(-1)!)
  io.err(`${name}: ${Math.round(readFileSync(path).length / 1024)} KiB packed\n`)
  return path
}

/** Types are stripped, newer syntax is written in Node 20's, `./x.ts` becomes `./x.js`. */
async function compile(root: string, home: string, { folder, doors }: Package): Promise<void> {
  const entries = doors.map((door) => join(root, 'src', folder, `${door}.ts`))
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

const manifest = (
  { name, folder, doors, description, keywords, files }: Package,
  version: string,
  license: string,
): object => ({
  name,
  version,
  description,
  keywords,
  license,
  type: 'module',
  engines: { node: '>=20' },
  sideEffects: false,
  exports: Object.fromEntries(
    doors.map((door) => [
      door === 'index' ? '.' : `./${door}`,
      { types: `./${folder}/${door}.d.ts`, default: `./${folder}/${door}.js` },
    ]),
  ),
  files,
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
