import type { Audit } from '../audit/index.ts'
import { citizenPage, consolePage, html, htmlResponse, type Frame, type RailItem } from '../http/index.ts'
import type { StaffRole } from '../kit/contract.ts'
import { inLanguage, number } from '../kit/i18n.ts'
import { nodeMessages } from './messages.ts'
import type { Role } from './config.ts'

/** One entry of the rail and who sees it: nobody is shown what they may not do. */
export type RailEntry = Omit<RailItem, 'label' | 'current'> & {
  readonly label: keyof typeof nodeMessages.vi.rail
  readonly roles: readonly StaffRole[]
}

type Whose = {
  readonly controller: string
  readonly role: Role
  readonly rail: readonly RailEntry[]
  readonly audit: () => Audit | undefined
}

const withCookies = (response: Response, cookies: readonly string[] | undefined): Response => {
  for (const cookie of cookies ?? []) response.headers.append('set-cookie', cookie)
  return response
}
const YEAR_S = 31_536_000

export function consoleFrame(whose: Whose): Frame {
  return async (asked, page) => {
    const { caller, language } = asked
    const m = inLanguage(nodeMessages, language)
    const head = await whose
      .audit()
      ?.head()
      .catch(() => undefined)
    const staff = caller.kind === 'staff' ? caller : undefined
    const rail = whose.rail
      .filter((entry) => staff?.roles.some((role) => entry.roles.includes(role)))
      .map(({ href, icon, label }) => ({
        href,
        icon,
        label: m.rail[label],
        current: href === page.path || (href !== '/' && page.path.startsWith(`${href}/`)),
      }))
    const sheet = consolePage({
      language,
      controller: whose.controller,
      role: whose.role,
      title: page.title,
      path: page.path,
      rail,
      sealed: whose.audit() === undefined,
      ...(staff ? { who: staff.name } : {}),
      ...(head && staff ? { leaves: number(head.size, language) } : {}),
      ...(page.script === undefined ? {} : { script: page.script }),
      body: page.body,
    })
    return remember(asked, withCookies(await htmlResponse(sheet, page.status), page.cookies))
  }
}

export function citizenFrame(whose: Pick<Whose, 'controller'> & { readonly contact: string | undefined }): Frame {
  return async (asked, page) => {
    const m = inLanguage(nodeMessages, asked.language)
    const sheet = citizenPage({
      language: asked.language,
      controller: whose.controller,
      title: page.title,
      path: page.path,
      body: page.body,
      ...(page.script === undefined ? {} : { script: page.script }),
      foot: html`<span>${m.officer}: ${whose.contact ?? m.officerUnknown}</span>`,
    })
    return remember(asked, withCookies(await htmlResponse(sheet, page.status), page.cookies))
  }
}

/** A language chosen by the link on top of the page stays chosen. */
function remember(asked: Parameters<Frame>[0], response: Response): Response {
  if (URL.parse(asked.raw.url)?.searchParams.has('lang')) {
    response.headers.append('set-cookie', `lang=${asked.language}; Path=/; SameSite=Lax; Max-Age=${YEAR_S}`)
  }
  return response
}
