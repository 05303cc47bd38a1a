import fs, { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { NodeConfig } from '../../src/app/config.ts'
import { startNode } from '../../src/app/node.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { systemEntropy } from '../../src/kit/ids.ts'
import { jsonLog } from '../../src/kit/log.ts'

// A whole node in a process that a test may trace or kill: `node node-process.ts CONFIG [careless]`. Says its service
// key in one line when it serves; ends when its standard input does, so that none outlives its test.

if (process.argv[3] === 'careless') makeCareless()
const config = JSON.parse(process.argv[2]!) as NodeConfig
const log = jsonLog((line) => process.stderr.write(line))
const node = await startNode(config, { clock: systemClock, entropy: systemEntropy, log })
const keyFile = join(dirname(config.folder), 'marketplace', 'service-key.json')
process.stdout.write(`${readFileSync(keyFile, 'utf8').trim()}\n`)
process.stdin.resume().on('end', () => void node[Symbol.asyncDispose]().then(() => process.exit(0)))

/**
 * The control: the same node on a SQLite that never syncs. Bent here and not by an option of `openSqlite`, because
 * nothing that ships shall know how to acknowledge what is not on the disk.
 */
function makeCareless(): void {
  const { prototype } = DatabaseSync
  const { exec } = prototype
  prototype.exec = function (text) {
    return exec.call(this, text.replace('synchronous=normal', 'synchronous=off'))
  }
  fs.fdatasync = Object.assign((_: number, done: fs.NoParamCallback) => done(null), { __promisify__: undefined! })
  syncBuiltinESMExports()
}
