export type Language = 'vi' | 'en'

/** The English twin of a Vietnamese catalogue: the same keys, the same arguments; a missing key is a compile error. */
export type Twin<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => string
    ? (...args: A) => string
    : T[K] extends string
      ? string
      : Twin<T[K]>
}
export type Catalogue<T> = { readonly vi: T; readonly en: Twin<T> }

/** Vietnamese is the source; English must say the same. */
export const catalogue = <const T extends object>(vi: T, en: Twin<T>): Catalogue<T> => ({ vi, en })

/** The messages in one language, typed by the Vietnamese source. */
export const inLanguage = <T extends object>(messages: Catalogue<T>, language: Language): Twin<T> =>
  language === 'vi' ? (messages.vi as unknown as Twin<T>) : messages.en

/** Chosen by `?lang=`, then cookie, then Accept-Language; Vietnamese otherwise. */
export function chooseLanguage(
  query: string | undefined,
  cookie: string | undefined,
  header: string | undefined,
): Language {
  for (const wish of [query, cookie]) if (wish === 'vi' || wish === 'en') return wish
  const ranked = (header ?? '').split(',').map((part) => part.trim().slice(0, 2).toLowerCase())
  return ranked.find((tag) => tag === 'vi' || tag === 'en') === 'en' ? 'en' : 'vi'
}

const ZONE = 'Asia/Ho_Chi_Minh'
const DATE_TIME = {
  vi: new Intl.DateTimeFormat('vi-VN', {
    timeZone: ZONE,
    day: '2-digit',
    month: '2-digit',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }),
  en: new Intl.DateTimeFormat('en-GB', {
    timeZone: ZONE,
    day: '2-digit',
    month: '2-digit',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  }),
}
/** `09:59:40, 20/11/2026` in Vietnam's time, in both languages. */
export function dateTime(at: number, language: Language): string {
  const part = Object.fromEntries(DATE_TIME[language].formatToParts(at).map((p) => [p.type, p.value]))
  return `${part['hour']}:${part['minute']}:${part['second']}, ${part['day']}/${part['month']}/${part['year']}`
}
export const number = (value: number, language: Language): string =>
  new Intl.NumberFormat(language === 'vi' ? 'vi-VN' : 'en-GB').format(value)
