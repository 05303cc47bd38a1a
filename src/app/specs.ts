import { join } from 'node:path'
import type { NodeConfig } from './config.ts'
import type { Plan } from './plan.ts'
import type { WatchingIntake } from './watching-intake.ts'
import type { ProcessSpec } from './supervisor.ts'

/** The first three descriptors and the channel come before what a child inherits. */
const FIRST_INHERITED = 4

/** As large as V8 lets a young space grow by itself, from the first request on. */
export const GATEWAY_FLAGS: readonly string[] = ['--min-semi-space-size=16', '--max-semi-space-size=16']

/** The plan as processes: nodes first, then what talks to them. Names are what a person reads when one dies. */
export function specsOf(plan: Plan, root: string): ProcessSpec[] {
  const specs: ProcessSpec[] = plan.nodes.flatMap((node) => [nodeSpec(node, root), ...eventSpecs(node, root)])
  const { gateway, marketplace } = plan
  if (gateway !== undefined) {
    const { origin: _, ...config } = gateway
    const module = join(root, 'src/app/processes/gateway.ts')
    for (let n = 1; n <= gateway.workers; n++)
      specs.push({ name: `gateway ${n}`, module, config, restart: true, needs: ['platform'], flags: GATEWAY_FLAGS })
  }
  if (marketplace !== undefined) {
    const module = join(root, 'examples/marketplace/server.ts')
    specs.push({ name: 'marketplace', module, config: marketplace, restart: true, needs: ['platform'] })
  }
  if (plan.mailbox !== undefined) {
    const module = join(root, 'examples/telecom/server.ts')
    specs.push({ name: 'mailbox', module, config: plan.mailbox, restart: true })
  }
  return specs
}

function nodeSpec(node: NodeConfig, root: string): ProcessSpec {
  const spec = { name: node.role, module: join(root, 'src/app/processes/node.ts'), restart: true }
  // A passphrase from a person or a pipe comes once: in a second life the node waits sealed for `khien unseal`.
  const configAfterRestart: NodeConfig = { ...node, key: { from: 'sealed' } }
  if (node.key.from === 'prompt') return { ...spec, config: node, configAfterRestart, stdin: true }
  if (node.key.from === 'fd') {
    const config: NodeConfig = { ...node, key: { from: 'fd', fd: FIRST_INHERITED } }
    return { ...spec, config, configAfterRestart, fds: [node.key.fd] }
  }
  return { ...spec, config: node }
}

/** Where events are taken in, watched and kept: processes of their own, so that neither holds up the node. */
function eventSpecs(node: NodeConfig, root: string): ProcessSpec[] {
  if (node.role === 'authority' || node.beside) return []
  const module = (name: string): string => join(root, `src/app/processes/${name}.ts`)
  const nodeSocket = join(node.folder, 'run', 'node.sock')
  const intake: WatchingIntake = {
    folder: node.folder,
    nodeSocket,
    sigma: join(root, 'rules/sigma'),
    matching: node.role === 'telecom',
  }
  return [
    { name: `${node.role} store`, module: module('store'), config: { folder: node.folder }, restart: true },
    { name: `${node.role} intake`, module: module('intake'), config: intake, restart: true },
  ]
}
