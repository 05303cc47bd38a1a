import type { Alert, Detection } from '../../detection/index.ts'
import type { SigningKey } from '../../engine/seal/index.ts'
import type { RecordActs } from '../../kit/act.ts'
import { iso, type Clock } from '../../kit/clock.ts'
import { KhienError } from '../../kit/errors.ts'
import { dateTime, inLanguage, type Language } from '../../kit/i18n.ts'
import { newId, type Entropy } from '../../kit/ids.ts'
import type { Mailer } from '../../mail/index.ts'
import { bytesType, type Database, type Migration } from '../../storage/sql/index.ts'
import { passGate } from '../soc/lawful.ts'
import { signRequest } from '../soc/signature.ts'
import { peopleMessages } from './messages.ts'

type RecipientRow = {
  id: string
  kind: 'email' | 'webhook'
  /** Address and language under the node's key. */
  sealed: Uint8Array
  min_level: string
  created_at: number
}
type PeopleTables = {
  alert_recipient: RecipientRow
  alert_notice: { recipient: string; alert: string; state: 'waiting' | 'sent' | 'failed'; at: number }
}

export const peopleMigrations: readonly Migration[] = [
  {
    name: '20261122T003500-create-alert-recipient',
    async up(db, dialect) {
      await db.schema
        .createTable('alert_recipient')
        .addColumn('id', 'text', (c) => c.primaryKey())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('sealed', bytesType(dialect), (c) => c.notNull())
        .addColumn('min_level', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('alert_notice')
        .addColumn('recipient', 'text', (c) => c.notNull())
        .addColumn('alert', 'text', (c) => c.notNull())
        .addColumn('state', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addPrimaryKeyConstraint('alert_notice_pk', ['recipient', 'alert'])
        .execute()
    },
  },
]

export type PeopleContext = {
  readonly db: Database
  readonly clock: Clock
  readonly entropy: Entropy
  readonly record: RecordActs
  readonly detection: Detection
  readonly voice: SigningKey
  readonly seal: (plain: Uint8Array, about: string) => Uint8Array
  readonly open: (sealed: Uint8Array, about: string) => Uint8Array
  /** Undefined when no mail server was named: then e-mail recipients cannot be added. */
  readonly mailer: Mailer | undefined
  readonly controller: string
  readonly consoleOrigin: string
  readonly emit: (trx: unknown, topic: string, payload: Readonly<Record<string, string>>) => Promise<void>
}
export const TELL_PERSON = 'people.tell'
type Target = { readonly target: string; readonly language: Language }
const LEVELS = ['informational', 'low', 'medium', 'high', 'critical']
const TIMEOUT_MS = 10_000
const MOST = 100
/** Notices a recipient gets in an hour. */
const AN_HOUR = 60

/** A node alone tells its own people of an alert: by mail, and by a signed call to what they use. */
export function peopleService(ctx: PeopleContext) {
  const db = ctx.db.tables<PeopleTables>()
  const openTarget = (row: RecipientRow): Target =>
    JSON.parse(Buffer.from(ctx.open(row.sealed, row.id)).toString('utf8')) as Target

  let held = 0

  /** Leaves one notice a recipient; each is then tried by itself until it is taken. */
  async function spread(alertId: string): Promise<void> {
    const alert = await ctx.detection.alerts.one(alertId)
    const wanted = (await db.selectFrom('alert_recipient').selectAll().execute()).filter(
      (row) => LEVELS.indexOf(alert.level) >= LEVELS.indexOf(row.min_level),
    )
    await ctx.db.transaction<PeopleTables, void>(async (trx) => {
      for (const { id } of wanted) {
        const { n } = await trx
          .selectFrom('alert_notice')
          .select((eb) => eb.fn.countAll<number>().as('n'))
          .where('recipient', '=', id)
          .where('at', '>', ctx.clock() - 3_600_000)
          .executeTakeFirstOrThrow()
        // A flood of alerts must not become a flood of mail: the rest waits in the console, and is counted.
        if (Number(n) >= AN_HOUR) {
          held++
          continue
        }
        const fresh = await trx
          .insertInto('alert_notice')
          .values({ recipient: id, alert: alertId, state: 'waiting', at: ctx.clock() })
          .onConflict((c) => c.doNothing())
          .executeTakeFirst()
        if (Number(fresh.numInsertedOrUpdatedRows ?? 0) === 1)
          await ctx.emit(trx, TELL_PERSON, { recipient: id, alert: alertId })
      }
    })
  }

  /** Tells one recipient. Throws when it was not taken, so that the outbox tries again; refused for good is noted. */
  async function tell(recipientId: string, alertId: string): Promise<void> {
    const row = await db.selectFrom('alert_recipient').selectAll().where('id', '=', recipientId).executeTakeFirst()
    if (!row) return
    const alert = await ctx.detection.alerts.one(alertId)
    const note = (state: 'sent' | 'failed') =>
      db
        .updateTable('alert_notice')
        .set({ state, at: ctx.clock() })
        .where('recipient', '=', recipientId)
        .where('alert', '=', alertId)
        .execute()
    try {
      await (row.kind === 'email' ? mail(openTarget(row), alert) : call(openTarget(row).target, alert))
    } catch (error) {
      await note('failed')
      if (error instanceof KhienError && error.code === 'mail/refused') return
      throw error
    }
    await note('sent')
  }

  async function mail({ target, language }: Target, alert: Alert): Promise<void> {
    if (!ctx.mailer) throw new KhienError('mail/away', 'No mail server is named.', { status: 503 })
    const m = inLanguage(peopleMessages, language)
    await ctx.mailer.send({
      to: target,
      subject: m.subject(m.levels[alert.level], alert.title),
      text: m.text({
        controller: ctx.controller,
        title: alert.title,
        level: m.levels[alert.level],
        first: dateTime(Date.parse(alert.first), language),
        count: alert.count,
        seen: alert.observables.map((o) => `${m.roles[o.role]}: ${o.value}${o.port ? `, ${m.port} ${o.port}` : ''}`),
        link: `${ctx.consoleOrigin}/detect/alerts/${alert.id}`,
      }),
      messageId: `${alert.id}@${new URL(ctx.consoleOrigin).hostname}`,
    })
  }

  async function call(target: string, alert: Alert): Promise<void> {
    const url = new URL(target)
    const { out } = passGate(alert)
    const body = Buffer.from(JSON.stringify({ ...out, link: `${ctx.consoleOrigin}/detect/alerts/${alert.id}` }))
    const nonce = Buffer.from(ctx.entropy(16)).toString('base64url')
    const signed = { method: 'POST', authority: url.host, path: url.pathname, body }
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signRequest(signed, ctx.voice, ctx.clock(), nonce) },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await response.body?.cancel()
    if (!response.ok) throw new KhienError('people/webhook', `The webhook answered ${response.status}.`)
  }

  async function add(
    wish: { kind: 'email' | 'webhook'; target: string; from: string; language?: Language },
    actor: string,
  ): Promise<void> {
    if (wish.kind === 'email' && !ctx.mailer)
      throw new KhienError('people/no-mail', 'No mail server is named: start with SMTP_URL and --mail-from.', {
        status: 409,
        field: 'body.kind',
      })
    const id = newId('rcp', ctx.clock(), ctx.entropy)
    const target: Target = { target: wish.target, language: wish.language ?? 'vi' }
    await ctx.db.transaction<PeopleTables, void>(async (trx) => {
      const { n } = await trx
        .selectFrom('alert_recipient')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
      if (Number(n) >= MOST) throw new KhienError('people/full', `At most ${MOST} are told.`, { status: 409 })
      const sealed = ctx.seal(Buffer.from(JSON.stringify(target)), id)
      await trx
        .insertInto('alert_recipient')
        .values({ id, kind: wish.kind, sealed, min_level: wish.from, created_at: ctx.clock() })
        .execute()
      await ctx.record(trx, [
        { kind: 'people.recipient-added', actor, result: 'done', facts: { recipient: id, kind: wish.kind } },
      ])
    })
  }

  async function remove(id: string, actor: string): Promise<void> {
    await ctx.db.transaction<PeopleTables, void>(async (trx) => {
      const gone = await trx.deleteFrom('alert_recipient').where('id', '=', id).executeTakeFirst()
      if (Number(gone.numDeletedRows) !== 1)
        throw new KhienError('people/no-recipient', 'There is no such recipient.', { status: 404 })
      await trx.deleteFrom('alert_notice').where('recipient', '=', id).execute()
      await ctx.record(trx, [{ kind: 'people.recipient-removed', actor, result: 'done', facts: { recipient: id } }])
    })
  }

  async function list() {
    const [rows, notices] = await Promise.all([
      db.selectFrom('alert_recipient').selectAll().orderBy('id').execute(),
      db
        .selectFrom('alert_notice')
        .select((eb) => ['recipient', 'state', eb.fn.countAll<number>().as('n'), eb.fn.max('at').as('last')])
        .groupBy(['recipient', 'state'])
        .execute(),
    ])
    const of = (id: string, state: string) => notices.find((n) => n.recipient === id && n.state === state)
    return {
      mail: ctx.mailer !== undefined,
      held,
      items: rows.map((row) => ({
        id: row.id,
        kind: row.kind,
        target: masked(row.kind, openTarget(row).target),
        from: row.min_level as 'low',
        told: Number(of(row.id, 'sent')?.n ?? 0),
        failing: of(row.id, 'failed') !== undefined,
        lastAt: of(row.id, 'sent') ? iso(Number(of(row.id, 'sent')!.last)) : null,
      })),
    }
  }
  return { spread, tell, add, remove, list }
}
export type People = ReturnType<typeof peopleService>

function masked(kind: 'email' | 'webhook', target: string): string {
  if (kind === 'email') return `${target[0]}•••@${target.slice(target.lastIndexOf('@') + 1)}`
  return `${new URL(target).origin}/•••`
}
