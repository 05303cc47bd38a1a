import { KhienError } from '../../kit/errors.ts'

/** The one media type of TAXII 2.1 (OASIS Standard 10 June 2021, §1.6.8), also of its errors. */
export const TAXII_MEDIA = 'application/taxii+json;version=2.1'
export const STIX_MEDIA = 'application/stix+json;version=2.1'

export type TaxiiAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function answerJson(status: number, body: string, headers: Readonly<Record<string, string>> = {}): TaxiiAnswer {
  return { status, headers: { 'content-type': TAXII_MEDIA, 'cache-control': 'no-store', ...headers }, body }
}

/** A TAXII error resource (§3.6.1). `http_status` is text there. */
export function answerError(error: KhienError, id: string): TaxiiAnswer {
  const { status } = error
  const headers: Record<string, string> = {}
  if (status === 401) headers['www-authenticate'] = 'Basic realm="taxii", charset="UTF-8"'
  if (error.retryAfter !== undefined) headers['retry-after'] = String(error.retryAfter)
  if (status === 405) headers['allow'] = 'GET, POST, DELETE'
  const body = {
    title: 'ProcessingError',
    description: error.message,
    error_id: id,
    error_code: error.code,
    http_status: String(status),
    ...(error.field === undefined ? {} : { details: { field: error.field } }),
  }
  return answerJson(status, JSON.stringify(body), headers)
}

export const refuse = (
  status: number,
  code: string,
  sentence: string,
  more: { field?: string; retryAfter?: number } = {},
): KhienError => new KhienError(`exchange/${code}`, sentence, { status, ...more })

/** `application/taxii+json` with version 2.1 or none among the types of an Accept header (§1.6.8). */
export function checkAccept(accept: string | undefined): void {
  const fine = parts(accept).some((part) => isTaxii(part))
  if (!fine) throw refuse(406, 'not-acceptable', `Ask with Accept: ${TAXII_MEDIA}.`, { field: 'header.accept' })
}

export function checkContentType(type: string | undefined): void {
  const all = parts(type)
  if (all.length !== 1 || !isTaxii(all[0]!))
    throw refuse(415, 'media-type', `Send Content-Type: ${TAXII_MEDIA}.`, { field: 'header.content-type' })
}

const parts = (header: string | undefined): string[] => (header ?? '').slice(0, 1_000).toLowerCase().split(',')

function isTaxii(part: string): boolean {
  const [type = '', ...parameters] = part.split(';').map((each) => each.trim())
  if (type !== 'application/taxii+json') return false
  const version = parameters.find((each) => each.startsWith('version='))
  return version === undefined || version.slice(8).replaceAll('"', '') === '2.1'
}

/** Whether a Content-Type is exactly what TAXII 2.1 answers with; white space does not count. */
export const isTaxiiAnswer = (type: string | null): boolean =>
  type !== null && type.toLowerCase().replace(/[\s"]/g, '') === TAXII_MEDIA
