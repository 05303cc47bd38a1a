import { randomUUID } from 'node:crypto'
import { newSubject } from '../../src/client/index.ts'
import { type Answer, call, type Child } from './child.ts'

/** One request as it was sent; without an answer nobody knows yet whether it was done. */
export type Entry = {
  readonly kind: 'new' | 'hot' | 'consent' | 'withdrawal'
  readonly subject: string
  /** How often this subject was written before, and this time. */
  readonly turn: number
  readonly path: string
  readonly body: object
  readonly key: string
  answer: Answer | undefined
}
/** Everything ever sent to one node, over all its lives. */
export type Ledger = { readonly entries: Entry[]; readonly hot: readonly string[] }

export const newLedger = (workers: number): Ledger => ({
  entries: [],
  hot: Array.from({ length: workers }, newSubject),
})

/** Four values that tell which turn wrote them, so that a mixture of two turns shows. */
export const turnFields = (turn: number): Record<string, string> => {
  const digits = String(turn).padStart(8, '0')
  return { name: `Tên ${turn}`, phone: `09${digits}`, email: `t${turn}@example.vn`, personal_id: `0010${digits}` }
}

/** Sends until the node is gone: one worker a hot subject, each with one request in flight. */
export async function load(child: Child, ledger: Ledger, answered: () => void): Promise<void> {
  const send = async (...sent: Parameters<typeof sendOne>): Promise<boolean> => {
    const whole = await sendOne(...sent)
    if (whole) answered()
    return whole
  }
  await Promise.all(
    ledger.hot.map(async (hot) => {
      for (;;) {
        const subject = newSubject()
        const note = { subject, collection: 'order', record: 'DH-1', fields: { note: 'Gọi trước khi giao' } }
        const items = [{ subject, collection: 'person', fields: turnFields(1) }, note]
        if (!(await send(child, ledger, 'new', subject, '/api/vault/put', { items }))) return
        const turn = 1 + ledger.entries.filter((entry) => entry.subject === hot).length
        const again = { items: [{ subject: hot, collection: 'person', fields: turnFields(turn) }] }
        if (!(await send(child, ledger, 'hot', hot, '/api/vault/put', again, turn))) return
        const decisions = [{ purpose: 'news', version: 1, given: true }]
        const shown = { subject, notice: 1, language: 'vi', method: 'app', decisions }
        if (!(await send(child, ledger, 'consent', subject, '/api/consents', shown))) return
        const ended = { subject, purpose: 'news' }
        if (!(await send(child, ledger, 'withdrawal', subject, '/api/consents/withdraw', ended))) return
      }
    }),
  )
}

async function sendOne(
  child: Child,
  ledger: Ledger,
  kind: Entry['kind'],
  subject: string,
  path: string,
  body: object,
  turn = 1,
): Promise<boolean> {
  const entry: Entry = { kind, subject, turn, path, body, key: randomUUID(), answer: undefined }
  ledger.entries.push(entry)
  entry.answer = await again(child, entry)
  if (entry.answer !== undefined && entry.answer.status !== 200)
    throw new Error(`${path} answered ${entry.answer.status}: ${entry.answer.text}`)
  return entry.answer !== undefined
}

/** The same request with the same key; undefined when no whole answer came. */
export const again = (child: Child, entry: Entry): Promise<Answer | undefined> =>
  call(child, 'POST', entry.path, entry.body, entry.key).catch(() => undefined)
