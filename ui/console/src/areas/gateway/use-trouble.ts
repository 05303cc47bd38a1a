import type { Site } from '../../../../../src/gateway/contract.ts'
import { ApiError } from '../../api.ts'
import { useSpeech, useWords } from '../../language.tsx'
import { challengeWords } from '../../words/challenge.ts'
import { siteWords } from '../../words/sites.ts'
import { placeOf, plainOf, troubleOf, type Labels, type Trouble } from './field-trouble.ts'

/** Every setting of a site as its page calls it. */
export function useLabels(): Labels {
  const m = useWords(siteWords)
  const c = useWords(challengeWords)
  return {
    ...m.fields,
    path: m.path,
    methods: m.methods,
    contentTypes: m.contentTypes,
    schema: m.schema,
    'tls.certificate': m.certificate,
    'tls.key': m.key,
    'account.cookie': m.accountName,
    'account.header': m.accountName,
    'body.limit': m.bodyLimit,
    'body.beyond': m.beyond,
    'rateLimits.name': m.rateName,
    'rateLimits.per': m.ratePer,
    'rateLimits.requests': m.rateRequests,
    'rateLimits.seconds': m.rateSeconds,
    'rateLimits.burst': m.rateBurst,
    'challenge.methods': c.methods,
    'challenge.counts': c.counts,
    'challenge.failures': c.failures,
    'challenge.free': c.free,
    'challenge.newcomers': c.newcomers,
    'challenge.minutes': c.minutes,
    'challenge.bits': c.bits,
    'breachedPasswords.field': c.field,
    'breachedPasswords.file': c.file,
    'outgoing.policy': m.policy,
    'outgoing.subjects': m.subjects,
    'exclusions.before': m.before,
    'exclusions.after': m.after,
    'keep.share': m.keepShare,
    'keep.days': m.keepDays,
  }
}

/** What a refusal has against a field of a site; undefined when it is about something else. */
export function useTrouble(): (error: unknown, site: Site) => Trouble | undefined {
  const { language } = useSpeech()
  const labels = useLabels()
  return (error, site) => (error instanceof ApiError ? troubleOf(error, site, labels, language) : undefined)
}

const IN_FILE = /^body\.file\.sites\.(\d+)\.(.+)$/
/** The same for a file of settings: the refusal with its place in words. */
export function useFileTrouble(): (error: unknown, file: { readonly sites?: readonly Site[] }) => unknown {
  const { language } = useSpeech()
  const m = useWords(siteWords)
  const labels = useLabels()
  return (error, file) => {
    const [field, index, path] = (error instanceof ApiError && IN_FILE.exec(error.field ?? '')) || []
    const site = file.sites?.[Number(index)]
    if (!(error instanceof ApiError) || path === undefined || site === undefined) return error
    const place = placeOf(
      path,
      { ...site, routes: site.routes ?? [], rateLimits: site.rateLimits ?? [] },
      labels,
      language,
    )
    const detail = `${m.site} ${site.name}, ${place}: ${plainOf(error.message.replace(`${field}: `, ''), path, language)}.`
    return new ApiError(error.status, { code: 'gateway/file-field', detail })
  }
}
