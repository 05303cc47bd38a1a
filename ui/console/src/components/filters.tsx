/** A few ways to look at one list; the choice lives in the address. */
export function Filters<T extends string>({
  of,
  chosen,
  onChoose,
  label,
}: {
  readonly of: readonly (readonly [T | undefined, string])[]
  readonly chosen: string | undefined
  readonly onChoose: (value: T | undefined) => void
  readonly label: string
}) {
  return (
    <div className="filters" role="group" aria-label={label}>
      {of.map(([value, text]) => (
        <button
          key={value ?? ''}
          type="button"
          className="btn"
          aria-pressed={(chosen ?? undefined) === value}
          onClick={() => onChoose(value)}
        >
          {text}
        </button>
      ))}
    </div>
  )
}
