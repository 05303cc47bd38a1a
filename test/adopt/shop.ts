import { randomInt } from 'node:crypto'
import { vaultColumns } from '../../src/client/columns.ts'
import { createKhien, newSubject, type Khien } from '../../src/client/index.ts'
import { list, name, sql, words, type Query, type Row, type Session, type Source } from '../../src/source/index.ts'
import { openAsApp } from './app.ts'

const SURNAMES = ['Nguyễn', 'Trần', 'Lê', 'Phạm', 'Hoàng', 'Võ', 'Đặng', 'Bùi', 'Đỗ', 'Hồ']
const MIDDLES = ['Thị', 'Văn', 'Ngọc', 'Minh', 'Thu', 'Quốc', 'Anh', 'Hữu']
const GIVEN = ['Hoa', 'Lan', 'Nam', 'Tuấn', 'Hương', 'Dũng', 'Mai', 'Phúc', 'Trang', 'Khánh']
const STREETS = ['Lê Lợi', 'Hai Bà Trưng', 'Nguyễn Huệ', 'Trần Hưng Đạo', 'Hàng Bài', 'Lý Thường Kiệt']
const WARDS = [
  'phường Bến Nghé, Quận 1, TP. Hồ Chí Minh',
  'phường Hàng Bài, quận Hoàn Kiếm, Hà Nội',
  'phường 5, thành phố Vũng Tàu',
]
const of = <T>(list: readonly T[]): T => list[randomInt(list.length)]!
export const fullName = (): string => `${of(SURNAMES)} ${of(MIDDLES)} ${of(GIVEN)}`
const address = (): string => `${randomInt(1, 400)} ${of(STREETS)}, ${of(WARDS)}`
const digits = (n: number): string =>
  String(randomInt(10 ** 9) * 1_000 + randomInt(1_000))
    .padStart(12, '0')
    .slice(-n)
/** The place of a phone among all: no two people have one. */
export const phoneOf = (n: number): string => `09${String(n).padStart(8, '0')}`
const personalId = (n: number): string => `001${of(['1', '0'])}${digits(2)}${String(n % 1_000_000).padStart(6, '0')}`

const SCHEMA = {
  postgres: [
    `create table users (id bigserial primary key, full_name varchar(100) not null, phone varchar(20) not null unique,
      email varchar(120) unique, cccd varchar(12), city varchar(40), updated_at timestamptz not null default now())`,
    `create table orders (id bigserial primary key, user_id bigint not null references users(id) on delete cascade,
      code varchar(20) not null unique, ship_address text not null, note varchar(500), total int not null)`,
    `create table payments (id bigserial primary key, order_id bigint not null references orders(id) on delete cascade,
      bank_account varchar(34) not null, account_holder varchar(120) not null)`,
    'create table products (id serial primary key, name varchar(100), note text)',
  ],
  mysql: [
    `create table users (id bigint unsigned auto_increment primary key, full_name varchar(100) not null, phone varchar(20) not null unique,
      email varchar(120) unique, cccd varchar(12) comment 'số định danh', city varchar(40),
      updated_at timestamp(3) not null default current_timestamp(3) on update current_timestamp(3))`,
    `create table orders (id bigint unsigned auto_increment primary key, user_id bigint unsigned not null,
      code varchar(20) not null unique, ship_address text not null, note varchar(500), total int not null,
      foreign key (user_id) references users(id) on delete cascade)`,
    `create table payments (id bigint unsigned auto_increment primary key, order_id bigint unsigned not null,
      bank_account varchar(34) not null, account_holder varchar(120) not null,
      foreign key (order_id) references orders(id) on delete cascade)`,
    'create table products (id int auto_increment primary key, name varchar(100), note text)',
  ],
} as const

