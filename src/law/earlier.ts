import { groundAt } from './grounds.ts'
import { inForce, type Dated } from './dated.ts'

/**
 * Law 91/2025 art. 39: what people agreed to under Decree 13/2023 stays valid without asking again. It says nothing of
 * what was agreed before that decree, and the decree (art. 11) leaves the proof to the controller.
 */
const KEPT: readonly (Dated & { readonly under: 'Decree 13/2023' })[] = [
  {
    under: 'Decree 13/2023',
    validFrom: '2023-07-01',
    validTo: '2025-12-31',
    article: { vi: 'Điều 39 Luật 91/2025', en: 'Article 39, Law 91/2025' },
  },
]

/** On which article a consent given at `given` (ms) rests today; undefined for one of before any rule we know. */
export const consentOf = (given: number): Dated['article'] | undefined =>
  (inForce(KEPT, given) ?? groundAt('consent', given))?.article
