import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rightsMessages } from '../../src/rights/messages.ts'
import { actWords } from '../../ui/console/src/words/acts.ts'
import { recorded } from './recorded.ts'

/** What the sources leave to a variable, told here: a new place of this sort fails the test until somebody says it. */
const OPEN: Readonly<Record<string, { readonly kinds?: readonly string[]; readonly facts?: readonly string[] }>> = {
  'src/backup/ending.ts: facts': { facts: ['bytes', 'rows', 'leaves'] },
  'src/app/keeping/restore.ts: epoch': { facts: ['oldSize', 'oldRoot', 'size', 'root'] },
  'src/cases/service.ts: `case.${step.kind}`': {
    kinds: ['taken', 'alert', 'note', 'observable', 'task', 'task-done', 'severity', 'serious', 'reported', 'closed']
      .concat('reopened', 'shared', 'sighting', 'soc')
      .map((kind) => `case.${kind}`),
  },
  'src/consent/agreements.ts: kind': { kinds: ['agreement.opened', 'agreement.closed'] },
  'src/consent/taken-over.ts: `${what}.taken-over`': { kinds: ['consent.taken-over', 'agreement.taken-over'] },
  'src/exchange/indicators.ts: kind': {
    kinds: ['proposed', 'approved', 'shared', 'revoked'].map((kind) => `exchange.indicator-${kind}`),
  },
  'src/exchange/indicators.ts: factsOf(row)': { facts: ['indicator', 'kind', 'role', 'tlp', 'peers', 'withheld'] },
  'src/gateway/tuning/sudden.ts: `gateway.sudden-${state}`': {
    kinds: ['gateway.sudden-accepted', 'gateway.sudden-restored'],
  },
  'src/identity/staff.ts: kind': { kinds: ['session.refused'] },
  'src/leakwatch/service.ts: `report.${kind}`': {
    kinds: ['taken', 'asked', 'replied', 'closed'].map((kind) => `report.${kind}`),
  },
  'src/subscribers/notices.ts: wish': { facts: ['mode', 'cap', 'cleanAfterDays'] },
  'src/vault/conversations/service.ts: facts': { facts: ['code', 'count', 'ground', 'article'] },
  'src/vault/get.ts: factsOf(outcome)': { facts: ['code', 'ground', 'article', 'observed'] },
}
/** Objects with these three names that are read or shown, not recorded. */
const NO_RECORDS =
  /^src\/(?:app\/evidence-feed|audit\/(?:contract|entry|routes|store)|cli\/log-messages|intake\/contract|storage\/events\/columns)\.ts$/

const sites = recorded().filter(({ file }) => !NO_RECORDS.test(file))
const open = sites.flatMap(({ file, open: texts }) => texts.map((text) => `${file}: ${text}`))
const told = Object.values(OPEN)
const kinds = [...new Set([...sites.flatMap((site) => site.kinds), ...told.flatMap((one) => one.kinds ?? [])])]
const facts = [...new Set([...sites.flatMap((site) => site.facts), ...told.flatMap((one) => one.facts ?? [])])]

test('every place that records an act is understood', () => {
  assert.ok(sites.length > 60, `${sites.length} places`)
  assert.deepEqual(
    open.filter((one) => !Object.hasOwn(OPEN, one)),
    [],
  )
})

for (const language of ['vi', 'en'] as const) {
  const m = actWords[language]
  test(`${language}: every kind and every fact that the code records has words`, () => {
    for (const [what, recordedOnes, words] of [
      ['kinds', kinds, m.acts],
      ['facts', facts, m.facts],
    ] as const) {
      const known: Readonly<Record<string, string>> = words
      const without = recordedOnes.filter((one) => !Object.hasOwn(known, one) || known[one]!.trim() === '')
      assert.deepEqual(without, [], `${what} without words: ui/console/src/words/acts.ts`)
    }
  })
  test(`${language}: a person reads a word for every act about their data`, () => {
    const theirs = kinds.filter((kind) => kind.startsWith('vault.') && !NOBODYS.has(kind))
    const without = theirs.filter((kind) => !Object.hasOwn(rightsMessages[language].kinds, kind))
    assert.deepEqual(without, [], 'without words: src/rights/messages.ts, kinds')
  })
}

/** Acts of the vault that are about nobody. */
const NOBODYS = new Set([
  'vault.tokens',
  'vault.collections-declared',
  'vault.observing',
  'vault.enforcing',
  'vault.inbox-key',
  'vault.recipient-set',
  'vault.recipient-dropped',
])
