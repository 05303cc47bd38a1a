import { isIP } from 'node:net'
import { dateTime, inLanguage, type Language } from '../kit/i18n.ts'
import { subscriberMessages } from './messages.ts'

export type Letter = {
  readonly language: Language
  readonly name: string
  readonly controller: string
  readonly contact: string | undefined
  readonly publicOrigin: string
  /** The host or address that was contacted. */
  readonly contacted: string
  /** First and last contact, milliseconds. */
  readonly first: number
  readonly last: number
  readonly code: string
}

/**
 * The warning as plain text. It holds no link and nothing that a mail reader turns into one: a warning that asks to be
 * clicked would teach people to trust the next one that is not ours.
 */
export function writeLetter(letter: Letter): { readonly subject: string; readonly text: string } {
  const m = inLanguage(subscriberMessages, letter.language).letter
  const site = spelled(new URL(letter.publicOrigin).host, m.dot)
  const when =
    letter.first === letter.last
      ? m.once(dateTime(letter.first, letter.language))
      : m.between(dateTime(letter.first, letter.language), dateTime(letter.last, letter.language))
  const paragraphs = [
    m.greeting(letter.name),
    m.what(letter.controller),
    `    ${disarmed(letter.contacted)}\n    ${when}`,
    m.meaning,
    m.notHistory,
    `${m.todo}\n${m.steps.map((step, i) => `${i + 1}. ${step}`).join('\n')}`,
    m.check,
    `    ${site}/warning\n    ${m.code}: ${letter.code}`,
    m.never,
    m.notYours,
    `${letter.controller}${letter.contact === undefined ? '' : `\n${m.contact(letter.contact)}`}\n${m.law}`,
  ]
  return { subject: m.subject, text: `${paragraphs.join('\n\n')}\n` }
}

/** `evil.vn` → `evil[.]vn`: nobody opens it by accident. */
export const disarmed = (host: string): string => host.replaceAll('.', '[.]')

/** `song-hong.vn` → `song-hong(chấm)vn`; numbers are not made links by mail readers. */
function spelled(host: string, dot: string): string {
  const name = host.replace(/:\d+$/, '')
  return isIP(name) > 0 || !name.includes('.') ? host : host.replaceAll('.', `(${dot})`)
}
