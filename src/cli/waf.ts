import { readFlags } from './flags.ts'
import { checkRequests } from './waf-check.ts'
import { loadPlan, paranoiaFile } from './waf-rules.ts'
import { type Io, UsageError, type Verb } from './verb.ts'

export const waf: Verb = {
  summary: 'judge requests by SecLang rules, or run a rule set’s own tests',
  usage: `khien waf check --rules FILE|FOLDER … [--setup FILE] [--paranoia N]
khien waf test --rules FILE|FOLDER … [--setup FILE] --suite FOLDER [--overrides FILE]

  check  whole raw HTTP/1.1 requests in, one JSON object {"id","raw_base64"} a line; out, one line each:
         {"id","action":"pass"|"block","status","score","rules":[ids],"us"}. A request that is malformed as HTTP is
         blocked with the status a front end gives it. Exit 1 on a line that is not understood.
  test   the regression tests of the Core Rule Set (go-ftw YAML) through a gateway of their own over a socket, all
         paranoia levels, the engine detecting only; prints each failure and "N passed, N failed".
         Tests in the overrides file expect what stands there. Exit 1 when one fails.

--setup is read before the rules (crs-setup.conf), --paranoia N sets the level after it. Of a folder the .conf files are
read in name order; word lists (@pmFromFile) are found beside the rules. rules/crs/base.conf is put before rules that
choose no processor for JSON and XML themselves.
`,
  async run(args, io) {
    const [verb, ...rest] = args
    if (verb !== 'check' && verb !== 'test')
      throw new UsageError('Say what to do: khien waf check or khien waf test; khien waf --help tells more.')
    const { flags, words } = readFlags(spread(rest), ['rules', 'setup', 'paranoia', 'suite', 'overrides'])
    if (flags.rules === undefined) throw new UsageError('Say which rules with --rules FILE or --rules FOLDER.')
    const rules = [flags.rules, ...words]
    if (verb === 'check') return await check(rules, flags, io)
    if (flags.suite === undefined) throw new UsageError('Say which tests with --suite FOLDER.')
    const { testSuite } = await import('./waf-test.ts')
    return await testSuite({ rules, setup: flags.setup, suite: flags.suite, overrides: flags.overrides }, io)
  },
}

// `--rules A B` names two: what follows a flag's value is a plain word, so only the repeated flag needs to be taken apart.
const spread = (args: readonly string[]): string[] => {
  const first = args.indexOf('--rules')
  return args.filter((word, i) => word !== '--rules' || i === first)
}

async function check(
  rules: string[],
  flags: { setup?: string; paranoia?: string; suite?: string; overrides?: string },
  io: Io,
): Promise<number> {
  if (flags.suite !== undefined || flags.overrides !== undefined)
    throw new UsageError('--suite and --overrides belong to khien waf test.')
  if (flags.paranoia !== undefined && !/^[1-4]$/.test(flags.paranoia))
    throw new UsageError(`--paranoia: expected 1–4, got ${JSON.stringify(flags.paranoia)}`)
  const between = flags.paranoia === undefined ? [] : [paranoiaFile(Number(flags.paranoia))]
  const plan = loadPlan(io.root, { rules, between, ...(flags.setup === undefined ? {} : { setup: flags.setup }) })
  for (const note of plan.notes) io.err(`${note}\n`)
  return await checkRequests(plan, io)
}
