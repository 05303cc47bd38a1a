import { dirname } from 'node:path'
import type { Plan } from '../app/plan.ts'
import type { Note } from '../app/supervisor.ts'
import { inLanguage, type Language } from '../kit/i18n.ts'
import { startMessages } from './start-messages.ts'

/** Where the gateway stands when nobody says where. */
const USUAL_PORT = 8080

const BOLD = ['\u001B[1m', '\u001B[0m'] as const
const LOUD = ['\u001B[1;33m', '\u001B[0m'] as const

type Look = { readonly language: Language; readonly color: boolean }

/** What runs where, who may come in first, what to try, how to stop. */
export function startSummary(plan: Plan, notes: ReadonlyMap<string, Note>, seconds: number, look: Look): string {
  const say = inLanguage(startMessages, look.language)
  const paint = (text: string, [on, off]: readonly [string, string]): string =>
    look.color ? `${on}${text}${off}` : text
  const lines = ['', `  ${paint(say.ready(seconds.toFixed(1)), BOLD)}`, '']

  const rows: string[][] = [['', say.internal, say.public]]
  for (const node of plan.nodes) rows.push([say.role[node.role], node.internalOrigin, node.publicOrigin])
  lines.push(...table(rows))
  if (plan.gateway !== undefined) {
    const rows: string[][] = [[say.gateway, plan.gateway.origin, say.gatewayTo(plan.gateway.upstream)]]
    if (plan.gateway.mode === 'detect') rows.push(['', '', say.detectOnly])
    if (plan.marketplace !== undefined)
      rows.push([say.marketplace, `http://localhost:${plan.marketplace.listen.port}`, say.marketplaceNote])
    lines.push('', ...table(rows))
  }

  const links = plan.nodes.flatMap((node) => {
    const link = notes.get(node.role)?.['setupLink']
    return typeof link === 'string' ? [[say.role[node.role], link]] : []
  })
  if (links.length > 0) lines.push('', `  ${say.administrators}`, ...table(links).map((line) => `  ${line}`))
  for (const node of plan.nodes)
    if (notes.get(node.role)?.['sealed'] === true) lines.push('', `  ${say.sealed(node.role, dirname(node.folder))}`)
  if ([...notes.values()].some((note) => note['demoKey'] === true))
    lines.push('', `  ${paint(`!! ${say.demoKey}`, LOUD)}`)

  if (plan.marketplace !== undefined && plan.gateway !== undefined) {
    const { origin, listen } = plan.gateway
    const at = listen.port === USUAL_PORT ? '' : ` -- --port ${listen.port}`
    lines.push('', `  ${say.next}`)
    lines.push(`    ${say.nextShop(`${origin}/`)}`, `    ${say.nextDemo(at)}`)
    lines.push(`    ${say.nextAttack(`${origin}/search?q=%27%20OR%201%3D1--`)}`)
  }
  lines.push('', `  ${say.stop}`, '')
  return `${lines.join('\n')}\n`
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => [...(row[column] ?? '')].length)))
  return rows.map((row) =>
    `  ${row.map((cell, i) => cell + ' '.repeat(widths[i]! - [...cell].length)).join('   ')}`.trimEnd(),
  )
}
