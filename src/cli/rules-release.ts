import { StartError } from '../kit/errors.ts'
import { VERSION } from './rules-installed.ts'

/** Read before the other files: by its name first, and known as a set-up by the gateway. */
export const SETUP = '00-crs-setup.conf'
/** What a person writes exclusions into. */
const EXCLUSIONS = /^(?:REQUEST|RESPONSE)-9\d\d-EXCLUSION-RULES-(?:BEFORE|AFTER)-CRS\.conf$/

export type CrsRelease = { readonly version: string; readonly files: ReadonlyMap<string, Buffer> }

const notOne = (what: string): StartError =>
  new StartError('rules/not-a-release', `This archive is no release of the Core Rule Set 4: ${what}.`)

/**
 * The files of an archive → one flat folder whose `.conf` files are in their order by name: set-up, exclusions before, rules, exclusions
 * after, word lists beside them. `.example` files are kept, to compare with. Plugins that are shipped empty are left out. Throws
 * `StartError` `rules/not-a-release`.
 */
export function readRelease(archive: ReadonlyMap<string, Buffer>): CrsRelease {
  const [top = ''] = [...archive.keys()]
    .filter((path) => path.endsWith('/crs-setup.conf.example') || path === 'crs-setup.conf.example')
    .map((path) => path.slice(0, -'crs-setup.conf.example'.length))
    .sort((a, b) => a.length - b.length)
  const setup = archive.get(`${top}crs-setup.conf.example`)
  if (setup === undefined) throw notOne('crs-setup.conf.example is missing')
  const files = new Map<string, Buffer>([
    [SETUP, setup],
    ['crs-setup.conf.example', setup],
  ])
  const rules = `${top}rules/`
  for (const [path, bytes] of archive) {
    const name = path.slice(rules.length)
    if (!path.startsWith(rules) || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.(?:conf|data|conf\.example)$/.test(name))
      continue
    files.set(name, bytes)
    const plain = name.replace(/\.example$/, '')
    if (EXCLUSIONS.test(plain) && !archive.has(`${rules}${plain}`)) files.set(plain, bytes)
  }
  const first = files.get('REQUEST-901-INITIALIZATION.conf')?.toString('latin1')
  const version = /\bver:'OWASP_CRS\/([\w.-]{1,40})'/.exec(first ?? '')?.[1] ?? ''
  if (!VERSION.test(version)) throw notOne('REQUEST-901-INITIALIZATION.conf does not tell its version')
  const told = /(?:^|\/)coreruleset-v?(\d+\.\d+\.\d+)\/$/.exec(top)?.[1]
  if (told !== undefined && told !== version) throw notOne(`its folder says ${told}, its rules say ${version}`)
  const licence = archive.get(`${top}LICENSE`)
  if (licence !== undefined) files.set('LICENSE', licence)
  return { version, files }
}

/** A person's own: kept from version to version when changed. */
export const isOwn = (name: string): boolean => name === SETUP || EXCLUSIONS.test(name)
