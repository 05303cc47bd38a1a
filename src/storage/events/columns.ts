/** How a column is stored, compared and written in RowBinary. */
export type ColumnType = 'string' | 'word' | 'address' | 'u16' | 'u32' | 'u64' | 'f64' | 'numbers' | 'addresses'
type Field =
  /** A column of its own. */
  | { readonly type: ColumnType; readonly column: true; readonly bloom?: true }
  /** Kept in `attrs` (JSON), searched there: slower, for what is seldom asked. */
  | { readonly type: 'string' | 'f64' | 'strings'; readonly column: false }

const own = (type: ColumnType) => ({ type, column: true }) as const
const rare = (type: ColumnType) => ({ type, column: true, bloom: true }) as const
const inAttrs = (type: 'string' | 'f64' | 'strings') => ({ type, column: false }) as const

/**
 * Every field that can be searched, and where it lies. A column holds what is not its default; an explicit default
 * (0, "", []), null and anything unforeseen lies in `attrs`, so that absent, null and empty stay apart.
 */
export const FIELDS = {
  id: rare('string'),
  kind: own('word'),
  source: own('word'),
  requestId: rare('string'),
  clientAddress: rare('address'),
  clientPort: own('u16'),
  serverAddress: rare('address'),
  serverPort: own('u16'),
  protocol: own('word'),
  method: own('word'),
  host: own('string'),
  path: own('string'),
  status: own('u16'),
  bytesIn: own('u64'),
  bytesOut: own('u64'),
  score: own('f64'),
  severity: own('word'),
  ruleIds: own('numbers'),
  callbackHost: own('string'),
  callbackPort: own('u16'),
  account: rare('string'),
  result: own('word'),
  actor: own('string'),
  subject: rare('string'),
  collection: own('word'),
  purpose: own('word'),
  subjects: own('u32'),
  query: rare('string'),
  type: own('word'),
  answers: own('addresses'),
  ms: inAttrs('f64'),
  threshold: inAttrs('f64'),
  mode: inAttrs('string'),
  role: inAttrs('string'),
  tags: inAttrs('strings'),
  places: inAttrs('strings'),
  fields: inAttrs('strings'),
} as const satisfies Record<string, Field>
export type FieldName = keyof typeof FIELDS
export const fieldOf = (name: FieldName): Field => FIELDS[name]

/** Columns in the order of a RowBinary row, after time, received and seq, before attrs. */
export const COLUMNS = (Object.entries(FIELDS) as [FieldName, Field][])
  .filter(([, field]) => field.column)
  .map(([name, field]) => ({ name, type: field.type as ColumnType, bloom: 'bloom' in field }))

const STORED: Readonly<Record<ColumnType, string>> = {
  string: 'String',
  word: 'LowCardinality(String)',
  address: 'IPv6',
  u16: 'UInt16',
  u32: 'UInt32',
  u64: 'UInt64',
  f64: 'Float64',
  numbers: 'Array(UInt32)',
  addresses: 'Array(IPv6)',
}
/** As the spool file says it: a dictionary column is plain text there. */
const spooled = (type: ColumnType): string => (type === 'word' ? 'String' : STORED[type])

export const TABLE = 'khien.event'
const INSERTED = ['time', 'received', 'seq', ...COLUMNS.map(({ name }) => name), 'attrs']
export const INSERT_COLUMNS = INSERTED.map((name) => `\`${name}\``).join(', ')

/** The structure of a spool file, for `file(…, 'RowBinary', …)`. */
export const SPOOL_STRUCTURE = [
  "time DateTime64(3, \\'UTC\\')",
  "received DateTime64(3, \\'UTC\\')",
  'seq UInt64',
  ...COLUMNS.map(({ name, type }) => `${name} ${spooled(type)}`),
  'attrs String',
].join(', ')

/**
 * `seq` (segment and row) is unique, so (time, seq) orders all events and a page boundary between equal times loses
 * nothing. The window makes a repeated insert of one segment a no-op.
 */
export const CREATE = [
  'CREATE DATABASE IF NOT EXISTS khien',
  `CREATE TABLE IF NOT EXISTS ${TABLE} (
    time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    seq UInt64 CODEC(Delta, ZSTD(1)),
    ${COLUMNS.map(({ name, type }) => `\`${name}\` ${STORED[type]} CODEC(ZSTD(1))`).join(',\n    ')},
    attrs String CODEC(ZSTD(1)),
    ${COLUMNS.filter(({ bloom }) => bloom)
      .map(({ name }) => `INDEX bloom_${name} \`${name}\` TYPE bloom_filter(0.01) GRANULARITY 1`)
      .join(',\n    ')}
  ) ENGINE = MergeTree
  PARTITION BY toYYYYMM(time)
  ORDER BY (time, seq)
  SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1`,
]
