// Reads what `strace -f -yy` wrote and holds it against one rule: what was acknowledged or published was on the disk.

export const TRACED =
  'fsync,fdatasync,write,writev,pwrite64,pwritev,sendto,sendmsg,openat,creat,rename,renameat,renameat2,mkdir,mkdirat'

/** One call of the system; `began` and `ended` are places in the trace, since calls of threads overlap. */
type Call = {
  readonly thread: string
  readonly name: string
  readonly args: string
  result: string
  readonly began: number
  ended: number
}

/** Calls in the order they began; one that never came back is left out. */
export function readTrace(text: string): Call[] {
  const open = new Map<string, Call>()
  const calls: Call[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const begun = /^(\d+)\s+([a-z0-9_]+)\((.*)$/s.exec(line)
    const resumed = /^(\d+)\s+<\.\.\. ([a-z0-9_]+) resumed>(.*)$/s.exec(line)
    if (begun) {
      const [, pid, name, rest] = begun as unknown as [string, string, string, string]
      const unfinished = rest.endsWith('<unfinished ...>')
      const call: Call = {
        thread: pid,
        name,
        args: rest,
        result: resultOf(rest),
        began: at,
        ended: unfinished ? -1 : at,
      }
      calls.push(call)
      if (unfinished) open.set(`${pid} ${name}`, call)
    } else if (resumed) {
      const call = open.get(`${resumed[1]} ${resumed[2]}`)
      if (call) [call.result, call.ended] = [resultOf(resumed[3]!), at]
    }
  }
  return calls.filter((call) => call.ended >= 0)
}

const resultOf = (rest: string): string => / = (\S+)[^=]*$/.exec(rest)?.[1] ?? ''
const named = (args: string): string => /^\d+<([^>]*)>/.exec(args)?.[1] ?? ''
const strings = (args: string): string[] => [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1]!)
const parent = (path: string): string => path.slice(0, path.lastIndexOf('/'))

export type Findings = {
  /** What was acknowledged or published too early, each in a sentence. */
  readonly faults: string[]
  /** Places in the trace where an answer with status 200 began. */
  readonly answers: number[]
  /** Syncs of a store's write-ahead log, of directories, and checkpoints published. */
  readonly syncs: number
  readonly directorySyncs: number
  readonly published: number
  /** Write-ahead logs that were started over. */
  readonly restarts: number
}

/**
 * Follows files of one node's `folder`:
 * - when an answer begins, no file of the stores, nor the folder itself, is without a sync of the directory that names it;
 * - a log file is synced before it takes its name; when the checkpoint takes its, every name under the log is synced;
 * - a write-ahead log is started over only when the database it fed is synced.
 *
 * That an answer's own writes were synced before it, `syncedBetween` and `lateAnswers` tell: others may be writing.
 */
