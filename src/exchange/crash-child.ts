import { systemClock } from '../kit/clock.ts'
import { openSqlite } from '../storage/sql/index.ts'
import { openNode } from './testing.ts'

// A node that a test kills: `serve` stores what peers push, `pull` fetches until nothing is left. It says when it
// serves, begins to fetch, and has fetched all.
const [, , what, path, remote] = process.argv
const node = await openNode('crash', {
  db: openSqlite(path!),
  clock: systemClock as never,
  vkey: 'crash',
})
if (what === 'serve') {
  const credentials = { user: 'u', secret: 's' }
  await node.exchange.peers
    .add({ name: 'x', role: 'other', maxTlp: 'amber', own: false, networks: [], readable: ['in'], credentials }, 'test')
    .catch(() => undefined)
  process.stdout.write(`${node.root} ${node.exchange.places.in.id}\n`)
} else {
  const { root, collection } = JSON.parse(remote!) as { root: string; collection: string }
  await node.exchange.peers
    .add(
      {
        name: 'x',
        role: 'other',
        maxTlp: 'amber',
        own: false,
        networks: [],
        remote: { root, user: 'u', secret: 's', push: null, pull: collection },
      },
      'test',
    )
    .catch(() => undefined)
  process.stdout.write('pulls\n')
  await node.exchange.pull()
  process.stdout.write('done\n')
}
process.on('disconnect', () => process.exit(0))
