import type { AuditItem } from '../audit/index.ts'
import type { Purpose } from '../consent/index.ts'
import { html, type Html } from '../http/index.ts'
import { dateTime, type Language } from '../kit/i18n.ts'
import { clockAt, deadline, type LegalClock } from '../law/index.ts'
import type { FieldWords } from './field-words.ts'
import type { Words } from './pages.ts'

type Names = {
  /** How many leaves the published log has: only they can be proved. */
  readonly published: number
  readonly m: Words
  readonly fields: FieldWords
  readonly language: Language
  readonly purposes: ReadonlyMap<string, readonly Purpose[]>
  readonly keys: readonly { readonly id: string; readonly name: string }[]
}

/** Reads of one person's data: when, who, for what, with what result, and the proof of each. */
export async function readsTable(items: readonly AuditItem[], names: Names): Promise<Html> {
  const { m, language, purposes } = names
  const reads = items.filter((item) => item.kind.startsWith('vault.'))
  if (reads.length === 0) return html`<p>${m.nobodyRead}</p>`
  return html`<ul class="reads">
    ${reads.map((item) => {
      const fields = fieldsTold(item, names)
      const purpose =
        item.purpose === undefined ? '' : (purposes.get(item.purpose)?.at(-1)?.title[language] ?? item.purpose)
      return html`<li>
        <p>
          <span class="st ${item.result === 'refused' ? 'stop' : observed(item) ? 'look' : ''}"
            >${kindTold(item.kind, m)}, ${resultTold(item, m)}</span
          >
        </p>
        ${fields === '' ? '' : html`<p><b>${fields}</b></p>`}
        <p class="small">
          ${dateTime(Date.parse(item.at), language)}. ${m.who}:
          ${who(item.actor, names)}.${purpose === '' ? '' : html` ${m.forWhat}: ${purpose}${item.reason === undefined ? '' : html` (<span class="mono">${item.reason}</span>)`}.`}
        </p>
        <p class="small">
          ${
            item.index === null || item.index >= names.published
              ? html`${m.proof}: ${m.proofSoon}`
              : html`<a href="/me/proofs/${item.id}">${m.proof}</a> <span class="leaf">#${item.index}</span>`
          }
        </p>
      </li>`
    })}
  </ul>`
}

/** Let through although no ground was there, because its purpose was only watched. */
const observed = ({ facts }: AuditItem): string | undefined =>
  typeof facts?.['observed'] === 'string' ? facts['observed'] : undefined

/** `cho qua, khi bật cưỡng chế sẽ bị từ chối: không có thỏa thuận đang chạy` */
function resultTold(item: AuditItem, m: Words): string {
  const passed = observed(item)
  const code = passed ?? item.facts?.['code']
  const why = typeof code === 'string' ? whyTold(code, m) : undefined
  const result = passed === undefined ? m.results[item.result] : m.observed
  return why === undefined ? result : `${result}: ${why}`
}

const whyTold = (code: string, m: Words): string | undefined => (m.why as Readonly<Record<string, string>>)[code]
const kindTold = (kind: string, m: Words): string => (m.kinds as Readonly<Record<string, string>>)[kind] ?? kind

/** `họ tên, số điện thoại, và 3 trường nữa`: a record names twelve fields at most and counts the others. */
function fieldsTold({ facts }: AuditItem, { m, fields }: Names): string {
  const told = String(facts?.['fields'] ?? '')
  return told
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => (word.startsWith('+') ? m.andMore(Number(word.slice(1))) : fields.of(word)))
    .join(', ')
}

function who(actor: string, { m, keys }: Names): string {
  if (actor === 'person') return m.you
  if (actor === 'node') return m.program
  if (!actor.startsWith('service:')) return m.staff
  const key = keys.find((row) => `service:${row.id}` === actor)
  return key ? m.app(key.name) : m.unknownApp
}

/** The clocks of an erasure request as the law of today has them. */
export function clocksText(m: Words, language: Language, now: number): string {
  const reply = clockAt('request.reply', now)
  const erase = clockAt('request.delete', now)
  if (!reply || !erase) return m.complain
  const until = (clock: LegalClock): string => dateTime(deadline(clock, now), language)
  return m.erase(until(reply), until(erase), erase.article[language])
}