export function check(calls: readonly Call[], folder: string): Findings {
  const faults: string[] = []
  const answers: number[] = []
  const dirty = new Map<string, number>()
  const names = new Map<string, { path: string; since: number }>()
  const count = { syncs: 0, directorySyncs: 0, published: 0, restarts: 0 }
  const begun = new Set<string>()
  const unsynced = (belongs: (path: string) => boolean): string[] => [
    ...[...dirty.keys()].filter((path) => belongs(path) && !path.endsWith('.db')),
    ...[...names.values()].filter(({ path }) => belongs(path)).map(({ path }) => `the name of ${path}`),
  ]
  const blame = (what: string, found: readonly string[]): void => {
    if (found.length > 0) faults.push(`${what} before ${found.join(', ')} was synced`)
  }
  const begin = (call: Call): void => {
    const file = named(call.args)
    if (/^(?:TCP|socket)/.test(file) && /HTTP\/1\.1 200/.test(call.args)) {
      answers.push(call.began)
      blame(
        'answered',
        unsynced((path) => ofStores(path, folder)).filter(
          (what) => !what.endsWith('-wal') || what.startsWith('the name'),
        ),
      )
    }
    if (!/^p?write/.test(call.name) || !file.startsWith(folder)) return
    if (file.endsWith('-wal') && / 0\) = \d+$/.test(call.args)) {
      if (begun.has(file)) count.restarts++
      begun.add(file)
      if (dirty.has(file.slice(0, -4))) blame('started the write-ahead log over', [file.slice(0, -4)])
    }
    if (!file.endsWith('-shm')) dirty.set(file, Number.POSITIVE_INFINITY)
  }
  const end = (call: Call): void => {
    const file = named(call.args)
    if (/^p?write/.test(call.name) && dirty.has(file)) dirty.set(file, call.ended)
    else if (call.name.endsWith('sync') && call.result === '0') synced(call, file)
    else if (call.result.startsWith('-')) return
    else if (call.name.startsWith('rename')) renamed(call)
    else if (/^mkdir|^creat|^openat/.test(call.name) && /^(?:mkdir|creat)|O_CREAT/.test(`${call.name}${call.args}`)) {
      const path = strings(call.args)[0]!
      if (!knownNames.has(path)) names.set(path, { path, since: call.ended })
      knownNames.add(path)
    }
  }
  // Opening with O_CREAT what is there already makes no new name; SQLite opens its files so every time.
  const knownNames = new Set<string>()
  const synced = (call: Call, file: string): void => {
    if ((dirty.get(file) ?? Number.POSITIVE_INFINITY) < call.began) dirty.delete(file)
    if (file.endsWith('-wal')) count.syncs++
    for (const [path, { since }] of names) {
      if (parent(path) !== file && `${parent(path)}/` !== file) continue
      if (since < call.began) names.delete(path)
      count.directorySyncs++
    }
  }
  const renamed = (call: Call): void => {
    const [from, to] = strings(call.args).slice(-2) as [string, string]
    const log = `${folder}/log/`
    if (!to.startsWith(log)) return
    blame(`published ${to}`, dirty.has(from) ? [from] : [])
    if (to === `${log}checkpoint`) {
      count.published++
      blame(
        'published a checkpoint',
        unsynced((path) => path.startsWith(log) && !path.startsWith(`${log}tmp`)),
      )
    }
    names.delete(from)
    names.set(to, { path: to, since: call.ended })
  }
  const moments = calls.flatMap((call) => [
    { at: call.began, run: () => begin(call) },
    { at: call.ended, run: () => end(call) },
  ])
  for (const { run } of moments.sort((a, b) => a.at - b.at)) run()
  return { faults, answers, ...count }
}

/** The stores, the key file, and the folders above them; not the log, which is published on its own, nor sockets. */
const ofStores = (path: string, folder: string): boolean =>
  folder.startsWith(path) || /^\/(?:control\.db|keys\.db|key\.json)(?:-wal)?$/.test(path.slice(folder.length))

/** The last write to `file` that carries `token`, between two places; undefined when there is none. */
export const writeOf = (
  calls: readonly Call[],
  file: string,
  token: string,
  from: number,
  to: number,
): Call | undefined => calls.findLast((call) => call.began > from && call.ended < to && writes(call, file, token))
const writes = (call: Call, file: string, token: string): boolean =>
  call.name.startsWith('pwrite') && named(call.args) === file && call.args.includes(token) // prettier-ignore

/** Threads that synced `file`. */
export const threadsThatSynced = (calls: readonly Call[], file: string): ReadonlySet<string> =>
  new Set(calls.filter((call) => call.name.endsWith('sync') && named(call.args) === file).map(({ thread }) => thread))

/** Whether `file` was synced, from beginning to end, between two places. */
export const syncedBetween = (calls: readonly Call[], file: string, from: number, to: number): boolean =>
  calls.some((call) => call.name.endsWith('sync') && call.result === '0' && named(call.args) === file && call.began > from && call.ended < to) // prettier-ignore

/**
 * Of many answers at once, of which nobody sees whose each is: those that began when fewer of the `tokens` were on the
 * disk in `file` than answers had been given. Each token is one request's own.
 */
export function lateAnswers(calls: readonly Call[], file: string, tokens: readonly string[], answers: readonly number[]): number {
  const durable = tokens.map((token) => {
    // The first: later commits write the page it lies on once more.
    const own = calls.find((call) => writes(call, file, token))
    // Of several the one that ends first: a checkpoint's may begin before ours and take longer.
    const syncs = calls.filter((call) => call.name.endsWith('sync') && named(call.args) === file && call.began > (own?.ended ?? Number.POSITIVE_INFINITY))
    return Math.min(...syncs.filter(({ result }) => result === '0').map(({ ended }) => ended))
  }).toSorted((a, b) => a - b)
  return answers.toSorted((a, b) => a - b).filter((began, n) => !(durable[n]! < began)).length
} // prettier-ignore
