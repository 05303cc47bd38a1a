import type { Language } from '../kit/i18n.ts'
import { classOfField, type Rules } from '../vault/index.ts'
import type { Words } from './pages.ts'

/** Fields as a person reads them. */
export type FieldWords = {
  /** `person.phone`: as its declaration titles it, else in our words, else by its name. */
  of(place: string): string
  /** Several, each that is sensitive told as such (Decree 356/2025 art. 6). */
  list(places: readonly string[]): string
}

export function fieldWords(rules: Rules, m: Words, language: Language, now: number): FieldWords {
  const of = (place: string): string => rules.titleOf(place)?.[language] ?? m.fieldNames[place] ?? place
  const list = (places: readonly string[]): string =>
    places
      .map((place) => {
        const [collection = '', field = ''] = place.split('.')
        const rule = rules.of(collection, field)
        return rule && classOfField(rule, now) === 'sensitive' ? `${of(place)} (${m.sensitive})` : of(place)
      })
      .join(', ')
  return { of, list }
}
