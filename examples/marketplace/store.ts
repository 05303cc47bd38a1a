import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export type Session = { readonly kind: 'member' | 'staff'; readonly subject: string }
export type Order = {
  readonly id: string
  readonly subject: string
  readonly product: string
  readonly amount: number
  readonly at: number
  readonly state: 'placing' | 'dropped' | 'open' | 'received'
}

const SESSION_MS = 12 * 3_600_000
const SIGNS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const hash = (token: string): string => createHash('sha256').update(token).digest('hex')

/** `DH-4K7Q2MXB`: forty random bits, no digits in a row that could pass for a phone number. */
export const newRef = (prefix: string): string =>
  `${prefix}-${[...randomBytes(8)].map((byte, i) => SIGNS[i % 2 === 0 ? 10 + (byte % 22) : byte & 31]).join('')}`

/** The shop's own database: tokens, numbers, amounts and times. Who a person is stands in the vault alone. */
export function openStore(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'shop.db')
  const db = new DatabaseSync(path)
  chmodSync(path, 0o600)
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;
    CREATE TABLE IF NOT EXISTS session (hash TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, ends INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS member (subject TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, subject TEXT NOT NULL, product TEXT NOT NULL, amount INTEGER NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS orders_of ON orders (subject, at);
    CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, subject TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS rating (product TEXT NOT NULL, stars INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS picture (sha256 TEXT PRIMARY KEY, bytes INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;`)
  const run = (sql: string, ...values: (string | number)[]): void => void db.prepare(sql).run(...values)
  const all = <T>(sql: string, ...values: (string | number)[]): T[] => db.prepare(sql).all(...values) as unknown as T[]

  return {
    openSession(kind: Session['kind'], subject: string): string {
      const token = randomBytes(32).toString('base64url')
      run('DELETE FROM session WHERE ends < ?', Date.now())
      run('INSERT INTO session VALUES (?, ?, ?, ?)', hash(token), kind, subject, Date.now() + SESSION_MS)
      return token
    },
    session: (token: string): Session | undefined =>
      all<Session>('SELECT kind, subject FROM session WHERE hash = ? AND ends > ?', hash(token), Date.now())[0],
    closeSession: (token: string) => run('DELETE FROM session WHERE hash = ?', hash(token)),

    addMember: (subject: string) => run('INSERT OR IGNORE INTO member VALUES (?, ?)', subject, Date.now()),
    members: (): string[] =>
      all<{ subject: string }>('SELECT subject FROM member ORDER BY at DESC').map((m) => m.subject),

    placeOrder: (order: Pick<Order, 'id' | 'subject' | 'product' | 'amount'>) =>
      run(
        `INSERT INTO orders VALUES (?, ?, ?, ?, ?, 'placing')`,
        order.id,
        order.subject,
        order.product,
        order.amount,
        Date.now(),
      ),
    setOrder: (id: string, state: Order['state']) => run('UPDATE orders SET state = ? WHERE id = ?', state, id),
    order: (id: string): Order | undefined => all<Order>('SELECT * FROM orders WHERE id = ?', id)[0],
    ordersOf: (subject: string): Order[] =>
      all(
        `SELECT * FROM orders WHERE subject = ? AND state IN ('open', 'received') ORDER BY at DESC LIMIT 200`,
        subject,
      ),
    recentOrders: (): Order[] =>
      all(`SELECT * FROM orders WHERE state IN ('open', 'received') ORDER BY at DESC LIMIT 100`),

    /** Begun in an earlier life of the shop, which ended in between. Asked before this one takes orders. */
    unfinished: (): Order[] => all(`SELECT * FROM orders WHERE state = 'placing'`),

    addMessage: (id: string, subject: string) => run('INSERT INTO message VALUES (?, ?, ?)', id, subject, Date.now()),
    messagesOf: (subject: string): { id: string; at: number }[] =>
      all('SELECT id, at FROM message WHERE subject = ? ORDER BY at DESC LIMIT 50', subject),
    addRating: (product: string, stars: number) =>
      run('INSERT INTO rating VALUES (?, ?, ?)', product, stars, Date.now()),
    rating: (product: string): { n: number; mean: number | null } =>
      all<{ n: number; mean: number | null }>(
        'SELECT count(*) AS n, avg(stars) AS mean FROM rating WHERE product = ?',
        product,
      )[0]!,
    addPicture: (sha256: string, bytes: number) =>
      run('INSERT OR IGNORE INTO picture VALUES (?, ?, ?)', sha256, bytes, Date.now()),
    [Symbol.dispose]: () => db.close(),
  }
}
export type Store = ReturnType<typeof openStore>
