import { Agent } from 'undici'
import type { BrowserContext } from 'playwright-core'
import type { Role } from '../../src/app/config.ts'
import { buildConsole } from '../../src/cli/console.ts'
import { STAFF_ROLES } from '../../src/kit/contract.ts'
import { root } from '../commands/processes.ts'
import { enrol, form, runningNode, type RunningNode } from '../running-node.ts'
import { refusals, workerFigures } from './seeds.ts'

const NEWEST_MS = 300

/** The console as its sources say, whoever runs the tests. */
export const built = (): Promise<boolean> => buildConsole({ root, err: () => {}, language: 'vi' })

/** A real node, and somebody on it who holds every role. */
export async function nodeWithStaff(role: Role): Promise<{ node: RunningNode; cookie: string }> {
  const node = await runningNode({ role })
  const first = await enrol(node.internal, node.setupToken, 'quan-tri')
  const invitation = await fetch(
    `${node.internal}/settings/invitations`,
    form(
      node.internal,
      first,
      STAFF_ROLES.map((one): [string, string] => ['roles[]', one]),
    ),
  )
  const link = /id="secret"[^>]*>([^<]+)</.exec(await invitation.text())![1]!
  const cookie = await enrol(node.internal, new URL(link).searchParams.get('token')!, 'hoa')
  return { node, cookie }
}

/** Tells the node what a worker of the gateway would. */
export async function seedRefusals(node: RunningNode, count: number): Promise<void> {
  const agent = new Agent({ connect: { socketPath: node.socket } })
  const post = async (path: string, body: string): Promise<void> => {
    const { statusCode, body: answer } = await agent.request({ origin: 'http://localhost', path, method: 'POST', body })
    await answer.dump()
    if (statusCode !== 204) throw new Error(`${path} answered ${statusCode}`)
  }
  const lines = refusals(count, Date.now() - NEWEST_MS)
  for (let from = 0; from < lines.length; from += 200)
    await post('/gateway/refusals', lines.slice(from, from + 200).join('\n'))
  await post('/gateway/stats', JSON.stringify(workerFigures(count * 220, count)))
  await agent.close()
}

export async function signedIn(
  context: BrowserContext,
  node: RunningNode,
  cookie: string,
  language = 'vi',
): Promise<void> {
  const [name, value] = cookie.split('=') as [string, string]
  await context.addCookies([
    { name, value, url: node.internal },
    { name: 'lang', value: language, url: node.internal },
  ])
}
