import { useFormats } from '../language.tsx'
import type { ProofVerdict } from './proof-check.ts'

const [WIDTH, ROW] = [520, 38]
const brief = (hash: string): string =>
  Array.from(atob(hash).slice(0, 2), (sign) => sign.charCodeAt(0).toString(16).padStart(2, '0')).join('')

/** The path from a leaf to the signed root, siblings outlined; `said` is the same in one sentence. */
export function Proof({
  of,
  said,
  rootWord,
}: {
  readonly of: ProofVerdict
  readonly said: string
  readonly rootWord: string
}) {
  const f = useFormats()
  const rows = of.steps.length + 1
  const height = rows * ROW + 30
  // The path leans away from each sibling, so that left and right stay true.
  let x = WIDTH / 2
  const points = [{ x, y: 24 }]
  const siblings: { x: number; y: number; hash: string; left: boolean }[] = []
  for (const [i, step] of of.steps.toReversed().entries()) {
    const reach = Math.max(26, 110 - i * 14)
    const y = 24 + (i + 1) * ROW
    const left = step.side === 'left'
    const next = x + (left ? reach / 2 : -reach / 2)
    siblings.push({ x: x + (left ? -reach / 2 : reach / 2), y, hash: step.beside, left })
    x = Math.max(120, Math.min(WIDTH - 120, next))
    points.push({ x, y })
  }
  const last = points.at(-1)!
  return (
    <svg className="proof" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={said}>
      {siblings.map((one, i) => (
        <line key={`l${one.hash}`} className="e" x1={points[i]!.x} y1={points[i]!.y} x2={one.x} y2={one.y} />
      ))}
      {points.slice(1).map((point, i) => (
        <line
          key={point.y}
          className={`e${of.fits ? ' on' : ''}`}
          x1={points[i]!.x}
          y1={points[i]!.y}
          x2={point.x}
          y2={point.y}
        />
      ))}
      {siblings.map((one) => (
        <g key={one.hash} className="sib">
          <circle cx={one.x} cy={one.y} r="4.5" />
          <text x={one.x + (one.left ? -9 : 9)} y={one.y + 4} textAnchor={one.left ? 'end' : 'start'}>
            {brief(one.hash)}
          </text>
        </g>
      ))}
      {points.slice(1).map((point) => (
        <g key={point.y} className={of.fits ? 'on' : ''}>
          <circle cx={point.x} cy={point.y} r="4.5" />
        </g>
      ))}
      <g className={of.fits && of.signed !== false ? 'on' : ''}>
        <rect x={points[0]!.x - 6} y="18" width="12" height="12" rx="2" />
        <text x={points[0]!.x + 14} y="28">
          {rootWord} {brief(of.root)}
        </text>
      </g>
      <text className="on" x={last.x} y={last.y + 22} textAnchor="middle">
        {f.n(of.index)}
      </text>
    </svg>
  )
}
