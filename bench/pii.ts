import { execFileSync } from 'node:child_process'
import { createSecretKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Finding, type Kind, KINDS, recognise } from '../src/engine/pii/index.ts'
import { recognisePlainly } from '../src/engine/pii/plain.ts'
import { type Corpus, labelled } from '../src/engine/pii/test/corpus.ts'
import { precision, recall, score, type Score } from '../src/engine/pii/test/judge.ts'
import { KEPT } from '../src/engine/pii/test/templates-kept.ts'
import { OPEN } from '../src/engine/pii/test/templates-open.ts'
import { ff1 } from '../src/engine/seal/index.ts'

// One core, by the processor time of the process (other work shares the machine). Speed of looking through short texts, all kinds and only
// the twelve the gateway counts; recall and precision on the corpus kept apart; the public texts of ../shared/vectors/pii; FF1 beside.
// Prints name, value, unit, goal, met | short | -.

const YEAR = 2026
const ROUNDS = 5
/** Kinds without a form of their own: reported, with no goal. */
const LOOSE = new Set<Kind>(['name', 'address'])
const say = (
  name: string,
  value: number | string,
  unit: string,
  goal?: number,
  better: 'more' | 'less' = 'more',
): void => {
  const met = typeof value === 'number' && goal !== undefined && (better === 'more' ? value >= goal : value <= goal)
  const verdict = goal === undefined ? '-' : met ? 'met' : 'short'
  const shown = typeof value === 'number' ? value.toFixed(value < 100 && !Number.isInteger(value) ? 4 : 0) : value
  console.log([name, shown, unit, goal ?? '-', verdict].join('\t'))
}

/** What a list of patterns does at most, for a yardstick in the same minute: the machine's own pace changes twofold. */
const BARE = [
  /\b0\d{11}\b/g,
  /\b\d{9}\b/g,
  /\b\d{10}(?:-\d{3})?\b/g,
  /(?:\+84|84|0)(?:[ .-]?\d){9}\b/g,
  /\b(?:\d[ -]?){13,19}\b/g,
  /\b\d{8,16}\b/g,
  /\b[A-Z]{2}[1-5]\d{12}\b/g,
  /\b[A-Z]\d{7}\b/g,
  /\b\d{2}[A-Z]{1,2}\d?-\d{3}\.?\d{2}\b/g,
  /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/g,
  /\b\d{1,2}[/-]\d{1,2}[/-]\d{4}\b/g,
  /\b(?:\d{1,3}\.){3}\d{1,3}\b/g,
  /\b(?:[0-9A-F]{2}:){5}[0-9A-F]{2}\b/gi,
  /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi,
  /\b(?:AKIA|ghp_|sk_live_)[A-Za-z0-9]{16,}/g,
]

/** Best of the rounds, calls a second of processor time. */
function rate(count: number, work: () => void): number {
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(began)
    best = Math.max(best, count / ((user + system) / 1e6))
  }
  return best
}

if (!process.execArgv.includes('--single-threaded-gc')) {
  // Collecting on other threads would count as work of this one.
  execFileSync(process.execPath, ['--single-threaded-gc', import.meta.filename], { stdio: 'inherit' })
} else {
  speed()
  accuracy('kept apart', KEPT, true)
  accuracy('open', OPEN, false)
  vipii()
  presidio()
  tokens()
}

function speed(): void {
  const texts = [...labelled(KEPT, 20_000)].map(({ text }) => Buffer.from(text, 'utf8').toString('utf8'))
  const mean = texts.reduce((total, { length }) => total + length, 0) / texts.length
  say('short texts, mean length', mean, 'units')
  const over = (look: (text: string) => readonly Finding[]) => () => {
    for (const text of texts) look(text)
  }
  const counted: readonly Kind[] = (Object.keys(KINDS) as Kind[]).slice(0, 12)
  say(
    'short texts, all 18 kinds',
    rate(
      texts.length,
      over((text) => recognise(text, { year: YEAR })),
    ),
    'texts/s',
    100_000,
  )
  say(
    'short texts, the twelve the gateway counts',
    rate(
      texts.length,
      over((text) => recognise(text, { year: YEAR, kinds: counted })),
    ),
    'texts/s',
  )
  const bare = rate(texts.length, () => {
    for (const text of texts)
      for (const pattern of BARE) {
        pattern.lastIndex = 0
        while (pattern.exec(text) !== null);
      }
  })
  say('short texts, fifteen bare patterns: no words, no check digits, no marks', bare, 'texts/s')
  const few = texts.slice(0, 1_000)
  const plain = rate(few.length, () => {
    for (const text of few) recognisePlainly(text, { year: YEAR })
  })
  say('short texts, the plain way', plain, 'texts/s')
  const large = texts.join('\n').slice(0, 1 << 20)
  say(
    'one text of 1 Mi units',
    rate(1, () => recognise(large, { year: YEAR })),
    'Mi units/s',
  )
}

