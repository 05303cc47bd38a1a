import type { Token } from './token.ts'
import type { Quote } from './tokenise.ts'

/**
 * A shape is what `fold` left of a text, one letter a token (`Kind`), a trailing `c` for a comment that cuts the rest off. The shapes below
 * are those of text that finishes a value and goes on as SQL; ordinary writing seldom has them, and where it does, a further sign is asked for.
 */
type Shape = {
  readonly like: RegExp
  /** Only where the application's own quote is open at the beginning, or only where none is. */
  readonly within?: 'quote' | 'none'
  readonly when?: (tokens: readonly Token[], shape: string) => boolean
}

/** Functions nobody writes about in passing, and that do something by themselves. */
const ACTIVE = new Set(
  'sleep benchmark pg_sleep extractvalue updatexml load_file xp_cmdshell group_concat information_schema concat_ws load_extension dbms_pipe.receive_message dbms_lock.sleep utl_inaddr.get_host_address utl_http.request ctxsys.drithsx.sn xmltype char chr ascii substr substring mid unhex hex version database user current_user system_user session_user pg_read_file lo_import randomblob name_const make_set elt ifnull coalesce nvl iif if concat convert cast md5 sha1 row_count'.split(
    ' ',
  ),
)
/** Those of them that wait, read files or raise errors with data in them: there is no harmless reason to call one. */
const HOT =
  /^(?:sleep|benchmark|pg_sleep|extractvalue|updatexml|load_file|xp_cmdshell|pg_read_file|lo_import|lo_export|lo_get|randomblob|dbms_.*|utl_.*|ctxsys.*|load_extension)$/
