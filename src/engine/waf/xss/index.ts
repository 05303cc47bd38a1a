import { isDangerous } from './danger.ts'
import { readHtml, type Place } from './html.ts'

const PLACES: readonly Place[] = ['text', 'tag', "'", '"', '`']

/**
 * Whether a browser would run or load something of the text (latin1), in any place of a page an application may have put it: between tags,
 * within a tag, or in an attribute in one of three quotes. Linear in the text. The idea is libinjection's; reader and lists are our own.
 */
export function detectXss(text: string): boolean {
  // Without either there is no tag and no attribute with a value.
  if (!text.includes('<') && !text.includes('=')) return false
  return PLACES.some((place) => isPossible(text, place) && readHtml(text, place).some(isDangerous))
}

function isPossible(text: string, place: Place): boolean {
  if (place === 'text') return text.includes('<')
  return place === 'tag' || text.includes(place)
}
