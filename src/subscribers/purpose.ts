import type { Purpose } from '../consent/index.ts'
import type { SubscriberContext } from './context.ts'
import { subscriberMessages } from './messages.ts'

/** The use of a subscriber's contact to warn them: a duty of law, so no consent is asked and none can be withdrawn. */
export const PURPOSE = 'subscriber-warning'

const both = (key: 'title' | 'what' | 'duty' | 'notice') => ({
  vi: subscriberMessages.vi.purpose[key],
  en: subscriberMessages.en.purpose[key],
})

/** Declares the purpose where nobody has; a notice that stands is left as it is. */
export async function declarePurpose({ consent }: Pick<SubscriberContext, 'consent'>): Promise<void> {
  if (await consent.purposes.find(PURPOSE)) return
  const purpose: Purpose = {
    id: PURPOSE,
    title: both('title'),
    what: both('what'),
    ground: 'law',
    duty: both('duty'),
    fields: ['person.name', 'person.email'],
    recipients: [],
  }
  const standing = await consent.purposes.current().catch(() => undefined)
  await consent.purposes.declare(standing?.notice.text ?? both('notice'), [purpose], 'node')
}
