import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'
import { viteConfig } from './vite.config.ts'

/**
 * Builds the console into `<dist>` and packs its files beforehand: `node build.ts DIST STAMP`. Made beside and then moved
 * into place, so that a node that serves meanwhile never sees half of it. Says its sizes in one line of JSON.
 */
const [dist, stamp] = process.argv.slice(2) as [string, string]
const fresh = `${dist}.${process.pid}`
const old = `${dist}.${process.pid}.old`
mkdirSync(fresh, { recursive: true })
try {
  await build(viteConfig(fresh))
  let [files, bytes, packed] = [0, 0, 0]
  for (const name of readdirSync(join(fresh, 'files'))) {
    const path = join(fresh, 'files', name)
    const whole = readFileSync(path)
    files++
    bytes += whole.length
    const gz = gzipSync(whole, { level: 9 })
    packed += gz.length
    writeFileSync(`${path}.gz`, gz)
    writeFileSync(`${path}.br`, brotliCompressSync(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }))
  }
  writeFileSync(join(fresh, 'stamp'), stamp)
  try {
    renameSync(dist, old)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  renameSync(fresh, dist)
  process.stdout.write(`${JSON.stringify({ files, bytes, packed })}\n`)
} finally {
  for (const path of [fresh, old]) rmSync(path, { recursive: true, force: true })
}