function accuracy(name: string, corpus: Corpus, judged: boolean): void {
  const scores = new Map<Kind, Score>()
  for (const item of labelled(corpus, corpus.templates.length * 400))
    score(scores, item, recognise(item.text, { year: YEAR }))
  for (const [kind, of] of [...scores].sort(([a], [b]) => a.localeCompare(b))) {
    const goal = judged && !LOOSE.has(kind)
    say(`${name}: ${kind}, recall`, recall(of), `of ${of.labels}`, goal ? 0.99 : undefined)
    say(`${name}: ${kind}, precision`, precision(of), `of ${of.right + of.wrong}`, goal ? 0.97 : undefined)
  }
}

function vectors(file: string): string | undefined {
  const folder = process.env['KHIEN_VECTORS'] ?? join(import.meta.dirname, '../../shared/vectors')
  const path = join(folder, 'pii', file)
  if (existsSync(path)) return readFileSync(path, 'utf8')
  say(file, 'not here, skipped', '')
  return undefined
}

function vipii(): void {
  const SAME: Readonly<Record<string, Kind>> = {
    PHONE_NUMBER: 'phone',
    CCCD: 'personal-id',
    MST: 'tax-code',
    PASSPORT: 'passport',
    VEHICLE_PLATE: 'plate',
    CMND: 'old-id',
    BANK_CARD: 'payment-card',
    BANK_ACCOUNT: 'bank-account',
    DEVICE_ID: 'device-id',
    EMAIL_ADDRESS: 'email',
    DATE_OF_BIRTH: 'date-of-birth',
    SOCIAL_INSURANCE_NUMBER: 'social-insurance',
    HEALTH_INSURANCE_NUMBER: 'health-insurance',
    DRIVER_LICENSE: 'driver-licence',
    IP_ADDRESS: 'ip-address',
  }
  const lines = vectors('vipii/synthetic_vietnamese_pii.jsonl')?.trim().split('\n')
  if (lines === undefined) return
  for (const least of ['low', 'medium'] as const) {
    let found = 0
    let labels = 0
    let more = 0
    for (const line of lines) {
      const item = JSON.parse(line) as { text: string; labels: string[] }
      const kinds = recognise(item.text, { year: YEAR, least }).map(({ kind }) => kind)
      labels += item.labels.length
      for (const label of item.labels) {
        const at = kinds.indexOf(SAME[label]!)
        if (at < 0) continue
        found++
        kinds.splice(at, 1)
      }
      more += kinds.length
    }
    say(`vipii: labels found, ${least} and surer`, found, `of ${labels}`, least === 'low' ? 71 : undefined)
    say(`vipii: findings beside the labels, ${least} and surer`, more, '')
  }
}

function presidio(): void {
  const json = vectors('presidio-research/synth_dataset_v2.json')
  if (json === undefined) return
  type Span = { entity_type: string; entity_value: string; start_position: number; end_position: number }
  const items = JSON.parse(json) as { full_text: string; spans: Span[] }[]
  const SAME: Readonly<Record<string, Kind>> = {
    CREDIT_CARD: 'payment-card',
    EMAIL_ADDRESS: 'email',
    IP_ADDRESS: 'ip-address',
  }
  const labels = new Map<string, { all: number; found: number }>()
  const falls = new Map<Kind, number>()
  let all = 0
  for (const { full_text: text, spans } of items) {
    const findings = recognise(text, { year: YEAR })
    all += findings.length
    // Their places count code points.
    const signs = Array.from(text)
    const unit = (point: number): number => signs.slice(0, point).join('').length
    const places = spans.map((span) => ({
      type: span.entity_type,
      start: unit(span.start_position),
      end: unit(span.end_position),
    }))
    const overlaps = (finding: Finding, type: string): boolean =>
      places.some((place) => place.type === type && place.start < finding.end && finding.start < place.end)
    for (const place of places) {
      const kind = SAME[place.type]
      if (kind === undefined) continue
      const of = labels.get(place.type) ?? { all: 0, found: 0 }
      labels.set(place.type, of)
      of.all++
      if (findings.some((finding) => finding.kind === kind && place.start < finding.end && finding.start < place.end))
        of.found++
    }
    const THEIRS: Readonly<Partial<Record<Kind, string>>> = {
      'payment-card': 'CREDIT_CARD',
      email: 'EMAIL_ADDRESS',
      'ip-address': 'IP_ADDRESS',
      phone: 'PHONE_NUMBER',
      name: 'PERSON',
      address: 'STREET_ADDRESS',
    }
    for (const finding of findings)
      if (!overlaps(finding, THEIRS[finding.kind] ?? '')) falls.set(finding.kind, (falls.get(finding.kind) ?? 0) + 1)
  }
  say('presidio texts: findings', all, `in ${items.length}`)
  for (const [type, of] of labels) say(`presidio texts: ${type} found`, of.found, `of ${of.all}`)
  for (const [kind, count] of falls) say(`presidio texts: ${kind} where they have none`, count, '')
  say(
    'presidio texts: findings where they have none',
    [...falls.values()].reduce((a, b) => a + b, 0),
    'vipii as measured before: 243 matches',
  )
}

function tokens(): void {
  const cipher = ff1({ key: createSecretKey(Buffer.alloc(32, 1)), radix: 10, tweak: Buffer.from('shop|phone') })
  const N = 20_000
  say(
    'FF1, 12 digits',
    rate(N, () => {
      for (let i = 0; i < N; i++) cipher.encrypt(String(100_000_000_000 + i))
    }),
    'tokens/s',
  )
}
