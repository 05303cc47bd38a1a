export { openSqlite } from './sqlite.ts'
export { openPostgres } from './postgres.ts'
export { migrate, type Migration } from './migrate.ts'
export { bytesType, type Database, type Dialect, type Transaction } from './database.ts'
