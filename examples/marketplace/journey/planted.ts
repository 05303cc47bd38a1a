import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One made-up person, new each run, so that a find in the folders is this run's. */
export type Planted = {
  readonly name: string
  readonly phone: string
  readonly email: string
  readonly password: string
  readonly personalId: string
  readonly address: string
  readonly note: string
  readonly bank: string
  readonly holder: string
  readonly message: string
}

const digits = (n: number): string => Array.from({ length: n }, () => randomInt(10)).join('')
const word = (n: number): string => Array.from({ length: n }, () => 'bcdghklmnpqrstvxy'[randomInt(17)]).join('')

export function plant(): Planted {
  const mark = word(6)
  return {
    name: `Nguyễn Thị Ngọc Ánh ${mark}`,
    phone: `09${digits(8)}`,
    email: `ngoc.anh.${mark}@thu.example`,
    password: `Mật-khẩu dài của ${mark}`,
    personalId: `001190${digits(6)}`,
    address: `Số ${randomInt(1, 99)} ngõ ${digits(3)} phố Hàng Bồ ${mark}, Hà Nội`,
    note: `Gọi trước khi giao, cổng sơn màu xanh ${mark}`,
    bank: `1903${digits(10)}`,
    holder: `NGUYEN THI NGOC ANH ${mark.toUpperCase()}`,
    message: `Nón có cỡ cho người đầu to không ạ? ${mark}`,
  }
}

/** Each value in the ways it may have been written down, as bytes. */
export function needles(person: Planted): Map<string, Buffer[]> {
  const national = person.phone.slice(1)
  const spellings: Record<string, string[]> = {
    name: [person.name],
    phone: [
      person.phone,
      `+84${national}`,
      `84${national}`,
      national,
      person.phone.replace(/(\d{4})(\d{3})/, '$1 $2 '),
      person.phone.replace(/(\d{4})(\d{3})/, '$1.$2.'),
    ],
    email: [person.email],
    password: [person.password],
    personalId: [person.personalId],
    address: [person.address],
    note: [person.note],
    bank: [person.bank, person.holder],
    message: [person.message],
  }
  return new Map(Object.entries(spellings).map(([what, texts]) => [what, texts.flatMap(asBytes)]))
}

function asBytes(text: string): Buffer[] {
  const forms = [...new Set([text, text.normalize('NFC'), text.normalize('NFD'), text.toLowerCase()])]
  return forms.flatMap((form) => {
    const utf8 = Buffer.from(form)
    // In base64 a value shows in three shapes, by where it begins; the ends depend on its neighbours and are cut.
    const shifted = [0, 1, 2].map((shift) => {
      const coded = Buffer.concat([Buffer.alloc(shift), utf8])
        .toString('base64')
        .replace(/=+$/, '')
      return Buffer.from(coded.slice(shift === 0 ? 0 : 4, -2))
    })
    return [
      utf8,
      Buffer.from(form, 'utf16le'),
      Buffer.from(utf8.toString('hex')),
      Buffer.from(encodeURIComponent(form)),
      ...shifted,
    ]
  })
}

export type Found = { readonly what: string; readonly file: string }

/** Reads every file under the folder whole, whatever it is: databases, their WAL, tiles, keys. */
export function searchFolder(
  folder: string,
  people: readonly Planted[],
): { files: number; bytes: number; found: Found[] } {
  const wanted = people.map(needles)
  const found: Found[] = []
  let files = 0
  let bytes = 0
  for (const path of filesUnder(folder)) {
    const content = orGone(() => readFileSync(path))
    if (content === undefined) continue
    files++
    bytes += content.length
    found.push(...searchBytes(content, wanted).map((what) => ({ what, file: path.slice(folder.length + 1) })))
  }
  return { files, bytes, found }
}

export const searchBytes = (content: Buffer, wanted: readonly Map<string, Buffer[]>[]): string[] =>
  wanted.flatMap((kinds) =>
    [...kinds].filter(([, list]) => list.some((needle) => content.includes(needle))).map(([what]) => what),
  )

function* filesUnder(folder: string): Generator<string> {
  for (const entry of orGone(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesUnder(path)
    else if (entry.isFile()) yield path
  }
}

/** A WAL, or a part of the event store, is taken away while we look. */
function orGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
