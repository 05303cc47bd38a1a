/** `npm start` and friends on a fresh clone: installs what is missing, then hands over to bin/khien.js. Node ≥ 20. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chooseNode, fail, NODE_FLAGS, root, runToEnd } from '../bin/runtime.js'
import { install, installed } from './install.mjs'

const [verb = 'start', ...args] = process.argv.slice(2)
if (Number(process.versions.node.split('.')[0]) < 20) fail(`Khiên needs Node 20 or newer, this is ${process.version}.`)

if (!installed()) {
  const code = await install()
  if (code !== 0) fail('The installation did not finish; npm says above why. Run the same command again.', code)
}

const chosen = chooseNode()
if (chosen.problem !== undefined) fail(chosen.problem)
const child = runToEnd(chosen.node, [...NODE_FLAGS, join(root, 'bin', 'khien.js'), verb, ...args])

// Under npm, losing the parent means that npm was killed without being able to pass it on. By hand it means nothing:
// `nohup node scripts/run.mjs start &` outlives its shell on purpose.
if (process.env.npm_lifecycle_event !== undefined) {
  const born = parents()
  setInterval(() => {
    if (parents() !== born) child.kill('SIGTERM')
  }, 500).unref()
}

/** npm's pid as far as it can be seen: npm puts a shell in between, which outlives it. */
function parents() {
  const parent = process.ppid
  try {
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8')
    const [, name, rest] = /\((.*)\) (.*)/s.exec(stat)
    return /^\w*sh$/.test(name) ? `${parent} ${rest.split(' ')[1]}` : `${parent}`
  } catch {
    return `${parent}`
  }
}
