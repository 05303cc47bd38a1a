import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Move, Plan } from '../adopt/index.ts'
import { KhienError, StartError } from '../kit/errors.ts'
import { adoptSays } from './adopt-says.ts'
import { readFlags } from './flags.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

/** How rows are read as consents: docs/moving-in.md. */
const MAPPING = ['from', 'person', 'version', 'kind', 'ref', 'given', 'method', 'text', 'kept', 'ended', 'agreed', 'stated-by', 'zone'] as const // prettier-ignore
const FLAGS = ['source', 'out', 'plan', 'vault', 'key-file', 'rate', 'column', 'purpose', 'reason', 'limit', ...MAPPING] as const // prettier-ignore
type Flags = { readonly [K in (typeof FLAGS)[number]]?: string }
const SWITCHES = ['--once', '--rewrite'] as const
const STEPS = ['plan', 'copy', 'follow', 'compare', 'switch', 'back', 'purge', 'abandon', 'status', 'consents'] as const
type Step = (typeof STEPS)[number]

export const adopt: Verb = {
  summary: 'move a running shop’s personal data into the vault, column by column, and back',
  usage: `khien adopt plan    --source URL [--out plan.json] [--purpose P] [--reason R]
khien adopt copy    --source URL --vault URL --key-file F --plan plan.json [--rate ROWS]
khien adopt follow  --source URL --vault URL --key-file F [--once]
khien adopt compare --source URL --vault URL --key-file F [--limit KEYS]
khien adopt switch  --source URL --vault URL --key-file F --column TABLE.COLUMN[,TABLE.COLUMN…]
khien adopt back    --source URL --vault URL --key-file F --column TABLE.COLUMN
khien adopt purge   --source URL --vault URL --key-file F [--rewrite]
khien adopt abandon --source URL --vault URL --key-file F
khien adopt status  --source URL --vault URL --key-file F
khien adopt consents --from TABLE|FILE.csv --person COLUMN=TABLE.COLUMN --stated-by WHO --source URL --vault URL --key-file F
                     (--purpose P [--version N] | --kind K --ref R) [--given T] [--method M] [--text T] [--kept K]
                     [--ended T] [--agreed YES] [--zone +07:00] [--limit KEYS]

  plan     look through the database, reading only, and write a plan for a person to read and edit
  copy     bring every row into the vault; the tables stay as they are, but persons get a subject token
  follow   apply what changes meanwhile, until ended; --once ends when nothing waits
  compare  read both sides and list every cell that differs; exit 1 when there is one
  switch   put tokens into the cells of columns of one table whose value the vault holds, equal to the sign
  back     put the values back where tokens stand
  purge    demand that all of it is done, take triggers and tables of ours away, tell which copies survive;
           --rewrite also rewrites the tables now, each locked meanwhile
  abandon  give the move up, while no cell is a token: triggers and tables of ours go, the shop is as before
  status   how far all of it is, counted anew
  consents take over consents (or agreements) of before for people who were adopted, with the evidence there is. Each of
           these flags is one word for all rows, or @COLUMN. What lacks evidence is recorded and carries no read. With
           --plan plan.json and --from, the rest is read from “consents” there. Scopes consent:write, agreement:write

--source (or KHIEN_SOURCE, which other users of this host cannot see): postgres://user:password@host/name,
mysql://… or mariadb://…. --vault: internal address of the platform node (http://127.0.0.1:8081). --key-file: a file with a
service key (scopes vault:write, vault:read, vault:erase, vault:tokens). Every step can be killed and given again. How it fits together:
docs/moving-in.md.
`,
  async run(args, io) {
    const given = args.filter((word): word is (typeof SWITCHES)[number] => SWITCHES.some((each) => each === word))
    const { flags, words } = readFlags(
      args.filter((word) => !SWITCHES.some((each) => each === word)),
      FLAGS,
    )
    const [word, ...more] = words
    const step = STEPS.find((each) => each === word)
    if (step === undefined || more.length > 0) throw new UsageError(`Say khien adopt ${STEPS.join('|')}.`)
    if (given.includes('--once') && step !== 'follow') throw new UsageError('--once belongs to khien adopt follow.')
    if (given.includes('--rewrite') && step !== 'purge') throw new UsageError('--rewrite belongs to khien adopt purge.')
    const url = flags.source ?? io.env['KHIEN_SOURCE']
    const strange = MAPPING.find((flag) => flags[flag] !== undefined)
    if (strange !== undefined && step !== 'consents')
      throw new UsageError(`--${strange} belongs to khien adopt consents.`)
    if (!url) throw new UsageError('Say where the data is with --source URL or KHIEN_SOURCE.')
    const { openSource, told } = await import('../source/index.ts')
    await using source = await openSource(url)
    try {
      return await walk(step, { flags, given, io, source })
    } catch (error) {
      // A driver's own words may repeat values, so none of them goes out.
      const known = error instanceof KhienError || error instanceof UsageError
      if (known) throw error
      if (error instanceof Error && error.name === 'KhienRefusal')
        throw new StartError('adopt/vault', `The vault refuses: ${error.message}`, { cause: error })
      if (error instanceof Error && ('code' in error || 'severity' in error || 'sqlState' in error))
        throw told(error, `adopt ${step}`, source.place)
      throw error
    }
  },
}

