import { useSpeech, useWords } from '../../language.tsx'
import { tuningWords } from '../../words/tuning.ts'

/** As the node titles the alert it raises. */
const RAISED = /^Rule (\d+) suddenly refused many ordinary clients on (\S+) and only watches now$/

/** The title of an alert of the gateway's own in the reader's language; another stays as it is. */
export function useOwnTitle(): (title: string) => string {
  const t = useWords(tuningWords)
  const { language } = useSpeech()
  return (title) => {
    const [, rule, site] = (language === 'vi' && RAISED.exec(title)) || []
    return rule === undefined || site === undefined ? title : t.suddenWhat(rule, site)
  }
}
