export type Subscriber = {
  /** As the port-block log names them. */
  readonly subscriber: string
  readonly name: string
  readonly email: string
  readonly language: 'vi' | 'en'
}
/** A place in the access network: an address, the ports behind it and who holds them. */
export type Line = {
  readonly subscriber: string
  readonly address: string
  readonly from: number
  readonly to: number
  readonly device: 'cgnat-1' | 'cgnat-2' | 'bras-1'
}

const FAMILY = ['Nguyễn', 'Trần', 'Lê', 'Phạm', 'Hoàng', 'Vũ', 'Đặng', 'Bùi', 'Đỗ', 'Hồ'] as const
const MIDDLE = ['Thị Mẫu', 'Văn Mẫu', 'Minh Mẫu', 'Ngọc Mẫu'] as const
const GIVEN = ['An', 'Bình', 'Chi', 'Dũng', 'Giang', 'Hoa', 'Khang', 'Lan', 'Nam', 'Oanh'] as const
const COUNT = 40
const BLOCK = 2_048
const FIRST_PORT = 16_384
const HOUR_MS = 3_600_000

/** The people of the demo: invented names, all of them "Mẫu" (sample), and addresses that nobody can have. */
export const SUBSCRIBERS: readonly Subscriber[] = Array.from({ length: COUNT }, (_, i) => {
  const n = String(i + 1).padStart(4, '0')
  return {
    subscriber: `SH-${n}`,
    name: `${FAMILY[i % FAMILY.length]} ${MIDDLE[i % MIDDLE.length]} ${GIVEN[(i * 7) % GIVEN.length]}`,
    email: `sh-${n}@example.vn`,
    language: i % 13 === 12 ? 'en' : 'vi',
  }
})

/** The first half eight to an address behind two translators, the rest with an address of their own. */
export const LINES: readonly Line[] = SUBSCRIBERS.map(({ subscriber }, i) => {
  if (i >= COUNT / 2) return { subscriber, address: `198.19.20.${i}`, from: 0, to: 65_535, device: 'bras-1' }
  const group = Math.floor(i / 8)
  const from = FIRST_PORT + (i % 8) * BLOCK
  return {
    subscriber,
    address: `198.19.4.${7 + group}`,
    from,
    to: from + BLOCK - 1,
    device: group === 1 ? 'cgnat-2' : 'cgnat-1',
  }
})

/** Has the infected device; shares its address with `NEIGHBOUR`, who is well. */
export const INFECTED = LINES[2]!
export const NEIGHBOUR = LINES[3]!
/** Were scanned from outside, and answered; nothing of theirs ever called out. */
export const SCANNED: readonly Line[] = [LINES[25]!, LINES[26]!]
/** Their address is known without a port: seven others might have it. */
export const WITHOUT_PORT = LINES[17]!
/** Behind the translator whose log lost an hour. */
export const IN_THE_GAP = LINES[10]!
/** From here to there `cgnat-2` lost its log; milliseconds before the evening's end. */
export const GAP = { from: 40 * 60_000, to: 20 * 60_000 } as const

const iso = (at: number): string => new Date(at).toISOString()

/** The port-block log of the evening that ends at `at` (milliseconds): blocks are leased for a day and a half. */
export function portLog(at: number): string {
  const [start, end] = [iso(at - 30 * HOUR_MS), iso(at + 6 * HOUR_MS)]
  return [
    'address,port_from,port_to,subscriber,start,end,device',
    ...LINES.map((l) => `${l.address},${l.from},${l.to},${l.subscriber},${start},${end},${l.device}`),
    `gap,,,,${iso(at - GAP.from)},${iso(at - GAP.to)},cgnat-2`,
    '',
  ].join('\n')
}
