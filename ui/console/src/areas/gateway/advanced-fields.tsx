import { useWords } from '../../language.tsx'
import { siteWords } from '../../words/sites.ts'
import { LinesInput, NumberInput, Row, SelectInput, TextInput, TickInput } from './inputs.tsx'
import { SecLangFields } from './shared-fields.tsx'
import { withField } from './site-draft.ts'
import type { SiteFormProps } from './site-form.tsx'

const FIRST_KEEP = { share: 0.01, days: 7 }

/** What few sites need: who stands before us, accounts, samples, rules in their own language. */
export function AdvancedFields({ site, onChange, still }: SiteFormProps) {
  const m = useWords(siteWords)
  const { keep, account } = site
  const kind = account === undefined ? 'none' : 'cookie' in account ? 'cookie' : 'header'
  const name = account === undefined ? '' : 'cookie' in account ? account.cookie : account.header
  const setAccount = (next: string, called: string): void =>
    onChange(
      withField(
        site,
        'account',
        next === 'none' ? undefined : next === 'cookie' ? { cookie: called } : { header: called },
      ),
    )
  return (
    <div className="fields">
      <LinesInput
        label={m.trustedProxies}
        at="trustedProxies"
        hint={m.trustedHint}
        value={site.trustedProxies}
        still={still}
        onChange={(trustedProxies) => onChange({ ...site, trustedProxies: [...trustedProxies] })}
      />
      <Row>
        <SelectInput
          label={m.account}
          value={kind}
          still={still}
          of={Object.entries(m.accounts) as ['none' | 'cookie' | 'header', string][]}
          onChange={(next) => setAccount(next, name)}
        />
        {kind === 'none' ? null : (
          <TextInput
            label={m.accountName}
            at="account"
            value={name}
            still={still}
            onChange={(called) => setAccount(kind, called)}
          />
        )}
      </Row>
      <TickInput
        label={m.keep}
        hint={m.keepHint}
        value={keep !== undefined}
        still={still}
        onChange={(on) => onChange(withField(site, 'keep', on ? FIRST_KEEP : undefined))}
      />
      {keep ? (
        <Row>
          <NumberInput
            label={m.keepShare}
            at="keep.share"
            value={Math.max(1, Math.round(keep.share * 100))}
            min={1}
            max={100}
            still={still}
            onChange={(percent) => onChange({ ...site, keep: { ...keep, share: (percent ?? 1) / 100 } })}
          />
          <NumberInput
            label={m.keepDays}
            at="keep.days"
            value={keep.days}
            min={1}
            max={7}
            still={still}
            onChange={(days) => onChange({ ...site, keep: { ...keep, days: days ?? 1 } })}
          />
        </Row>
      ) : null}
      <SecLangFields value={site} onChange={onChange} still={still} />
    </div>
  )
}
