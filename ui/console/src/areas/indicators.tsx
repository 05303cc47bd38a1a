import { useState } from 'react'
import { exchangeRoutes } from '../../../../src/exchange/contract.ts'
import { Filters } from '../components/filters.tsx'
import { Head } from '../components/page.tsx'
import { QueryBar, valuesOf, type QueryField } from '../components/query-bar.tsx'
import { useSpeech, useWords } from '../language.tsx'
import { useListState } from '../search.ts'
import { useMay } from '../shell/me.tsx'
import { partnerWords } from '../words/partners.ts'
import { shareWords } from '../words/share.ts'
import { IndicatorList } from './indicator-list.tsx'
import { ExportDialog } from './export-file.tsx'
import { FailureTable, ImportFileDialog, type Failures } from './import-file.tsx'

const FIELDS: readonly QueryField[] = [
  { name: 'value', vi: 'giatri' },
  { name: 'role', vi: 'vaitro', values: { c2: 'may-dieu-khien', download: 'noi-tai', attacker: 'chi-tan-cong' } },
  { name: 'source', vi: 'nguon', values: { own: 'nut-nay', peer: 'ben-khac' } },
]
export function Indicators() {
  const m = useWords(shareWords)
  const { language } = useSpeech()
  const mayExport = useMay(exchangeRoutes.export)
  const p = useWords(partnerWords)
  const [exporting, setExporting] = useState(false)
  const [importing, setImporting] = useState(false)
  const [failures, setFailures] = useState<Failures>([])
  const [{ q = '', state }, change] = useListState()
  const asked = valuesOf(q)
  return (
    <>
      <Head
        title={m.indicators}
        name={m.indicators}
        crumb={[{ to: '/share', text: m.title }]}
        acts={
          mayExport ? (
            <>
              <button type="button" className="btn" onClick={() => setExporting(true)}>
                {m.file}
              </button>
              <button type="button" className="btn" onClick={() => setImporting(true)}>
                {p.import}
              </button>
            </>
          ) : undefined
        }
      />
      <Filters
        label={m.state}
        chosen={state}
        onChoose={(next) => change({ state: next })}
        of={[
          [undefined, m.all],
          ['draft', m.states.draft],
          ['pending', m.states.pending],
          ['shared', m.states.shared],
          ['received', m.states.received],
          ['refused', m.states.refused],
        ]}
      />
      <QueryBar
        value={q}
        onChange={(next) => change({ q: next })}
        fields={FIELDS}
        example={language === 'vi' ? 'giatri:example' : 'value:example'}
      />
      <IndicatorList state={state} q={asked['value']} role={asked['role']} source={asked['source']} />
      <FailureTable of={failures} />
      <ExportDialog open={exporting} onClose={() => setExporting(false)} />
      <ImportFileDialog open={importing} onClose={() => setImporting(false)} onFailures={setFailures} />
    </>
  )
}