const isHot = (tokens: readonly Token[]): boolean => tokens.some(({ kind, text }) => kind === 'f' && HOT.test(text))
/** A comment with next to nothing in it, there to cut off the rest of the application's statement. */
const cutsOff = (tokens: readonly Token[]): boolean =>
  /^(?:--[\s+-]*\S{0,2}\s*|#\S{0,2}\s*|\/\*.{0,6})$/.test(tokens.at(-1)!.text)
const calls = (tokens: readonly Token[]): boolean => tokens.some(({ kind, text }) => kind === 'f' && ACTIVE.has(text))
/** The last string is left open, to be closed by the application's own quote. */
const leftOpen = (tokens: readonly Token[]): boolean => {
  const last = tokens.findLast(({ kind }) => kind === 's')
  return last?.closed === '' && last.opened !== ''
}
/** A string that compares, or is cut off: `'a'='a`. */
const brief = (tokens: readonly Token[]): boolean =>
  tokens.every(({ kind, text }, i) => i === 0 || kind !== 's' || !/\s/.test(text.trim()))

const SHAPES: readonly Shape[] = [
  // A comment that MySQL executes.
  { like: /X/ },
  // … union select …
  { like: /U\(*E(?:$|[1svfo(kt])/ },
  { like: /[1s)v]\)?U\(*En/ },
  // A second statement.
  { like: /^(?:[1sv]\)*|n\)+);\(?[ET]/, when: (tokens, shape) => /[ET].*[1nsvkt(fc;,&o]$/.test(shape) },
  { like: /^n?;[E][nkf1vs(]/, within: 'none', when: (_, shape) => /E(?:k|f\(|1|s|\(|v|n[k;c(1s])/.test(shape) },
  { like: /^(?:[1sv]\)*|n\)+);(?:k[nvs1]|f\()/, when: (tokens, shape) => /k/.test(shape) || calls(tokens) },
  // or 1=1, and sleep(5), and (select …
  { like: /^s\)?&(?:[1vtA]|\(*E|\(*f\(|k|\(1|\(v|\(s|;)/, within: 'quote' },
  { like: /^s\)?&\(?s/, within: 'quote', when: (tokens) => leftOpen(tokens) || brief(tokens) },
  { like: /^s\)?&\(?n(?:o[1svf(n]|c|\(|&[1s]|k[1s(]|B)/, within: 'quote' },
  { like: /^s\)?&[&o]/, within: 'quote' },
  { like: /^[1v]\)?&(?:1(?!n)|[vA]|\(*E|\(*f\(|k|\(1|\(v|\(s|s[o&c]|s$)/, within: 'none' },
  { like: /^[1v]\)&s/, within: 'none' },
  { like: /^[1v]\)?&\(?n(?:o[1sv(]|c)/, within: 'none' },
  {
    like: /^n\)*&(?:1[oc&BU;]?|\(*E|s[o&]|nov)/,
    within: 'none',
    when: (tokens, shape) => /^n\)|c$|o.*c|U|&so|&1&/.test(shape) || leftOpen(tokens),
  },
  { like: /^n?\)*&\(*(?:1o\(|\()*E/, within: 'none', when: (_, shape) => /E(?:f|1|k|n[kc]|o)/.test(shape) },
  { like: /^n?&1[cBU;]/, within: 'none' },
  { like: /^n?&\(?[ns]os/, within: 'none', when: leftOpen },
  // order by 10, limit 1, group by …
  { like: /^s\)?B(?:[1v(]|f\(|nc|n,|s|E|n&)/, within: 'quote' },
  { like: /^[1v]\)?B(?:[1v(]|f\(|nc|n,|E|n&)/, within: 'none' },
  { like: /^n\)B[1nvf]/, within: 'none' },
  { like: /^nB(?:1c|f\()/, within: 'none', when: (tokens, shape) => shape.startsWith('nB1') || calls(tokens) },
  // The rest of the statement is cut off.
  {
    like: /^s\)*(?:c|[o&BUkA;,ETtn].*c)$/,
    within: 'quote',
    when: (tokens, shape) => cutsOff(tokens) && !shape.startsWith('sn'),
  },
  { like: /^[s1]\)+;?c$/ },
  { like: /^[1v]\)+(?:c|[o&BUkA;,ET].*c)$/, within: 'none', when: cutsOff },
  {
    like: /^[1v](?:[o&BUA;ET].*c)$/,
    within: 'none',
    when: (tokens, shape) => cutsOff(tokens) && !/^1on?c$/.test(shape),
  },
  { like: /^n\)+[o&BUkA;,].*c$/, within: 'none', when: cutsOff },
  { like: /^1;?c$/, within: 'none', when: cutsOff },
  // ' = ', ' || (select …, ' + sleep(5) + '
  {
    like: /^s\)?o(?:\(*E|\(*f\(|\(*v|\(1)/,
    within: 'quote',
    when: (tokens, shape) => /E|v/.test(shape) || calls(tokens) || leftOpen(tokens),
  },
  { like: /^s\)*o\(?s(?:$|[^\\:nso])/, within: 'quote', when: leftOpen },
  { like: /^s\)?o1[&)UB]|^s\)?o1?\(*E(?![ns])/, within: 'quote' },
  { like: /^s\)*o[1nv]?os$/, within: 'quote', when: (tokens) => leftOpen(tokens) && brief(tokens) },
  { like: /^[sv]\)*o(?:1?f\()/, when: calls },
  { like: /^[1n]\)*o1?f\(/, within: 'none', when: (tokens, shape) => shape.startsWith('1') && calls(tokens) },
  { like: /^s\)*o(?:k|v)/, within: 'quote', when: (tokens) => leftOpen(tokens) && brief(tokens) },
  {
    like: /^s\)*ov(?:;|&|$)/,
    within: 'quote',
    when: (tokens) => tokens[1 + Number(tokens[1]!.kind === ')')]!.text.startsWith('is'),
  },
  { like: /^[1v]\)*ov?[&o]s/, within: 'none', when: leftOpen },
  { like: /^[1v]\)+os/, within: 'none', when: leftOpen },
  { like: /^[1v]\)?o\(*(?:E|1?f\()/, within: 'none', when: (tokens, shape) => /E/.test(shape) || calls(tokens) },
  {
    like: /^v\)?o\(*[E1fs]/,
    within: 'none',
    when: (tokens) => tokens[0]!.text.startsWith('@@') || tokens.some(({ kind }) => kind === 'E'),
  },
  // ', (select …, 'a'), ('b
  { like: /^s\)?,\(*(?:E|f\()/, within: 'quote' },
  {
    like: /^s\)[o&UB]/,
    within: 'quote',
    when: (tokens, shape) => shape.length > 4 && (leftOpen(tokens) || /[E1v]$/.test(shape)),
  },
  { like: /^s\)?E(?:k|\(?f\()/, within: 'quote' },
  { like: /^s\)?Es/, within: 'quote', when: (tokens) => tokens.some(({ text }) => text.startsWith('waitfor ')) },
  { like: /^s1?\(E/, within: 'quote' },
  { like: /^[1n]\)*;?Es/, within: 'none', when: (tokens) => tokens.some(({ text }) => text.startsWith('waitfor ')) },
  { like: /^s\)*k(?:s[c;]|f\(|\(?E)/, within: 'quote', when: (tokens, shape) => !/kf\(/.test(shape) || calls(tokens) },
  { like: /^[1sv]\)*(?:k|kn)\(?f\(/, when: isHot },
  // A whole query, or a call that can only be meant as one.
  { like: /^Eo?\(?f\(/, within: 'none', when: (tokens, shape) => calls(tokens) || /^Eo?\(?f\([1sE]/.test(shape) },
  {
    like: /^\(?E(?:o|n|1|v)k[nkf(v]/,
    within: 'none',
    when: (tokens) =>
      tokens.some(({ text }) => text === 'from' || text === 'into') &&
      !/^En+kn+/.test(tokens.map((t) => t.kind).join('')),
  },
  { like: /^E(?:1|v)[kc]?$/, within: 'none' },
  { like: /^E[1s]?[k&]?\(/, within: 'none', when: (_, shape) => /\(E|1\(/.test(shape) },
  {
    like: /^f\(\(?(?:f\(|[1sv]|E)/,
    within: 'none',
    when: (tokens, shape) => isHot(tokens) || (calls(tokens) && /f\(.{0,2}f\(|f\(E|f\([1s]\)?$/.test(shape)),
  },
  { like: /^[1sv]\)*[o&,]?\(*f\(/, when: isHot },
  { like: /^s?f\(1n?/, within: 'quote', when: isHot },
  { like: /^[n]?[o&]\(*f\(/, within: 'none', when: isHot },
]

/** The shape that makes the text SQL, or undefined. */
export function isInjection(tokens: readonly Token[], quote: Quote): string | undefined {
  const shape = tokens.map(({ kind }) => kind).join('')
  for (const one of likely(shape, quote === '' ? 'none' : 'quote')) if (one.when?.(tokens, shape) ?? true) return shape
  return undefined
}

/** What the letters alone allow. Ordinary writing has few shapes: most come again and again. */
function likely(shape: string, within: 'quote' | 'none'): readonly Shape[] {
  const key = within + shape
  let known = LIKELY.get(key)
  if (known === undefined) {
    known = SHAPES.filter((one) => (one.within ?? within) === within && one.like.test(shape))
    if (LIKELY.size >= MOST_LIKELY) LIKELY.clear()
    LIKELY.set(key, known)
  }
  return known
}
const LIKELY = new Map<string, readonly Shape[]>()
const MOST_LIKELY = 10_000