type Given = {
  readonly flags: Flags
  readonly given: readonly string[]
  readonly io: Io
  readonly source: Move['source']
}

async function walk(step: Step, { flags, given, io, source }: Given): Promise<number> {
  const engine = await import('../adopt/index.ts')
  const says = adoptSays(io)
  if (step === 'plan') {
    const plan = await engine.propose(source, {
      now: Date.now(),
      ...(flags.purpose === undefined ? {} : { purpose: flags.purpose }),
      ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    })
    writePlan(plan, flags.out, io)
    says.plan(plan)
    return 0
  }
  const stop = new AbortController()
  const end = (): void => stop.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  try {
    const door = engine.openDoor({ origin: need(flags, 'vault'), key: readKey(need(flags, 'key-file')) })
    await door.greet()
    if (step === 'consents') {
      const map = engine.readConsentMap(mappingOf(flags, engine.readPlan))
      const report = await engine.takeConsents({ source, door, map, signal: stop.signal, onProgress: says.taking })
      says.taken(report, limitOf(flags))
      return 0
    }
    const plan = step === 'copy' && flags.plan !== undefined ? engine.readPlan(readText(flags.plan, 'plan')) : undefined
    const move = await engine.openMove({ source, door, signal: stop.signal, say: says.waits }, plan)
    switch (step) {
      case 'copy':
        says.copied(await engine.copy(move, { ...rateOf(flags), onProgress: says.far }))
        return 0
      case 'follow':
        says.followed(await engine.follow(move, { once: given.includes('--once'), onLag: says.lag }))
        return 0
      case 'compare': {
        const compared = await engine.compare(move, (_, far) => says.far(far))
        says.compared(compared, limitOf(flags))
        return compared.differences.length > 0 ? 1 : 0
      }
      case 'switch': {
        const done = await engine.switchColumns(move, need(flags, 'column'), (_, far) => says.far(far))
        says.switched(done)
        return 0
      }
      case 'back': {
        const done = await engine.backColumn(move, need(flags, 'column'), (_, far) => says.far(far))
        says.back(done)
        return done.tokens > 0 ? 1 : 0
      }
      case 'purge':
        says.purged(await engine.purge(move, { rewrite: given.includes('--rewrite'), onStep: says.step }))
        return 0
      case 'abandon':
        says.abandoned(await engine.abandon(move))
        return 0
      case 'status':
        says.status(await engine.status(move), await engine.leftKeys(source, limitOf(flags)))
        return 0
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

function need(flags: Flags, name: (typeof FLAGS)[number]): string {
  const value = flags[name]
  if (value === undefined) throw new UsageError(`Say --${name}.`)
  return value
}

/** A mapping as the flags say it, over the one of the same name in the plan. */
function mappingOf(flags: Flags, readPlan: (text: string) => Plan): object {
  const from = need(flags, 'from')
  const planned =
    flags.plan === undefined ? undefined : readPlan(readText(flags.plan, 'plan')).consents?.find((map) => map.from === from)
  if (flags.plan !== undefined && planned === undefined)
    throw new UsageError(`The plan says nothing of consents from ${JSON.stringify(from)}.`)
  const told = { ...planned, ...(flags.purpose === undefined ? {} : { purpose: flags.purpose }) } as Record<string, string>
  for (const flag of MAPPING) if (flags[flag] !== undefined) told[flag === 'stated-by' ? 'statedBy' : flag] = flags[flag]
  return told
} // prettier-ignore

function rateOf(flags: Flags): { rate?: number } {
  if (flags.rate === undefined) return {}
  const rate = Number(flags.rate)
  if (!Number.isInteger(rate) || rate < 1)
    throw new UsageError(`--rate: expected rows a second, got ${JSON.stringify(flags.rate)}`)
  return { rate }
}

function limitOf(flags: Flags): number {
  const limit = Number(flags.limit ?? 100)
  if (!Number.isInteger(limit) || limit < 0)
    throw new UsageError(`--limit: expected a number of keys, got ${JSON.stringify(flags.limit)}`)
  return limit
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new StartError(`adopt/${what}`, `The file ${path} cannot be read.`, { cause })
  }
}

/** The file the console offers holds JSON with the key in it; a bare key will do. */
function readKey(path: string): string {
  const text = readText(path, 'key').trim()
  if (!text.startsWith('{')) return text
  try {
    return String((JSON.parse(text) as { key?: unknown }).key)
  } catch (cause) {
    throw new StartError('adopt/key', `The file ${path} is not JSON.`, { cause })
  }
}

function writePlan(plan: Plan, path: string | undefined, io: Io): void {
  const text = `${JSON.stringify(plan, null, 2)}\n`
  if (path === undefined) {
    io.out(text)
    return
  }
  if (existsSync(path)) throw new StartError('adopt/plan', `${path} is there already; a plan is never overwritten.`)
  writeFileSync(path, text, { mode: 0o600 })
}
