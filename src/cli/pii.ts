import { existsSync } from 'node:fs'
import { ALL_KINDS, type Confidence, type Kind } from '../engine/pii/index.ts'
import type { Found, Report } from '../discovery/index.ts'
import { inLanguage } from '../kit/i18n.ts'
import { readFlags } from './flags.ts'
import { kindName, piiMessages } from './pii-messages.ts'
import { UsageError, type Io, type Verb } from './verb.ts'

const FLAGS = ['source', 'rows', 'least', 'kinds'] as const
const SURENESS: readonly Confidence[] = ['low', 'medium', 'high']
const ROWS = 10_000
const LISTED = 40
const PROGRESS_MS = 1_000

export const pii: Verb = {
  summary: 'find personal data and secrets in files, dumps, logs and databases; take them out of a text',
  usage: `khien pii scan PATH … [--kinds a,b] [--least low|medium|high] [--json]
khien pii scan --source URL [--rows N] [--kinds a,b] [--least …] [--json]
khien pii redact [--kinds a,b] [--least …] < in > out

  scan     report by place, kind, class and count, with shapes instead of values, of secrets their length alone: what there is, where, which columns others
           may read, and the fine at stake. Folders are walked; .gz is opened; .csv, .tsv, .ndjson and SQL dumps are told by
           column. A database is only read: postgres://…, mysql://… or mariadb://… (or KHIEN_SOURCE, which other users of
           this host cannot see); --rows a table, ${ROWS} unless said, 0 for all.
  redact   standard input with every finding replaced by its kind: “Gọi [phone] giúp em”

Kinds: ${ALL_KINDS.join(', ')}.
Exit code 0 when nothing was found, 3 when something was.
`,
  async run(args, io) {
    const json = args.includes('--json')
    const { flags, words } = readFlags(
      args.filter((word) => word !== '--json'),
      FLAGS,
    )
    const [step, ...paths] = words
    const options = { now: Date.now(), ...readOptions(flags.least, flags.kinds) }
    if (step === 'redact' && paths.length === 0 && flags.source === undefined) return await redactStdin(io, options)
    if (step !== 'scan') throw new UsageError('Say khien pii scan or khien pii redact.')
    const url = flags.source ?? (paths.length === 0 ? io.env['KHIEN_SOURCE'] : undefined)
    if ((url === undefined) === (paths.length === 0))
      throw new UsageError('Say what to look through: paths, or a database with --source URL.')
    const report = await (url === undefined
      ? scanFiles(paths, options, io)
      : scanDatabase(url, flags.rows, options, io))
    io.out(json ? `${JSON.stringify(report, null, 2)}\n` : printed(report, io))
    return report.found.length > 0 ? 3 : 0
  },
}

type Options = { readonly now: number; readonly least?: Confidence; readonly kinds?: readonly Kind[] }

function readOptions(least: string | undefined, kinds: string | undefined): Omit<Options, 'now'> {
  const sure = SURENESS.find((one) => one === least)
  if (least !== undefined && sure === undefined) throw new UsageError('--least: expected low, medium or high.')
  const wanted = kinds?.split(',').map((word) => {
    const kind = ALL_KINDS.find((one) => one === word.trim())
    if (kind === undefined) throw new UsageError(`--kinds: ${JSON.stringify(word)} is none of ${ALL_KINDS.join(', ')}.`)
    return kind
  })
  return { ...(sure === undefined ? {} : { least: sure }), ...(wanted === undefined ? {} : { kinds: wanted }) }
}

/** One line on stderr, renewed each second. */
function progressTo(io: Io): (text: string) => void {
  const m = inLanguage(piiMessages, io.language)
  let last = Date.now()
  return (text) => {
    if (Date.now() - last < PROGRESS_MS) return
    last = Date.now()
    io.err(`  ${m.reading(text)}\n`)
  }
}

