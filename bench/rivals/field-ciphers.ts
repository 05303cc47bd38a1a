import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { newPostgresDatabase, postgresBin } from '../../src/storage/sql/testing.ts'

// Rivals that only encrypt a field, in one process and on one core: no storing, no index, no record, no HTTP.

/** AWS Encryption SDK for JavaScript as it comes (signed, committed), a raw AES keyring. Undefined when it is not at hand. */
export async function awsEncryptionSdk(value: string): Promise<number | undefined> {
  const folder = process.env['KHIEN_RIVALS']
  if (folder === undefined || !existsSync(join(folder, '@aws-crypto', 'client-node'))) return undefined
  const require = createRequire(join(folder, 'x.js'))
  const aws = require('@aws-crypto/client-node') as {
    buildClient(policy: unknown): { encrypt(keyring: unknown, text: string, options: object): Promise<unknown> }
    CommitmentPolicy: Record<string, unknown>
    RawAesKeyringNode: new (options: object) => unknown
    RawAesWrappingSuiteIdentifier: Record<string, unknown>
  }
  const { encrypt } = aws.buildClient(aws.CommitmentPolicy['REQUIRE_ENCRYPT_REQUIRE_DECRYPT'])
  const keyring = new aws.RawAesKeyringNode({
    keyName: 'bench',
    keyNamespace: 'khien',
    unencryptedMasterKey: Uint8Array.from(randomBytes(32)),
    wrappingSuite: aws.RawAesWrappingSuiteIdentifier['AES256_GCM_IV12_TAG16_NO_PADDING'],
  })
  const run = async (ms: number): Promise<number> => {
    const began = performance.now()
    let count = 0
    for (; performance.now() - began < ms; count++)
      await encrypt(keyring, value, { encryptionContext: { subject: '7Q4K-2MXB-9D0R-0001', field: 'person.phone' } })
    return (count * 1_000) / (performance.now() - began)
  }
  await run(500)
  return run(2_000)
}

/** PostgreSQL's pgp_sym_encrypt as its manual shows it, in one backend. Undefined without a server or pgcrypto. */
export async function pgcrypto(value: string): Promise<number | undefined> {
  if (postgresBin() === undefined) return undefined
  const client = new pg.Client({ connectionString: await newPostgresDatabase() })
  await client.connect()
  try {
    await client.query('create extension pgcrypto')
    const rows = 4_000
    const query = 'select sum(length(pgp_sym_encrypt($1 || i, $2))) from generate_series(1, $3::int) i'
    await client.query(query, [value, 'một câu dài để mở cửa', 200])
    const began = performance.now()
    await client.query(query, [value, 'một câu dài để mở cửa', rows])
    return (rows * 1_000) / (performance.now() - began)
  } catch {
    return undefined
  } finally {
    await client.end()
  }
}
