import { recognise, type Confidence, type Kind } from '../engine/pii/index.ts'

/** The text with every finding replaced by its kind in brackets: `Gọi [phone] giúp em`. */
export function redact(
  text: string,
  options: { readonly year: number; readonly least?: Confidence; readonly kinds?: readonly Kind[] },
): { readonly text: string; readonly count: number } {
  let out = ''
  let at = 0
  const findings = recognise(text, options)
  for (const { kind, start, end } of findings) {
    out += `${text.slice(at, start)}[${kind}]`
    at = end
  }
  return { text: out + text.slice(at), count: findings.length }
}
