import { inForce, type Dated } from './dated.ts'

/** On what a use of personal data may rest. */
export const GROUNDS = ['consent', 'agreement', 'law'] as const
export type GroundKind = (typeof GROUNDS)[number]

type Ground = Dated & { readonly kind: GroundKind; readonly name: { readonly vi: string; readonly en: string } }

const D13 = { validFrom: '2023-07-01', validTo: '2025-12-31' }
const LAW91 = { validFrom: '2026-01-01' }

const RULES: readonly Ground[] = [
  {
    ...D13,
    kind: 'consent',
    name: { vi: 'sự đồng ý', en: 'consent' },
    article: { vi: 'Điều 11 Nghị định 13/2023', en: 'Article 11, Decree 13/2023' },
  },
  {
    ...D13,
    kind: 'agreement',
    name: { vi: 'thỏa thuận với bạn', en: 'an agreement with you' },
    article: { vi: 'Điều 17 Nghị định 13/2023', en: 'Article 17, Decree 13/2023' },
  },
  {
    ...D13,
    kind: 'law',
    name: { vi: 'nghĩa vụ theo luật', en: 'a duty set by law' },
    article: { vi: 'Điều 17 Nghị định 13/2023', en: 'Article 17, Decree 13/2023' },
  },
  {
    ...LAW91,
    kind: 'consent',
    name: { vi: 'sự đồng ý', en: 'consent' },
    article: { vi: 'Điều 9 Luật 91/2025', en: 'Article 9, Law 91/2025' },
  },
  {
    ...LAW91,
    kind: 'agreement',
    name: { vi: 'thỏa thuận với bạn', en: 'an agreement with you' },
    article: { vi: 'Điều 19 Luật 91/2025', en: 'Article 19, Law 91/2025' },
  },
  {
    ...LAW91,
    kind: 'law',
    name: { vi: 'nghĩa vụ theo luật', en: 'a duty set by law' },
    article: { vi: 'Điều 19 Luật 91/2025', en: 'Article 19, Law 91/2025' },
  },
]

/** The ground as the law knew it on the day of the act. */
export const groundAt = (kind: GroundKind, at: number): Ground | undefined =>
  inForce(
    RULES.filter((rule) => rule.kind === kind),
    at,
  )
