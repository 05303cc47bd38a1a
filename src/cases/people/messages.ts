import { catalogue } from '../../kit/i18n.ts'

type Facts = {
  readonly controller: string
  readonly title: string
  readonly level: string
  readonly first: string
  readonly count: number
  readonly seen: readonly string[]
  readonly link: string
}

export const peopleMessages = catalogue(
  {
    subject: (level: string, title: string) => `[Khiên, ${level}] ${title}`,
    text: (f: Facts) =>
      [
        `${f.controller}: ${f.title}`,
        '',
        `Mức: ${f.level}`,
        `Từ: ${f.first} (giờ Việt Nam)`,
        `Số lần: ${f.count}`,
        ...f.seen,
        '',
        `Xem và xử lý: ${f.link}`,
        '',
      ].join('\n'),
    levels: { informational: 'để biết', low: 'thấp', medium: 'vừa', high: 'cao', critical: 'nghiêm trọng' },
    roles: { attacker: 'Nguồn tấn công', callback: 'Máy chủ bị đòi gọi ra', target: 'Bị nhắm', seen: 'Đã thấy' },
    port: 'cổng',
  },
  {
    subject: (level, title) => `[Khiên, ${level}] ${title}`,
    text: (f) =>
      [
        `${f.controller}: ${f.title}`,
        '',
        `Level: ${f.level}`,
        `Since: ${f.first} (Vietnam time)`,
        `Times: ${f.count}`,
        ...f.seen,
        '',
        `See and work it: ${f.link}`,
        '',
      ].join('\n'),
    levels: { informational: 'information', low: 'low', medium: 'medium', high: 'high', critical: 'critical' },
    roles: { attacker: 'Attacker', callback: 'Host it wanted called', target: 'Target', seen: 'Seen' },
    port: 'port',
  },
)
