import { createHash } from 'node:crypto'
import { EVERYDAY } from './everyday.ts'
import { AGENTS, GIVEN, GOODS, MIDDLE, PATHS, PROVINCES, SENTENCES, STREETS, SURNAMES, WARDS } from './words.ts'

/** One ordinary request as a browser or an app would send it. Strings of the head are latin1. */
export type OrdinaryRequest = {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

/** The same corpus for the same seed, in any run. */
export function ordinaryRequests(count: number, seed = 'khien'): OrdinaryRequest[] {
  const writer = new Writer(seed)
  return Array.from({ length: count }, () => writer.request())
}

type Field = readonly [name: string, value: string]

class Writer {
  private readonly seed: string
  private drawn = 0
  private pool: Buffer = Buffer.alloc(0)

  constructor(seed: string) {
    this.seed = seed
  }

  /** 0 … below-1 */
  private under(below: number): number {
    if (this.pool.length < 4)
      this.pool = createHash('sha512')
        .update(`${this.seed} ${this.drawn++}`)
        .digest()
    const value = this.pool.readUInt32LE(0)
    this.pool = this.pool.subarray(4)
    return value % below
  }
  private of<T>(list: readonly T[]): T {
    return list[this.under(list.length)]!
  }
  private chance(percent: number): boolean {
    return this.under(100) < percent
  }
  private code(length: number, alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'): string {
    return Array.from({ length }, () => alphabet[this.under(alphabet.length)]).join('')
  }

  request(): OrdinaryRequest {
    const path = this.chance(25) ? `/${this.slug()}-p${this.under(99_999)}.html` : this.of(PATHS)
    if (this.chance(20)) return this.everyday()
    const kind = this.under(100)
    if (kind < 38) return this.make('GET', path + this.query(), [])
    if (kind < 62) return this.form(path)
    if (kind < 82) return this.json(path)
    if (kind < 90) return this.upload(path)
    if (kind < 94) return this.make(this.of(['HEAD', 'OPTIONS', 'DELETE']), path, [])
    return this.make('GET', path, [])
  }

  private everyday(): OrdinaryRequest {
    const part = this.of(EVERYDAY)({
      of: (list) => this.of(list),
      under: (below) => this.under(below),
      code: (length, alphabet) => this.code(length, alphabet),
      sentence: () => this.sentence(),
      goods: () => this.of(GOODS),
      name: () => this.name(),
    })
    const more = (part.headers ?? []).map(([name, value]): Field => [name, latin1(value)])
    return this.make(part.method, part.target, more, Buffer.from(part.body ?? ''))
  }

  private make(
    method: string,
    target: string,
    more: readonly Field[],
    body: Uint8Array = new Uint8Array(),
  ): OrdinaryRequest {
    const headers: Field[] = [
      ['Host', this.of(['cho.khien.vn', 'www.example.vn', 'api.example.vn:8443', 'xn--ch-hia.vn'])],
      ['User-Agent', this.of(AGENTS)],
      [
        'Accept',
        this.of([
          '*/*',
          'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
          'application/json, text/plain, */*',
        ]),
      ],
      ['Accept-Language', this.of(['vi-VN,vi;q=0.9,en-US;q=0.6,en;q=0.5', 'vi', 'en-US,en;q=0.9'])],
      ['Accept-Encoding', 'gzip, deflate, br, zstd'],
    ]
    if (this.chance(70)) headers.push(['Cookie', this.cookies()])
    if (this.chance(55)) headers.push(['Referer', this.referer()])
    if (this.chance(30))
      headers.push(
        ['Sec-Ch-Ua', '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"'],
        ['Sec-Fetch-Site', 'same-origin'],
      )
    if (this.chance(15))
      headers.push(['Authorization', `Bearer eyJhbGciOiJIUzI1NiJ9.${this.code(60)}.${this.code(43)}`])
    if (this.chance(10)) headers.push(['If-None-Match', `W/"${this.code(12)}"`])
    if (this.chance(12)) headers.push(['X-Requested-With', 'XMLHttpRequest'])
    const own = new Set(more.map(([name]) => name))
    const kept = headers.filter(([name]) => !own.has(name))
    kept.push(...more)
    if (body.length > 0) kept.push(['Content-Length', String(body.length)])
    return { method, target, headers: kept, body }
  }

  private name(): string {
    const name = `${this.of(SURNAMES)} ${this.of(MIDDLE)} ${this.of(GIVEN)}`
    return this.chance(15) ? name.toUpperCase() : name
  }
  private address(): string {
    const house = this.of(['12', '34/5', 'Số 7, ngõ 102', '15A', 'Lô B2-05', 'Tầng 3, tòa S1.02', 'K45/12', '9 bis'])
    return `${house} ${this.of(STREETS)}, ${this.of(['P.', 'phường ', 'Phường ', 'xã '])}${this.of(WARDS)}, ${this.of(PROVINCES)}`
  }
  private phone(): string {
    const digits = `${this.of(['09', '03', '07', '08'])}${this.code(8, '0123456789')}`
    return this.chance(30) ? `+84 ${digits.slice(1, 3)} ${digits.slice(3, 6)} ${digits.slice(6)}` : digits
  }
  private email(): string {
    return `${plain(this.of(GIVEN)).toLowerCase()}.${this.code(4)}${this.chance(20) ? '+shop' : ''}@${this.of(['gmail.com', 'yahoo.com.vn', 'fpt.vn', 'hcmut.edu.vn'])}`
  }
  private text(most: number): string {
    const text = Array.from({ length: 1 + this.under(most) }, () => this.sentence()).join(
      this.of([' ', '\n', '\r\n\r\n', ' ']),
    )
    return this.written(text)
  }
  private sentence(): string {
    const kind = this.under(10)
    if (kind < 6) return this.of(SENTENCES)
    if (kind === 6) return `${this.name()} - ${this.phone()} - ${this.address()}.`
    if (kind === 7)
      return `Mình mua ${this.of(GOODS)} giá ${1 + this.under(900)}k, ${this.of(['rẻ hơn', 'đắt hơn', 'bằng'])} chỗ khác ${this.under(50)}%.`
    if (kind === 8) return `${this.of(['👍', '😂😂', '❤️', '🙏', '...', '!!!'])} ${this.of(GOODS)} & ${this.of(GOODS)}`
    return `@${plain(this.name()).replaceAll(' ', '')} #${this.slug().replaceAll('-', '')} ${this.of(SENTENCES)}`
  }
  /** Composed or decomposed letters, or none of the marks, as keyboards and habits differ. */
  private written(text: string): string {
    const how = this.under(20)
    return how === 0 ? text.normalize('NFD') : how === 1 ? plain(text) : how === 2 ? text.toUpperCase() : text
  }
  private slug(): string {
    return plain(this.of(GOODS))
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
  }

  private value(): Field {
    const kind = this.under(22)
    const fields: readonly (() => Field)[] = [
      () => ['q', this.written(this.of(GOODS))],
      () => ['keyword', this.of(SENTENCES).slice(0, 40)],
      () => ['page', String(1 + this.under(50))],
      () => ['sort', this.of(['price_asc', '-created_at', 'popular', 'price:desc,name:asc'])],
      () => ['ho_ten', this.name()],
      () => ['dia_chi', this.address()],
      () => ['sdt', this.phone()],
      () => ['email', this.email()],
      () => ['noi_dung', this.text(4)],
      () => ['utm_source', this.of(['facebook', 'zalo', 'google', 'tiktok'])],
      () => ['fbclid', `IwAR${this.code(50, 'ABCDEFabcdef0123456789_-')}`],
      () => ['price', `${this.under(500)}000-${500 + this.under(500)}000`],
      () => ['ngay_sinh', `${1 + this.under(28)}/${1 + this.under(12)}/${1950 + this.under(60)}`],
      () => ['redirect', this.of(['/tai-khoan', 'https://cho.khien.vn/gio-hang?id=5&ok=1', '%2Fthanh-toan'])],
      () => ['token', this.code(32)],
      () => ['_token', Buffer.from(this.code(30)).toString('base64')],
      () => [
        'cccd',
        `0${this.of(['01', '79', '48', '36'])}${this.of(['0', '1', '2', '3'])}${this.code(8, '0123456789')}`,
      ],
      () => ['filter[brand][]', this.of(['Việt Tiến', 'Biti’s', 'Vinamilk', 'Trung Nguyên'])],
      () => ['mat_khau', `${this.code(6)}@${this.under(999)}${this.of(['!', '#', '$Aa', '%x', "&'"])}`],
      () => ['ghi_chu', this.sentence()],
      () => ['so_luong', String(this.under(20))],
      () => ['tags', `${this.slug()},${this.slug()}`],
    ]
    return fields[kind]!()
  }
  private fields(most: number): Field[] {
    return Array.from({ length: 1 + this.under(most) }, () => this.value())
  }

  private query(): string {
    if (this.chance(20)) return ''
    return `?${this.encoded(this.fields(6))}`
  }
  /** As browsers do it, as encodeURIComponent does it, or with raw UTF-8 bytes as some apps send. */
  private encoded(fields: readonly Field[]): string {
    const how = this.under(10)
    if (how < 6) return new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString()
    if (how < 9)
      return fields.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
    return fields
      .map(
        ([name, value]) =>
          `${name}=${latin1(value).replace(/[\0-\x20"#%&+<>\\^`{|}\x7f]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}`,
      )
      .join('&')
  }
  private referer(): string {
    return this.of([
      'https://www.google.com/',
      'https://l.facebook.com/',
      `https://cho.khien.vn${this.of(PATHS)}${this.query()}`,
      `https://cho.khien.vn/tim-kiem?q=${encodeURIComponent(this.of(GOODS))}`,
    ])
  }
  private cookies(): string {
    const jar = [
      `session=${this.code(40)}`,
      `_ga=GA1.2.${this.under(2_000_000_000)}.${1_700_000_000 + this.under(60_000_000)}`,
      `_fbp=fb.1.17${this.code(11, '0123456789')}.${this.under(2_000_000_000)}`,
      `theme=${this.of(['dark', 'light'])}`,
      `gio_hang=${encodeURIComponent(JSON.stringify([{ id: this.under(9999), sl: 1 + this.under(5) }]))}`,
      `XSRF-TOKEN=${encodeURIComponent(`${Buffer.from(this.code(60)).toString('base64')}==`)}`,
      `da_xem=${this.under(999)}|${this.under(999)}|${this.under(999)}`,
      `lang=vi`,
      `__cf_bm=${this.code(43)}-${1_700_000_000 + this.under(60_000_000)}-0-${this.code(20)}`,
      `ten=${encodeURIComponent(this.of(GIVEN))}`,
    ]
    return jar.filter(() => this.chance(45)).join('; ') || jar[0]!
  }

  private form(path: string): OrdinaryRequest {
    const charset = this.chance(30) ? '; charset=UTF-8' : ''
    return this.make(
      'POST',
      path,
      [['Content-Type', `application/x-www-form-urlencoded${charset}`]],
      bytes(this.encoded(this.fields(12))),
    )
  }

  private json(path: string): OrdinaryRequest {
    const body = JSON.stringify(this.thing(3))
    const escaped = this.chance(20)
      ? body.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : body
    return this.make(
      this.of(['POST', 'PUT', 'PATCH']),
      path,
      [['Content-Type', this.of(['application/json', 'application/json; charset=utf-8'])]],
      Buffer.from(escaped),
    )
  }
  private thing(depth: number): unknown {
    const out: Record<string, unknown> = {}
    for (const [name, value] of this.fields(8)) out[name] = value
    if (depth > 0 && this.chance(60))
      out['items'] = Array.from({ length: 1 + this.under(5) }, () => this.thing(depth - 2))
    if (this.chance(30))
      out['mo_ta'] =
        `<p>${this.of(SENTENCES).replaceAll('<', '&lt;')}</p><ul><li>${this.of(GOODS).replaceAll('"', '&quot;')}</li></ul>`
    if (this.chance(15))
      out['query'] =
        'query SanPham($id: ID!, $n: Int = 5) { sanPham(id: $id) { ten gia danhGia(first: $n) { noiDung sao } } }'
    if (this.chance(25))
      Object.assign(out, {
        so_luong: this.under(9),
        hoat_dong: true,
        vi_tri: { lat: 21.0278, lng: 105.8342 },
        ghi_chu: null,
      })
    return out
  }

  private upload(path: string): OrdinaryRequest {
    const boundary = this.of([
      `----WebKitFormBoundary${this.code(16)}`,
      `---------------------------${this.code(28, '0123456789')}`,
    ])
    const parts: Buffer[] = this.fields(4).map(([name, value]) =>
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
    )
    const [type, file, magic] = this.of([
      ['image/jpeg', `ảnh ${this.of(GIVEN)} (${this.under(9)}).jpg`, 'ffd8ffe000104a464946'],
      ['image/png', `IMG_2025${this.code(4, '0123456789')}.PNG`, '89504e470d0a1a0a'],
      ['application/pdf', 'hợp đồng thuê nhà.pdf', '255044462d312e370a'],
      ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'bảng lương T11.xlsx', '504b0304'],
    ] as const)
    parts.push(
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="tep"; filename="${file}"\r\nContent-Type: ${type}\r\n\r\n`,
      ),
      Buffer.from(magic, 'hex'),
      Buffer.from(Array.from({ length: 200 + this.under(1_500) }, () => this.under(256))),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    )
    return this.make(
      'POST',
      path,
      [['Content-Type', `multipart/form-data; boundary=${boundary}`]],
      Buffer.concat(parts),
    )
  }
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const plain = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').replaceAll('đ', 'd').replaceAll('Đ', 'D')
