export type Header = { readonly name: string; readonly value: string; readonly raw: string }
export type Mail = { readonly headers: readonly Header[]; readonly body: string }

/** Splits a mail into unfolded headers and body; a sign stands for a byte. */
export function splitMail(raw: Buffer): Mail {
  const text = raw.toString('latin1')
  const at = text.indexOf('\r\n\r\n')
  const head = at < 0 ? text : text.slice(0, at)
  const headers = head.split(/\r\n(?![ \t])/).flatMap((line): Header[] => {
    const colon = line.indexOf(':')
    return colon < 1
      ? []
      : [
          {
            name: line.slice(0, colon).trim().toLowerCase(),
            value: line
              .slice(colon + 1)
              .replace(/\r\n(?=[ \t])/g, '')
              .trim(),
            raw: line,
          },
        ]
  })
  return { headers, body: at < 0 ? '' : text.slice(at + 4) }
}

export const headerOf = ({ headers }: Mail, name: string): string =>
  decodeWords(headers.find((header) => header.name === name)?.value ?? '')

/** RFC 2047 words as the person reads them. */
function decodeWords(value: string): string {
  const joined = value.replace(/\?=[ \t]+=\?/g, '?==?')
  return joined.replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
    kind.toLowerCase() === 'b' ? Buffer.from(text, 'base64').toString('utf8') : quoted(text.replaceAll('_', ' ')),
  )
}

function quoted(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** The text of a plain mail. */
export function textOf(mail: Mail): string {
  const encoding = headerOf(mail, 'content-transfer-encoding').toLowerCase()
  if (encoding === 'base64') return Buffer.from(mail.body, 'base64').toString('utf8')
  return (
    encoding === 'quoted-printable' ? quoted(mail.body) : Buffer.from(mail.body, 'latin1').toString('utf8')
  ).replaceAll('\r\n', '\n')
}
