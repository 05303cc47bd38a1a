import { useToast } from './toast.tsx'
import { useWords } from '../language.tsx'
import { partWords } from '../words/parts.ts'

type Secret = { readonly label: string; readonly value: string }
/** Secrets as the server gave them, once: copied away now or made anew later. */
export function ShownOnce({
  title,
  note,
  of,
  onDone,
}: {
  readonly title: string
  readonly note: string
  readonly of: readonly Secret[]
  readonly onDone: () => void
}) {
  const m = useWords(partWords)
  return (
    <section className="once" role="status" aria-label={title}>
      <h2>{title}</h2>
      <p>{note}</p>
      <dl className="facts">
        {of.map((one) => [
          <dt key={one.label}>{one.label}</dt>,
          <dd key={one.value}>
            <Copied of={one.value} />
          </dd>,
        ])}
      </dl>
      <p className="acts-row">
        <button type="button" className="btn" onClick={onDone}>
          {m.copiedAll}
        </button>
      </p>
    </section>
  )
}

/** A text to be taken elsewhere, and the button that takes it. */
export function Copied({ of }: { readonly of: string }) {
  const m = useWords(partWords)
  const say = useToast()
  return (
    <>
      <code className="secret">{of}</code>{' '}
      <button
        type="button"
        className="btn bare"
        onClick={() => void navigator.clipboard.writeText(of).then(() => say(m.copied))}
      >
        {m.copy}
      </button>
    </>
  )
}