async function scanFiles(paths: readonly string[], options: Options, io: Io): Promise<Report> {
  const missing = paths.find((path) => !existsSync(path))
  // A typing error must not look like a clean folder.
  if (missing !== undefined) throw new UsageError(`${missing}: there is no such file or folder.`)
  const { scanPaths } = await import('../discovery/index.ts')
  const say = progressTo(io)
  return scanPaths(paths, options, (bytes, place) => say(`${place}, ${(bytes / 1e6).toFixed(0)} MB`))
}

async function scanDatabase(url: string, rows: string | undefined, options: Options, io: Io): Promise<Report> {
  if (rows !== undefined && !/^\d{1,12}$/.test(rows)) throw new UsageError('--rows: expected a whole number.')
  const { scanSource } = await import('../discovery/index.ts')
  const { openSource, told } = await import('../source/index.ts')
  await using source = await openSource(url)
  const say = progressTo(io)
  try {
    return await scanSource(source, { ...options, rows: rows === undefined ? ROWS : Number(rows) }, (table, done, of) =>
      say(`${table}, ${done} / ${of}`),
    )
  } catch (error) {
    // A driver's own words may repeat values, so none of them goes out.
    throw error instanceof Error && ('code' in error || 'severity' in error)
      ? told(error, 'pii scan', source.place)
      : error
  }
}

async function redactStdin(io: Io, { now, ...more }: Options): Promise<number> {
  const { redactLines } = await import('../discovery/index.ts')
  const lines = redactLines({ year: new Date(now).getUTCFullYear(), ...more }, (text) => io.out(text))
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  for await (const part of io.stdin)
    lines.push(typeof part === 'string' ? part : decoder.decode(part, { stream: true }))
  lines.push(decoder.decode())
  lines.end()
  return lines.count() > 0 ? 3 : 0
}

function printed(report: Report, io: Io): string {
  const m = inLanguage(piiMessages, io.language)
  const number = new Intl.NumberFormat(io.language === 'vi' ? 'vi-VN' : 'en-GB')
  const n = (value: number): string => number.format(value)
  const million = (value: number): string => n(value / 1e6)
  const kind = (one: Found['kind']): string => kindName(one, io.language)
  const lines = [m.looked(n(report.texts), n(report.characters)), '']
  if (report.found.length === 0) lines.push(m.nothing, '')
  else {
    lines.push(m.map, ...table(Object.values(m.columns), report.map.map((one) => [kind(one.kind), m[one.class], n(one.count), n(one.distinct), n(one.places)])), '') // prettier-ignore
    lines.push(m.places, ...table(Object.values(m.placeColumns), report.found.slice(0, LISTED).map((one) => [one.place, kind(one.kind), n(one.count), n(one.distinct), m[one.confidence], one.sample ?? m.signs(n(one.length))]))) // prettier-ignore
    if (report.found.length > LISTED) lines.push(`  ${m.more(report.found.length - LISTED)}`)
    lines.push('')
  }
  if (report.exposed.length > 0)
    lines.push(m.exposed, ...report.exposed.map(({ place, readers }) => `  ${place}: ${readers.join(', ')}`), '')
  if (report.skipped.length > 0) {
    const why = { binary: m.binary, unreadable: m.unreadable, 'not-a-file': m.notAFile }
    lines.push(m.skipped, ...report.skipped.slice(0, LISTED).map((one) => `  ${one.place}: ${why[one.why]}`), '')
  }
  if (report.dropped > 0) lines.push(m.dropped(report.dropped), '')
  if (report.fines.length > 0) {
    lines.push(`${m.fines} (${m.people(n(report.people.basic), n(report.people.sensitive))})`)
    for (const { what, from, to, article } of report.fines)
      lines.push(`  ${m.fine(what[io.language], million(from), million(to), article[io.language])}`)
    lines.push('')
  }
  return lines.join('\n')
}

/** Columns under each other; the widest sets the width, up to 60 signs. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows].map((row) => row.map((cell) => (cell.length > 60 ? `…${cell.slice(-59)}` : cell)))
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  return all.map(
    (row) =>
      `  ${row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}`,
  )
}
