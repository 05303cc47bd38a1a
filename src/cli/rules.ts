import { join, resolve } from 'node:path'
import { installCrs } from './rules-install.ts'
import { Installed } from './rules-installed.ts'
import { readFlags } from './flags.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

export const rules: Verb = {
  summary: 'install, list and remove releases of the OWASP Core Rule Set',
  usage: `khien rules install crs --from FILE|URL [--signature FILE|URL] [--key FILE] [--trust FINGERPRINT]
                        [--sha256 HEX] [--unsigned] [--data FOLDER]
khien rules list [--data FOLDER]
khien rules remove crs VERSION [--data FOLDER]

  install  a release as the project publishes it (coreruleset-4.x.y-minimal.tar.gz, or the source archive .tar.gz) into
           FOLDER/rules/crs/VERSION. Its OpenPGP signature (--signature, or the file or address of --from with .asc)
           must be right and made by the project's key 3600 6F0E 0BA1 6783 2158 8211 38EE ACA1 AB8A 6E72, which --key
           names the first time (https://coreruleset.org/security.asc); it is kept for the next. --trust FINGERPRINT
           takes another key instead. A checksum (--sha256, or the .sha256 beside) must match where there is one.
           Without a signature: --unsigned, and --sha256 is then needed.
           The rules are compiled first; when one is wrong, nothing changes. The set-up, own exclusions and own files of
           the version before are carried over. Earlier versions stay.
  list     what is installed; * is the current one.
  remove   a version that is not the current one.

The folder is ready to be named: khien waf check --rules FOLDER/rules/crs/VERSION, or as a rule set of the gateway.
`,
  async run(args, io) {
    const unsigned = args.includes('--unsigned')
    const { flags, words } = readFlags(
      args.filter((word) => word !== '--unsigned'),
      ['from', 'signature', 'key', 'sha256', 'trust', 'data'],
    )
    const [verb, what, version, ...more] = words
    const installed = new Installed(join(dataFolder(flags.data, io), 'rules', 'crs'))
    const { from, data: _, ...rest } = flags
    const bare = from === undefined && Object.keys(rest).length === 0 && !unsigned
    if (verb === 'list' && what === undefined && bare) return list(installed, io)
    if (verb === 'remove' && what === 'crs' && version !== undefined && more.length === 0 && bare) {
      installed.remove(version)
      io.err(`CRS ${version} removed.\n`)
      return 0
    }
    if (verb !== 'install' || what !== 'crs' || version !== undefined)
      throw new UsageError(
        'Say khien rules install crs --from FILE|URL, khien rules list, or khien rules remove crs VERSION.',
      )
    if (from === undefined) throw new UsageError('Say where the release is with --from FILE|URL.')
    await installCrs({ ...rest, from, unsigned }, installed, io)
    return 0
  },
}

function list(installed: Installed, io: Io): number {
  const current = installed.current()
  for (const { version, installedAt, signedBy } of installed.releases())
    io.out(
      `${version === current ? '*' : ' '} crs ${version.padEnd(12)} ${installedAt.slice(0, 10)}  ` +
        `${signedBy === null ? 'unsigned' : `signed by ${signedBy}`}  ${installed.folderOf(version)}\n`,
    )
  if (installed.releases().length === 0) io.err('No release is installed; khien rules --help tells how.\n')
  return 0
}

/** From --data, KHIEN_DATA, or the clone's own ./data. */
function dataFolder(data: string | undefined, io: Io): string {
  const given = data ?? io.env['KHIEN_DATA']
  const inClone = !io.root.split(/[\\/]/).includes('node_modules')
  return given ? resolve(given) : inClone ? join(io.root, 'data') : join(process.cwd(), 'khien-data')
}
