const ZONE = 'Asia/Ho_Chi_Minh'
const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000]
const TIME = { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const

/** Numbers and times as people here write them: `1.284.092` and `20/11/2026` or `1,284,092`; always Vietnam's time. */
export function formats(language: 'vi' | 'en') {
  const vi = language === 'vi'
  const locale = vi ? 'vi-VN' : 'en-GB'
  const numbers = new Intl.NumberFormat(locale)
  const compact = new Intl.NumberFormat(vi ? 'vi-VN' : 'en-US', { notation: 'compact' })
  const hm = new Intl.DateTimeFormat('en-GB', TIME)
  const hms = new Intl.DateTimeFormat('en-GB', { ...TIME, second: '2-digit' })
  const dm = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, day: '2-digit', month: '2-digit' })
  const dmy = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, day: '2-digit', month: '2-digit', year: 'numeric' })
  const weekday = new Intl.DateTimeFormat(locale, { timeZone: ZONE, weekday: 'short' })
  const at = (when: string | number): number => (typeof when === 'number' ? when : Date.parse(when))
  const n = (value: number): string => numbers.format(value)

  /** The two largest units: `3 giờ 12 phút`, `2 d 3 h`. */
  function span(ms: number): string {
    const parts: [number, string][] = [
      [Math.floor(ms / DAY), vi ? 'ngày' : 'd'],
      [Math.floor((ms % DAY) / HOUR), vi ? 'giờ' : 'h'],
      [Math.floor((ms % HOUR) / MINUTE), vi ? 'phút' : 'min'],
      [Math.floor((ms % MINUTE) / 1000), vi ? 'giây' : 's'],
    ]
    const first = parts.findIndex(([value]) => value > 0)
    if (first < 0) return vi ? '0 giây' : '0 s'
    return parts
      .slice(first, first + (first === 3 || first === 2 ? 1 : 2))
      .filter(([value], i) => i === 0 || value > 0)
      .map(([value, unit]) => `${value}\u00a0${unit}`)
      .join(' ')
  }
  const sameDay = (a: number, b: number): boolean => dmy.format(a) === dmy.format(b)

  return {
    n,
    /** Where there is no room: millions as a word. */
    brief: (value: number): string => (value < 1_000_000 ? n(value) : compact.format(value)),
    span,
    /** Seconds today, else day and minutes. */
    when: (when: string | number, now = Date.now()): string =>
      sameDay(at(when), now) ? hms.format(at(when)) : `${hm.format(at(when))} ${dm.format(at(when))}`,
    hm: (when: string | number): string => hm.format(at(when)),
    dm: (when: string | number): string => dm.format(at(when)),
    full: (when: string | number): string => `${hms.format(at(when))}, ${dmy.format(at(when))}`,
    date: (when: string | number): string => dmy.format(at(when)),
    short: (when: string | number): string => `${hm.format(at(when))}, ${dm.format(at(when))}`,
    /** `T6 20/11 10:06` */
    clock: (when: number): string =>
      `${weekday.format(when).replace('Th ', 'T')} ${dm.format(when)} ${hm.format(when)}`,
    percent: (part: number, whole: number): string =>
      `${(whole === 0 ? 0 : (100 * part) / whole).toLocaleString(locale, { maximumFractionDigits: 2 })}${vi ? '\u00a0%' : '%'}`,
    bytes: (value: number): string =>
      value < 1_048_576 ? `${n(Math.round(value / 1024))} KiB` : `${n(Math.round(value / 1_048_576))} MiB`,
  }
}
export type Formats = ReturnType<typeof formats>
