import { dirname } from 'node:path'
import { nearest } from './app/nearest.ts'
import { UsageError, type Io, type Verb } from './cli/verb.ts'
import { KhienError } from './kit/errors.ts'

const root = dirname(import.meta.dirname)

/** In the order of `khien --help`. Each is loaded when it is asked for. */
const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  start: async () => (await import('./cli/start.ts')).start,
  demo: async () => (await import('./cli/demo.ts')).demo,
  key: async () => (await import('./cli/key.ts')).key,
  unseal: async () => (await import('./cli/unseal.ts')).unseal,
  receipt: async () => (await import('./cli/receipt.ts')).receipt,
  admin: async () => (await import('./cli/admin.ts')).admin,
  backup: async () => (await import('./cli/backup.ts')).backup,
  restore: async () => (await import('./cli/restore.ts')).restore,
  drill: async () => (await import('./cli/drill.ts')).drill,
  log: async () => (await import('./cli/log.ts')).log,
  stix: async () => (await import('./cli/stix.ts')).stix,
  taxii: async () => (await import('./cli/taxii.ts')).taxii,
  sigma: async () => (await import('./cli/sigma.ts')).sigma,
  pii: async () => (await import('./cli/pii.ts')).pii,
  waf: async () => (await import('./cli/waf.ts')).waf,
  adopt: async () => (await import('./cli/adopt.ts')).adopt,
  rules: async () => (await import('./cli/rules.ts')).rules,
  console: async () => (await import('./cli/console.ts')).console_,
  test: async () => (await import('./cli/test.ts')).test,
  ok: async () => (await import('./cli/ok.ts')).ok,
  bench: async () => (await import('./cli/bench.ts')).bench,
  openapi: async () => (await import('./cli/openapi.ts')).openapi,
  pack: async () => (await import('./cli/pack.ts')).pack,
}

/** Runs one verb and gives its exit code. Whatever a person can act on becomes one sentence on stderr, without a stack. */
export async function main(args: readonly string[], io: Io = processIo()): Promise<number> {
  // The lifeline of whoever started us: its death is a wish to end, however it died.
  if (process.connected) {
    process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
    process.channel?.unref()
  }
  const [name = '--help', ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') return await help(io)
  const load = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (load === undefined) {
    const meant = nearest(name, Object.keys(VERBS))
    io.err(`khien: unknown command "${name}"${meant ? `; did you mean ${meant}?` : '; khien --help lists them.'}\n`)
    return 2
  }
  try {
    const verb = await load()
    if (rest.includes('--help') || rest.includes('-h')) {
      io.out(verb.usage)
      return 0
    }
    return await verb.run(rest, io)
  } catch (error) {
    return refused(error, io)
  }
}

function refused(error: unknown, io: Io): number {
  const wrongly = error instanceof UsageError || (error instanceof KhienError && error.code === 'usage')
  const known = wrongly || error instanceof KhienError || (error instanceof Error && error.name === 'SealError')
  if (!known || !(error instanceof Error)) throw error
  io.err(`khien: ${error.message}\n`)
  return wrongly ? 2 : 1
}

async function help(io: Io): Promise<number> {
  io.out('khien <command> [flags]\n\n')
  for (const [name, load] of Object.entries(VERBS)) {
    io.out(`  ${name.padEnd(9)} ${(await load()).summary}\n`)
  }
  io.out('\nkhien <command> --help tells its flags.\n')
  return 0
}

function processIo(): Io {
  // `khien … | head`: whoever reads has had enough, which is no error of ours.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    env: process.env,
    language: /^vi/i.test(process.env['LC_ALL'] || process.env['LC_MESSAGES'] || process.env['LANG'] || '')
      ? 'vi'
      : 'en',
    root,
  }
}
