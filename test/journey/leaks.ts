import { needles, searchBytes, type Planted } from '../../examples/marketplace/journey/planted.ts'

/** Shapes of identifiers as people in Vietnam have them, wherever they may turn up by mistake. */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  phone: /(?<![\d.A-Za-z-])(?:\+84|0)(?:3|5|7|8|9)\d{8}(?![\d.A-Za-z])/g,
  'personal ID': /(?<![\d.A-Za-z-])0\d{11}(?![\d.A-Za-z])/g,
  'e-mail': /[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+/g,
}

/** What of anybody's data stands in a text that must hold none; each find by kind, never by value. */
export function leaksIn(text: string, people: readonly Planted[]): string[] {
  const shapes = Object.entries(PATTERNS).flatMap(([what, pattern]) => (text.match(pattern) ?? []).map(() => what))
  return [...shapes, ...searchBytes(Buffer.from(text), people.map(needles))]
}
