import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import test from 'node:test'
import { Pool } from 'undici'
import { parsePattern } from '../../src/engine/waf/regex/parse.ts'
import { CRS4, generate, patternsOf, randomOf } from '../../src/engine/waf/regex/testing.ts'
import { startRig } from './servers.ts'

/** What any other request may be kept waiting on a machine with nothing else to do; the test allows for one that is busy. */
const GOAL_MS = 50
const ALLOWED_MS = 2_000
const absent = existsSync(CRS4) ? false : 'The Core Rule Set 4 is not here: set KHIEN_VECTORS'

/** What the pattern matches, over and over, and never quite to its end. */
function hostileText(source: string, size: number): string {
  const random = randomOf(source.length)
  const piece = generate(parsePattern(source), random).slice(0, 400) || 'a'
  const body = piece.slice(0, -1).repeat(Math.ceil(size / Math.max(1, piece.length - 1)) + 1)
  return body.slice(0, size)
}

test(
  'no input of up to 128 KB, made from each of the patterns, holds up other requests',
  { skip: absent },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'khien-hostile-'))
    symlinkSync(join(CRS4, '../crs-setup.conf.example'), join(folder, '00-crs-setup.conf'))
    for (const name of readdirSync(CRS4)) symlinkSync(join(CRS4, name), join(folder, name))
    const texts = patternsOf(CRS4).map(({ source }, i) => hostileText(source, i % 12 === 0 ? 128_000 : 15_000))
    assert.ok(texts.length >= 300)
    await using rig = await startRig({ rules: folder, mode: 'detect' })
    const pool = new Pool(`http://127.0.0.1:${rig.port}`, { connections: 2 })
    const post = async (text: string): Promise<number> => {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(`a=${text.replaceAll('%', '%25').replaceAll('&', '%26')}`, 'latin1'),
      })
      await body.dump()
      return statusCode
    }
    for (let i = 0; i < 20; i++) await post('xin chào'.repeat(20))
    const delay = monitorEventLoopDelay({ resolution: 2 })
    delay.enable()
    const statuses = new Map<number, number>()
    for (const text of texts) {
      const status = await post(text)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    delay.disable()
    const slowest = delay.max / 1e6
    t.diagnostic(
      `longest turn of the loop ${slowest.toFixed(0)} ms (goal ${GOAL_MS}); p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`,
    )
    assert.deepEqual([...statuses.keys()], [200])
    assert.ok(slowest <= ALLOWED_MS, `${slowest.toFixed(0)} ms`)
    rmSync(folder, { recursive: true })
  },
)
