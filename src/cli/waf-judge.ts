import { fromLatin1 } from '../engine/bytes/latin1.ts'
import { openTransaction, type Plan, type ResponseHead, type RuleFile, type Verdict } from '../engine/waf/index.ts'
import { parseRequest } from './waf-request.ts'
import { reflect } from './waf-reflect.ts'
import type { Outcome } from './waf-suite.ts'

/** Settings that CRS's regression tests ask for (vectors/crs4/README.md, from upstream): everything at work, nothing refused. */
export const SUITE_SETTINGS: RuleFile = {
  name: 'suite-settings',
  text: [
    'SecRuleEngine DetectionOnly',
    'SecResponseBodyAccess On',
    'SecResponseBodyMimeType text/plain text/html text/xml application/json',
    `SecAction "id:1900011,phase:1,pass,nolog,${[
      'blocking_paranoia_level=4',
      'detection_paranoia_level=4',
      'crs_validate_utf8_encoding=1',
      'arg_name_length=100',
      'arg_length=400',
      'total_arg_length=64000',
      'max_num_args=255',
      'max_file_size=64100',
      'combined_file_sizes=65535',
    ]
      .map((variable) => `setvar:tx.${variable}`)
      .join(',')}"`,
  ].join('\n'),
}

/** The log lines of a verdict, in the words of ModSecurity's error log as far as they show no value. */
export const logOf = ({ matches, ruleIds }: Verdict): string =>
  [
    ...ruleIds.map((id) => `[id "${id}"]`),
    ...matches.map(({ ruleId, message, place }) => `[id "${ruleId}"] [msg "${message}"] found within ${place}:`),
  ].join('\n')

/** One request through all phases in this process, answered by the reflecting backend. */
export function judgeStage(plan: Plan, raw: Uint8Array): Outcome {
  const read = parseRequest(raw)
  if ('status' in read) return { status: read.status, ids: [], log: '' }
  const transaction = openTransaction(plan, read.head)
  transaction.inspectHead()
  let verdict = transaction.inspectBody(read.body)
  const answer = reflect(read.head.target, read.body)
  if (!verdict.refused) {
    const head: ResponseHead = { status: answer.status, protocol: 'HTTP/1.1', headers: answer.headers }
    transaction.inspectResponseHead(head)
    transaction.inspectResponseBody(transaction.wantsResponseBody() ? fromLatin1(answer.body) : new Uint8Array())
  }
  verdict = transaction.finish()
  return { status: verdict.refused ? verdict.status : answer.status, ids: verdict.ruleIds, log: logOf(verdict) }
}