/** What a shop without Khiên has: `people` users, an order and a half and a payment for everybody, or for every so many. */
export async function fillShop(source: Source, people: number, every = 1): Promise<void> {
  await source.alone(async (s) => {
    for (const table of SCHEMA[source.kind]) await s.run(words(table))
    await s.run(sql`insert into products (name, note) values ('Áo dài lụa', 'giặt tay')`)
    for (let from = 1; from <= people; from += 500) {
      const users: Query[] = []
      const orders: Query[] = []
      const payments: Query[] = []
      for (let n = from; n < Math.min(people + 1, from + 500); n++) {
        const who = fullName()
        const mail = n % 7 === 0 ? null : `khach${n}@example.vn`
        users.push(
          sql`(${n}, ${who}, ${phoneOf(n)}, ${mail}, ${n % 5 === 0 ? null : personalId(n)}, ${of(['Hà Nội', 'Huế'])})`,
        )
        if (n % every > 0) continue
        const [a, b] = [2 * n - 1, 2 * n]
        for (const order of n % (2 * every) === 0 ? [a, b] : [a])
          orders.push(
            sql`(${order}, ${n}, ${`DH-${order}`}, ${address()}, ${order % 3 === 0 ? null : 'Gọi trước khi giao'}, ${randomInt(1_000_000)})`,
          )
        payments.push(sql`(${n}, ${a}, ${digits(12)}, ${who.toUpperCase()})`)
      }
      await s.run(sql`insert into users (id, full_name, phone, email, cccd, city) values ${list(users)}`)
      if (orders.length === 0) continue
      await s.run(sql`insert into orders (id, user_id, code, ship_address, note, total) values ${list(orders)}`)
      await s.run(sql`insert into payments (id, order_id, bank_account, account_holder) values ${list(payments)}`)
    }
    if (source.kind === 'postgres')
      for (const table of ['users', 'orders', 'payments'])
        await s.run(sql`select setval(pg_get_serial_sequence(${table}, 'id'), (select max(id) from ${name(table)}))`)
    await s.run(words(source.kind === 'postgres' ? 'analyze' : 'analyze table users, orders, payments'))
  })
}

const USER = {
  full_name: 'person.name',
  phone: 'person.phone',
  email: 'person.email',
  cccd: 'person.personal_id',
} as const
type UserColumn = keyof typeof USER
const USER_COLUMNS = Object.keys(USER) as UserColumn[]
export const FIELDS = [...Object.values(USER), 'order.address', 'order.note', 'bank.number', 'bank.holder']

/** Writers at once, half of them old; at least so many people are needed. */
const LANES = 8
type Kind = 'reads' | 'oldWrites' | 'newWrites'

export type ShopOptions = {
  readonly url: string
  readonly people: number
  readonly origin: string
  readonly key: string
  /** Rows written a second, old writer and new together. */
  readonly writes: number
  readonly reads: number
  /** Remember every row from the start, for `audit`; otherwise only what is written. */
  readonly remembers?: boolean
}

/**
 * A shop at work on its own database: an old writer that knows nothing of the vault, a new one and a reader that use the
 * column helper. It remembers what it wrote, and a reader that sees anything else counts it.
 */
