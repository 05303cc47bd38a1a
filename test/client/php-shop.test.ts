import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { newPostgresDatabase, postgresBin } from '../../src/storage/sql/testing.ts'
import { php, phpSkip } from './php.ts'

const root = join(import.meta.dirname, '../..')
const skip =
  phpSkip ||
  (postgresBin() === undefined && 'PostgreSQL is not installed (Debian: apt install postgresql)') ||
  (!php<boolean>("$out = extension_loaded('pdo_pgsql');") && 'PHP lacks pdo_pgsql (Debian: apt install php-pgsql)') ||
  (spawnSync('patch', ['--version']).status !== 0 && 'patch is not installed (Debian: apt install patch)')

test(
  'một cửa hàng PHP được đưa vào, cưỡng chế, sao lưu, phá hủy và khôi phục',
  { skip, timeout: 120_000 },
  async (t) => {
    const env = { ...process.env, SHOP_DATABASE: await newPostgresDatabase(), SHOP_PEOPLE: '8' }
    const child = spawn(process.execPath, [join(root, 'examples/php-shop/journey.ts')], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    t.diagnostic(said.trim().split('\n').at(-1)!)
    assert.equal(code, 0, said)
    assert.match(said, /Xong: 10 khách, 12 đơn, không mất gì\./)
    assert.match(said, /is intact/)
  },
)
