import { vaultRoutes } from '../../../../src/vault/contract.ts'
import { call, type Got } from '../api.ts'
import { AskDialog, Field } from '../components/dialog.tsx'
import { useSpeech, useWords } from '../language.tsx'
import { personWords } from '../words/person.ts'

export type Person = Got<typeof vaultRoutes.person>
export type Held = Person['held'][number]

/** The purposes that open this field now. */
export const opening = (of: Person, held: Held): Person['purposes'] =>
  of.purposes.filter(({ opens }) =>
    opens.some(
      (one) => one.collection === held.collection && one.record === held.record && one.fields.includes(held.field),
    ),
  )

/** Asks for what a value is wanted; only a purpose with a live ground can be chosen. The value never enters a cache. */
export function RevealDialog({
  of,
  held,
  name,
  onClose,
  onShown,
}: {
  readonly of: Person
  readonly held: Held | undefined
  readonly name: string
  readonly onClose: () => void
  readonly onShown: (held: Held, value: string | null) => void
}) {
  const m = useWords(personWords)
  const { language } = useSpeech()
  const lawful = held ? opening(of, held) : []
  return (
    <AskDialog
      open={held !== undefined}
      onClose={onClose}
      title={m.revealTitle(name, of.subject)}
      note={m.revealNote}
      act={m.revealAct}
      onAct={async (form) => {
        const { collection, record, field } = held!
        const { fields } = await call(vaultRoutes.reveal, {
          params: { subject: of.subject },
          body: {
            purpose: String(form.get('purpose')),
            reason: String(form.get('reason')).trim(),
            collection,
            record,
            fields: [field],
          },
        })
        onShown(held!, fields[field] ?? null)
      }}
    >
      <fieldset>
        <legend>
          <b>{m.forWhat}</b>
        </legend>
        <div className="opts">
          {of.purposes.map((one) => {
            const can = lawful.includes(one)
            return (
              <label key={one.purpose}>
                <input
                  type="radio"
                  name="purpose"
                  value={one.purpose}
                  required
                  disabled={!can}
                  defaultChecked={one === lawful[0]}
                />
                <span className={can ? undefined : 'soft'}>
                  {one.title[language]}
                  <small>
                    {' '}
                    {m.grounds[one.ground]}
                    {can ? '' : `: ${m.why[one.why ?? 'vault/nothing-held'] ?? m.why['vault/nothing-held']}`}
                  </small>
                </span>
              </label>
            )
          })}
        </div>
      </fieldset>
      <Field label={m.ticket} hint={m.ticketHint}>
        <input
          className="in mono"
          name="reason"
          required
          maxLength={80}
          pattern="\s*[A-Za-z0-9][A-Za-z0-9._:#\/\-]{0,79}\s*"
          spellCheck={false}
          autoComplete="off"
        />
      </Field>
    </AskDialog>
  )
}
