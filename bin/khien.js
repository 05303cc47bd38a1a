#!/usr/bin/env node
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { join } from 'node:path'
import { chooseNode, compileCache, fail, NODE_FLAGS, root, runToEnd } from './runtime.js'

if (!existsSync(join(root, 'node_modules')) && !root.includes('node_modules'))
  fail(`The packages Khiên stands on are not installed yet: run npm start (or npm ci) in ${root} once.`)

const args = process.argv.slice(2)
const ready =
  NODE_FLAGS.every((flag) => process.execArgv.includes(flag)) && Number(process.versions.node.split('.')[0]) >= 24
if (ready) {
  nodeModule.enableCompileCache(compileCache)
  const { main } = await import('../src/main.ts')
  process.exitCode = await main(args)
} else {
  const chosen = chooseNode()
  if (chosen.problem !== undefined) fail(chosen.problem)
  runToEnd(chosen.node, [...NODE_FLAGS, join(root, 'bin', 'khien.js'), ...args])
}