export async function openShop(options: ShopOptions) {
  const source = await openAsApp(options.url)
  const khien: Khien = createKhien({
    origin: options.origin,
    key: options.key,
    publicOrigin: options.origin,
    timeoutMs: 20_000,
  })
  const sides = { here: vaultColumns(khien, { writes: 'here' }), vault: vaultColumns(khien, { writes: 'vault' }) }
  const seen = { reads: 0, oldWrites: 0, newWrites: 0, failed: 0, wrong: 0, slowest: 0, why: new Set<string>() }
  /** Columns of users that the new writer writes as tokens. */
  const sealed = new Set<UserColumn>()
  /** What stands in a user's columns, and how many times it was changed. */
  const known = new Map<number, { values: Record<string, string | null>; version: number }>()
  const addresses = new Map<number, string>()
  if (options.remembers ?? true) {
    for (const row of await source.read((s) => s.rows(sql`select * from users`)))
      known.set(Number(row['id']), {
        values: Object.fromEntries(USER_COLUMNS.map((c) => [c, row[c] ?? null])),
        version: 1,
      })
    for (const row of await source.read((s) => s.rows(sql`select id, ship_address from orders`)))
      addresses.set(Number(row['id']), row['ship_address']!)
  }
  let next = options.people + 1
  let phones = 50_000_000
  let live = true
  let old = true

  async function counted(work: () => Promise<void>, kind: Kind): Promise<void> {
    const began = performance.now()
    try {
      await work()
      seen[kind]++
    } catch (error) {
      if (!live) return
      seen.failed++
      const { code, message } = error as { code?: string; message?: string }
      seen.why.add(`${kind}: ${code ?? ''} ${message ?? ''}`.slice(0, 200))
    }
    seen.slowest = Math.max(seen.slowest, performance.now() - began)
  }
  const userOf = (s: Session, id: number, how = ''): Promise<Row[]> =>
    s.rows(sql`select * from users where id = ${id}${words(how)}`)
  const plain = (id: number): number => 1 + (id % options.people)

  /** Whom a writer writes: no two of them write the same person, so that what is right is never in doubt. */
  const theirs = (lane: number): number => {
    const id = randomInt(Math.floor((options.people - LANES) / LANES)) * LANES + lane
    return id === 0 ? LANES : id
  }

  /** As the shop's first programmer wrote it: values straight into the table. */
  async function oldWriter(lane: number): Promise<void> {
    const id = theirs(lane)
    const turn = randomInt(10)
    if (turn < 5) {
      const phone = phoneOf(phones++)
      const who = fullName()
      const was = known.get(id)
      known.set(id, { values: { ...was?.values, phone, full_name: who }, version: -1 })
      await source.write((s) => s.run(sql`update users set phone = ${phone}, full_name = ${who} where id = ${id}`))
      known.set(id, { values: { ...was?.values, phone, full_name: who }, version: (was?.version ?? 0) + 1 })
    } else if (turn < 8) {
      // Everybody's first order; those of even people have a second.
      const order = 2 * theirs(lane) - 1
      const where = address()
      const note = of([null, 'Giao buổi chiều', 'Gọi số khác: tầng 2'])
      await source.write((s) =>
        s.run(sql`update orders set note = ${note}, ship_address = ${where} where id = ${order}`),
      )
      addresses.set(order, where)
    } else if (turn === 8) {
      const n = next++
      await source.write(async (s) => {
        await s.run(
          sql`insert into users (full_name, phone, email, cccd, city) values (${fullName()}, ${phoneOf(phones++)}, ${`moi${n}@example.vn`}, null, 'Huế')`,
        )
        await s.run(
          sql`insert into orders (user_id, code, ship_address, note, total) select max(id), ${`DN-${n}`}, ${address()}, null, 1 from users where email = ${`moi${n}@example.vn`}`,
        )
      })
    } else await source.write((s) => s.run(sql`delete from orders where code = ${`DN-${next - 1 - randomInt(20)}`}`))
  }

  /** As it is written with the helper: locked, sealed, written, in one transaction. */
  async function newWriter(lane: number): Promise<void> {
    const id = theirs(lane)
    const values = { phone: phoneOf(phones++), full_name: fullName() }
    const was = known.get(id)
    known.set(id, { values: { ...was?.values, ...values }, version: -1 })
    await source.write(async (s) => {
      const [row] = await userOf(s, id, ' for update')
      const subject = row!['khien_subject'] ?? null
      for (const column of ['phone', 'full_name'] as const) {
        const [collection, field] = USER[column].split('.') as [string, string]
        const side = sealed.has(column) && subject !== null ? sides.vault : sides.here
        const [cell] = await side.seals([
          { subject: subject ?? newSubject(), collection, field, value: values[column] },
        ])
        await s.run(sql`update users set ${name(column)} = ${cell!} where id = ${id}`)
      }
    })
    known.set(id, { values: { ...was?.values, ...values }, version: (was?.version ?? 0) + 1 })
  }

  async function reader(): Promise<void> {
    const ids = Array.from({ length: 5 }, () => plain(randomInt(options.people)))
    const before = ids.map((id) => known.get(id))
    const rows = await source.read((s) =>
      s.rows(sql`select * from users where id in (${list(ids.map((id) => sql`${id}`))})`),
    )
    const cells = rows.flatMap((row) =>
      USER_COLUMNS.map((column) => {
        const [collection, field] = USER[column].split('.') as [string, string]
        return { subject: row['khien_subject'] ?? null, collection, field, cell: row[column] ?? null }
      }),
    )
    const opened = await sides.vault.opens(cells, { purpose: 'moving-in', reason: 'SHOP-1' })
    for (const [r, row] of rows.entries()) {
      const n = ids.indexOf(Number(row['id']))
      const [was, now] = [before[n], known.get(Number(row['id']))]
      for (const [c, column] of USER_COLUMNS.entries()) {
        const got = opened[r * USER_COLUMNS.length + c]!
        const wanted = was?.values[column]
        // Written while it was read: either is right.
        const sure = was === now && was !== undefined && was.version > 0 && column in was.values
        if (got.refused !== undefined || (sure && got.value !== wanted)) {
          seen.wrong++
          seen.why.add(`read users ${row['id']} ${column}: ${got.refused ?? `${row[column]} → another value`}`)
        }
      }
    }
  }

  /** Everything once, against what was written last. Gives what is wrong. */
  async function audit(): Promise<string[]> {
    const wrong: string[] = []
    const rows = await source.read((s) => s.rows(sql`select * from users where id <= ${options.people}`))
    const orders = await source.read((s) =>
      s.rows(sql`select o.id, o.ship_address, u.khien_subject from orders o join users u on u.id = o.user_id`),
    )
    const wanted: { what: string; value: string | null }[] = []
    const cells: Parameters<typeof sides.vault.opens>[0][number][] = []
    for (const row of rows)
      for (const column of USER_COLUMNS) {
        const [collection, field] = USER[column].split('.') as [string, string]
        cells.push({ subject: row['khien_subject'] ?? null, collection, field, cell: row[column] ?? null })
        wanted.push({
          what: `users ${row['id']} ${column}`,
          value: known.get(Number(row['id']))?.values[column] ?? null,
        })
      }
    for (const row of orders) {
      const value = addresses.get(Number(row['id']))
      if (value === undefined) continue
      const record = `orders.${row['id']}`
      cells.push({
        subject: row['khien_subject'] ?? null,
        collection: 'order',
        record,
        field: 'address',
        cell: row['ship_address'] ?? null,
      })
      wanted.push({ what: `orders ${row['id']} ship_address`, value })
    }
    const opened = await sides.vault.opens(cells, { purpose: 'moving-in', reason: 'SHOP-2' })
    for (const [i, { what, value }] of wanted.entries())
      if (opened[i]!.value !== value) wrong.push(`${what}: ${opened[i]!.refused ?? 'another value'}`)
    return wrong
  }

  async function loop(perSecond: number, work: () => Promise<void>, kind: Kind): Promise<void> {
    const gap = 1_000 / perSecond
    let due = performance.now()
    while (live && (old || kind !== 'oldWrites')) {
      await counted(work, kind)
      due = Math.max(due + gap, performance.now() - 1_000)
      const rest = due - performance.now()
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest))
    }
  }
  const lanes = Array.from({ length: LANES }, (_, lane) => lane)
  const olds = lanes
    .filter((lane) => lane % 2 === 0)
    .map((lane) => loop(options.writes / LANES, () => oldWriter(lane), 'oldWrites'))
  const others = lanes
    .filter((lane) => lane % 2 === 1)
    .map((lane) => loop(options.writes / LANES, () => newWriter(lane), 'newWrites'))
  const running = [...olds, ...others, loop(options.reads, reader, 'reads')]
  return {
    source,
    seen,
    audit,
    /** Takes the old writer out of service; the others go on. */
    async retiresOld(): Promise<void> {
      old = false
      await Promise.all(olds)
    },
    /** Ends the traffic; the shop stays open. */
    async closes(): Promise<void> {
      live = false
      await Promise.all(running)
    },
    /** From now on the new writer writes tokens into this column of users. */
    sealsInto: (column: UserColumn) => void sealed.add(column),
    writesHere: (column: UserColumn) => void sealed.delete(column),
    /** Looks a person up by phone as the shop does, whichever form the cell has. */
    async byPhone(phone: string): Promise<number> {
      const both = await sides.vault.either('person', 'phone', phone)
      const rows = await source.read((s) => s.rows(sql`select id from users where phone in (${both[0]}, ${both[1]})`))
      return rows.length
    },
    async [Symbol.asyncDispose]() {
      live = false
      await Promise.all(running)
      await source[Symbol.asyncDispose]()
      await (khien as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.()
    },
  }
}
export type Shop = Awaited<ReturnType<typeof openShop>>
