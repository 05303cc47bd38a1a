import { inForce, type Dated } from './dated.ts'

/** VND, of an organisation; a person pays half. */
export type FineRange = { readonly from: number; readonly to: number }
type Step = FineRange & {
  /** Below these counts the step holds; the last one has none. */
  readonly basicBelow?: number
  readonly sensitiveBelow?: number
}
type Fine = Dated & {
  readonly act: 'intrusion' | 'trading'
  readonly what: { readonly vi: string; readonly en: string }
  readonly steps: readonly Step[]
}

const MILLION = 1_000_000
const step = (from: number, to: number, basicBelow?: number, sensitiveBelow?: number): Step => ({
  from: from * MILLION,
  to: to * MILLION,
  ...(basicBelow === undefined ? {} : { basicBelow }),
  ...(sensitiveBelow === undefined ? {} : { sensitiveBelow }),
})

const RULES: readonly Fine[] = [
  {
    act: 'intrusion',
    validFrom: '2026-08-19',
    article: { vi: 'khoản 3 Điều 48 Nghị định 330/2026', en: 'Article 48.3, Decree 330/2026' },
    what: {
      vi: 'thu thập dữ liệu này bằng cách xâm nhập',
      en: 'collecting this data by technical intrusion',
    },
    steps: [step(100, 200, 500, 100), step(200, 300, 1_000, 200), step(300, 500, 5_000, 1_000), step(500, 800)],
  },
  {
    act: 'trading',
    validFrom: '2026-08-19',
    article: { vi: 'Điều 53 Nghị định 330/2026', en: 'Article 53, Decree 330/2026' },
    what: { vi: 'mua bán dữ liệu này', en: 'trading this data' },
    steps: [step(70, 100, 1_000, 200), step(100, 300, 2_000, 400), step(300, 500, 10_000, 2_000), step(500, 1_000)],
  },
]

/**
 * The bracket that a count of people falls into, by the graver of basic and sensitive data, on the day of the act;
 * undefined when no rule held that day or nobody is concerned.
 */
export function fineFor(
  act: Fine['act'],
  people: { readonly basic: number; readonly sensitive: number },
  at: number,
): (FineRange & Pick<Fine, 'article' | 'what'>) | undefined {
  const rule = inForce(
    RULES.filter((one) => one.act === act),
    at,
  )
  if (rule === undefined || people.basic + people.sensitive === 0) return undefined
  const reaches = (count: number, limit: (one: Step) => number | undefined): number =>
    count === 0 ? 0 : rule.steps.findIndex((one) => count < (limit(one) ?? Infinity))
  const index = Math.max(
    reaches(people.basic, (one) => one.basicBelow),
    reaches(people.sensitive, (one) => one.sensitiveBelow),
  )
  const { from, to } = rule.steps[index]!
  return { from, to, article: rule.article, what: rule.what }
}
