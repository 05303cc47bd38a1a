import { createHash, randomBytes } from 'node:crypto'
import { textOf, unescape, Visitor, type Report, type Seen, type World } from './world.ts'

/** What buyers really write, with signs that attacks use too. */
const SENTENCES = [
  'Nón lá & quai tết; giá < 200k, “chọn” từ 1 đến 5 cái',
  "Em O'Neil hỏi: có giảm 50% cho đơn từ 200.000đ không ạ? -- cảm ơn shop",
  'Số 12/3/4 ngõ 5, phường Láng Hạ; gọi trước 10:00 (hoặc sau 14:00)',
  'union của hai phường select món này, where are you from, drop tại cổng',
  'Áo lụa đẹp lắm 😀❤️ 1 + 1 = 2, a<b, T-shirt (size M/L) @ 150k #sale',
]

/** Step 5: ordinary Vietnamese in both spellings of Unicode arrives unchanged, byte for byte. */
export async function writeOrdinarily(world: World, report: Report, seen?: Seen): Promise<void> {
  report.step('Người thật viết tiếng Việt', 'Real people writing Vietnamese')
  const visitor = new Visitor(seen)
  const { gateway } = world
  const places: Record<string, (text: string) => Promise<string | undefined>> = {
    query: async (text) =>
      /value="([^"]*)"/.exec(
        await searchField(await visitor.text(`${gateway}/tim-kiem?q=${encodeURIComponent(text)}`)),
      )?.[1],
    form: async (text) =>
      textOf(await (await visitor.post(`${gateway}/san-pham/non-la`, { stars: '5', text })).text(), 'written'),
    JSON: async (text) => {
      const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }) }
      const got = (await (await visitor.send(`${gateway}/api/danh-gia`, sent)).json()) as { review?: { text?: string } }
      return got.review?.text
    },
    multipart: (text) => upload(world, visitor, text),
  }
  for (const [place, say] of Object.entries(places)) {
    const changed: string[] = []
    for (const sentence of SENTENCES)
      for (const form of ['NFC', 'NFD']) {
        const text = sentence.normalize(form)
        const got = await say(text)
        if (got === undefined || Buffer.compare(Buffer.from(unescape(got)), Buffer.from(text)) !== 0)
          changed.push(`${form} ${sentence}`)
      }
    report.check(
      `${place}: ${SENTENCES.length * 2} câu (NFC và NFD) tới nơi không đổi một byte`,
      `${place}: ${SENTENCES.length * 2} sentences (NFC and NFD) arrive unchanged to the byte`,
      changed.length === 0,
      changed.join(' | '),
    )
  }
}

const searchField = async (page: string): Promise<string> => /<input\s[^>]*id="q"[^>]*>/.exec(page)?.[0] ?? ''

/** A picture of random bytes: the caption and the fingerprint must be what was sent. */
async function upload({ gateway }: World, visitor: Visitor, caption: string): Promise<string | undefined> {
  const bytes = randomBytes(40_000)
  const boundary = `----chosen${randomBytes(8).toString('hex')}`
  const part = (name: string, more: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`
  const body = Buffer.concat([
    Buffer.from(
      `${part('caption', '')}${caption}\r\n${part('file', '; filename="ảnh biển.jpg"\r\nContent-Type: image/jpeg')}`,
    ),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ])
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
  const page = await (await visitor.send(`${gateway}/anh`, { method: 'POST', headers, body })).text()
  const whole = textOf(page, 'sha256') === createHash('sha256').update(bytes).digest('hex')
  return whole ? textOf(page, 'caption-got') : undefined
}
