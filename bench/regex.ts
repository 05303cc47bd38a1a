/**
 * Patterns of CRS 4 over ordinary values: V8 against the lazy automaton, and one by one against prefilter against set.
 * `node bench/regex.ts`; microseconds for all values of a request, the best of five; compare within one run only.
 */
import { compilePhrases } from '../src/engine/bytes/phrases.ts'
import { compilePattern, compileSet, literalsOf } from '../src/engine/waf/regex/index.ts'
import { CRS4, patternsOf, randomOf } from '../src/engine/waf/regex/testing.ts'

const rules = patternsOf(CRS4).filter(
  ({ variables, actions }) => variables.includes('ARGS') && actions.includes("paranoia-level/1'"),
)
const words =
  'Nguyễn Văn An số nhà đường phố quận Hà Nội khách hàng muốn hỏi về đơn hàng giao nhanh cảm ơn sản phẩm giá rẻ'.split(
    ' ',
  )
const random = randomOf(1)
const sentence = (count: number): string =>
  Buffer.from(Array.from({ length: count }, () => words[random(words.length)]).join(' ')).toString('latin1')
const requests = {
  browser: Array.from({ length: 17 }, () => sentence(1 + random(3))),
  form: Array.from({ length: 90 }, () => sentence(3 + random(25))),
  json: Array.from({ length: 300 }, () => (random(2) === 0 ? String(random(100_000)) : sentence(1 + random(4)))),
}

const patterns = rules.map(({ source }) => compilePattern(source))
const began = performance.now()
const set = compileSet(patterns)
const made = performance.now() - began
const owners: number[] = []
const literals = patterns.map(({ tree }) => literalsOf(tree)?.words)
const phrases = compilePhrases(
  literals.flatMap((own, index) => (own ?? []).map((word) => (owners.push(index), word))),
  { caseless: true },
)
const always = [...literals.keys()].filter((index) => literals[index] === undefined)

const ways: Readonly<Record<string, (text: string) => void>> = {
  singly: (text) => patterns.forEach((pattern) => pattern.test(text)),
  prefilter: (text) => {
    const wanted = new Set(always)
    phrases.each(text, 0, (word) => wanted.add(owners[word]!))
    for (const index of wanted) patterns[index]!.test(text)
  },
  set: (text) => set.each(text, () => {}),
}

console.log(
  `${patterns.length} patterns, ${always.length} without literals; the set took ${made.toFixed(0)} ms to make`,
)
for (const [name, texts] of Object.entries(requests)) {
  const figures = Object.entries(ways).map(([way, run]) => {
    let best = Infinity
    for (let round = 0; round < 12; round++) {
      const start = performance.now()
      texts.forEach(run)
      best = Math.min(best, performance.now() - start)
    }
    return `${way} ${(best * 1000).toFixed(0)}`
  })
  console.log(
    `${name}, ${texts.reduce((sum, text) => sum + text.length, 0)} bytes: ${figures.join(', ')} (gave up ${set.gaveUp})`,
  )
}
