import { dkimRecord, newDkimKey, openMailer, type Mailer } from '../mail/index.ts'
import { bytesType, type Database, type Migration } from '../storage/sql/index.ts'
import type { NodeConfig } from './config.ts'
import type { Secrets } from './secrets.ts'

type MailTables = { mail_key: { id: number; sealed: Uint8Array } }

export const mailMigrations: readonly Migration[] = [
  {
    name: '20261122T000700-create-mail-key',
    async up(db, dialect) {
      await db.schema
        .createTable('mail_key')
        .addColumn('id', 'integer', (c) => c.primaryKey())
        .addColumn('sealed', bytesType(dialect), (c) => c.notNull())
        .execute()
    },
  },
]

const SELECTOR = 'khien'
const ABOUT = 'dkim key'

/** The node's way to a mail server, signing with a key of its own that is made at the first start and kept sealed. */
export async function postOffice(
  mail: NonNullable<NodeConfig['mail']>,
  db: Database,
  secrets: Pick<Secrets, 'sealSmall' | 'openSmall'>,
  controller: string,
): Promise<{ readonly mailer: Mailer; readonly record: { readonly name: string; readonly value: string } }> {
  const { hostname, port, protocol, username, password } = new URL(mail.url)
  const secure = protocol === 'smtps:'
  const privateKey = await keyOf(db, secrets)
  const dkim = { domain: mail.from.slice(mail.from.indexOf('@') + 1), selector: SELECTOR, privateKey }
  const mailer = openMailer({
    host: hostname,
    port: Number(port) || (secure ? 465 : 25),
    secure,
    ...(username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    from: `${JSON.stringify(controller)} <${mail.from}>`,
    dkim,
  })
  return { mailer, record: dkimRecord(dkim) }
}

async function keyOf(db: Database, secrets: Pick<Secrets, 'sealSmall' | 'openSmall'>): Promise<string> {
  const tables = db.tables<MailTables>()
  const known = await tables.selectFrom('mail_key').select('sealed').where('id', '=', 1).executeTakeFirst()
  if (known) return Buffer.from(secrets.openSmall(known.sealed, ABOUT)).toString('utf8')
  const sealed = secrets.sealSmall(Buffer.from(await newDkimKey()), ABOUT)
  await tables
    .insertInto('mail_key')
    .values({ id: 1, sealed })
    .onConflict((c) => c.doNothing())
    .execute()
  return keyOf(db, secrets)
}
