import { z } from 'zod'
import { KhienError } from '../../kit/errors.ts'
import { isTaxiiAnswer, TAXII_MEDIA } from './media.ts'
import { printMicros, readMicros } from './time.ts'

export type TaxiiClientOptions = {
  /** `https://soc.example.vn/taxii2/root/`; plain http only on this host. */
  readonly root: string
  /** Id or alias of the collection. */
  readonly collection: string
  readonly user: string
  readonly secret: string
  readonly fetch?: typeof fetch
  /** For one request, 30,000 unless said. */
  readonly timeoutMs?: number
  /** How long a pending status is asked about, 60,000 unless said. */
  readonly statusMs?: number
  /** Largest answer in bytes, 64 MiB unless said. */
  readonly maxBody?: number
  readonly sleep?: (ms: number) => Promise<void>
}
/** Where a pull stands. Kept in the transaction that stores the page. */
export type PullCursor = {
  readonly addedAfter: string | null
  readonly next: string | null
  /** Newest date_added seen, for when `next` has expired. */
  readonly last: string | null
}
export const FROM_START: PullCursor = { addedAfter: null, next: null, last: null }
/**
 * The same place told without `next`, which may be a session over there: one that has expired, or has moved on when a page
 * was fetched and not stored. Servers answer in the order of date_added (§3.3), so what has the newest date seen, and only
 * that, may come twice; whoever stores it knows it already.
 */
export function withoutNext({ addedAfter, next, last }: PullCursor): PullCursor {
  const micros = next === null || last === null ? undefined : readMicros(last)
  return { addedAfter: micros === undefined ? addedAfter : printMicros(micros - 1), next: null, last }
}
export type PulledPage = { readonly objects: readonly unknown[]; readonly cursor: PullCursor; readonly more: boolean }
export type Pushed = { readonly id: string; readonly version: string; readonly body: string }
export type PushOutcome = {
  readonly id: string
  readonly outcome: 'success' | 'failure' | 'pending'
  readonly message: string | undefined
}

const OBJECTS_A_PUSH = 1_000
const TRIES = 5
/** A server that asks for more patience than this is asked again at the next turn. */
const LONGEST_WAIT_S = 60
const DEFAULT_CONTENT = 1_048_576

const Root = z.looseObject({
  title: z.string(),
  versions: z.array(z.string()),
  max_content_length: z.number().int().min(1),
})
const Detail = z.looseObject({
  id: z.string().max(400),
  version: z.string().max(64).optional(),
  message: z.string().max(10_000).optional(),
})
const Count = z.number().int().min(0)
const Status = z
  .looseObject({
    id: z.string().regex(/^[\w-]{1,100}$/),
    status: z.enum(['complete', 'pending']),
    total_count: Count,
    success_count: Count,
    failure_count: Count,
    pending_count: Count,
    successes: z.array(Detail).optional(),
    failures: z.array(Detail).optional(),
    pendings: z.array(Detail).optional(),
  })
  .refine((s) => s.success_count + s.failure_count + s.pending_count === s.total_count, 'the counts do not add up')
  .refine((s) => fits(s.successes, s.success_count), 'successes do not match their count')
  .refine((s) => fits(s.failures, s.failure_count), 'failures do not match their count')
  .refine((s) => fits(s.pendings, s.pending_count), 'pendings do not match their count')
  .refine((s) => s.status === 'pending' || s.pending_count === 0, 'complete, and yet something is pending')
type Status = z.output<typeof Status>
const Envelope = z.looseObject({
  more: z.boolean().optional(),
  next: z.string().max(4_096).optional(),
  objects: z.array(z.unknown()).max(100_000).optional(),
})

/** The lists are optional (TAXII 2.1 §4.3); one that is there is as long as its count says. */
function fits(list: readonly unknown[] | undefined, count: number): boolean {
  return list === undefined || list.length === count
}

/**
 * A TAXII 2.1 client of one collection. Strict about what servers must do: media types, counts, hosts. Errors: 502
 * `exchange/peer-answer` (not as the specification wants), `peer-refused` (4xx), 503 `peer-away`, 400 `peer-insecure`.
 */
export function taxiiClient(options: TaxiiClientOptions) {
  const root = checkedRoot(options.root)
  const request = options.fetch ?? fetch
  const sleep = options.sleep ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)))
  const authorization = `Basic ${Buffer.from(`${options.user}:${options.secret}`).toString('base64')}`
  const collection = new URL(`collections/${encodeURIComponent(options.collection)}/`, root)
  let contentLimit: number | undefined

  /** One request, with patience for 429 and 503; redirects only on the same host. */
  async function ask(url: URL, body?: string): Promise<{ value: unknown; headers: Headers; bytes: number }> {
    for (let tries = 1; ; tries++) {
      const response = await follow(url, body)
      if (response.status !== 429 && response.status !== 503) return read(response)
      await response.body?.cancel()
      const wait = retryAfter(response.headers.get('retry-after'))
      if (tries === TRIES || wait > LONGEST_WAIT_S)
        throw new KhienError('exchange/peer-busy', `The peer is busy (${response.status}); it is asked again later.`, {
          status: 503,
          retryAfter: wait,
        })
      await sleep(wait * 1_000)
    }
  }

  async function follow(url: URL, body: string | undefined): Promise<Response> {
    let at = url
    for (let hops = 0; hops < 4; hops++) {
      const response = await once(at, body)
      if (![301, 302, 303, 307, 308].includes(response.status)) return response
      await response.body?.cancel()
      const to = URL.parse(response.headers.get('location') ?? '', at.href)
      if (to === null || to.origin !== root.origin) throw wrong('it redirects to another host')
      at = to
    }
    throw wrong('it redirects in circles')
  }

  async function once(url: URL, body: string | undefined): Promise<Response> {
    try {
      return await request(String(url), {
        method: body === undefined ? 'GET' : 'POST',
        headers: { accept: TAXII_MEDIA, authorization, ...(body === undefined ? {} : { 'content-type': TAXII_MEDIA }) },
        redirect: 'manual',
        signal: AbortSignal.timeout(options.timeoutMs ?? 30_000),
        ...(body === undefined ? {} : { body }),
      })
    } catch (cause) {
      throw away(cause)
    }
  }

  async function read(response: Response): Promise<{ value: unknown; headers: Headers; bytes: number }> {
    const bytes = await bounded(response)
    if (!response.ok) throw refused(response.status, bytes)
    if (!isTaxiiAnswer(response.headers.get('content-type')))
      throw wrong(`it answered with another media type than ${TAXII_MEDIA}`)
    try {
      // Joined first: one decode and one parse a page. bench/taxii.ts: pull.
      return { value: JSON.parse(bytes.toString('utf8')), headers: response.headers, bytes: bytes.length }
    } catch {
      throw wrong('its answer is not JSON')
    }
  }

  async function bounded(response: Response): Promise<Buffer> {
    const most = options.maxBody ?? 67_108_864
    const parts: Uint8Array[] = []
    let size = 0
    try {
      for await (const part of response.body ?? []) {
        size += part.length
        if (size > most) break
        parts.push(part)
      }
    } catch (cause) {
      throw away(cause)
    }
    if (size > most) throw wrong(`its answer is larger than ${most} bytes`)
    return Buffer.concat(parts)
  }

  const checked = <T>(schema: z.ZodType<T>, value: unknown, what: string): T => {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    const issue = result.error.issues[0]!
    throw wrong(`${what}: ${issue.path.join('.') || 'answer'}: ${issue.message}`)
  }

  async function limit(): Promise<number> {
    if (contentLimit !== undefined) return contentLimit
    const { value } = await ask(root)
    const { versions, max_content_length: most } = checked(Root, value, 'API root')
    if (!versions.some((version) => version.replace(/\s/g, '') === TAXII_MEDIA)) throw wrong('it has no TAXII 2.1')
    contentLimit = most
    return most
  }

  /**
   * Sends objects (as JSON texts) in envelopes the server takes, and waits until it has decided on each. Answers an
   * outcome an object, in order; what is sent again after a crash succeeds again.
   */
  async function push(objects: readonly Pushed[]): Promise<PushOutcome[]> {
    const most = (await limit().catch((error: unknown) => allowed(error))) - ENVELOPE.length
    const outcomes: PushOutcome[] = []
    for (const part of parts(objects, most)) {
      if (part.tooLarge) {
        outcomes.push({ id: part.objects[0]!.id, outcome: 'failure', message: 'Larger than the peer takes.' })
        continue
      }
      const body = ENVELOPE.replace('%', () => part.objects.map((each) => each.body).join(','))
      const status = await settled((await ask(new URL('objects/', collection), body)).value)
      if (status.total_count !== part.objects.length) throw wrong('status: total_count is not what was sent')
      outcomes.push(...outcomesOf(status, part.objects))
    }
    return outcomes
  }

  /** §4.3: asked once a second until it is complete. */
  async function settled(first: unknown): Promise<Status> {
    let status = checked(Status, first, 'status')
    const until = performance.now() + (options.statusMs ?? 60_000)
    while (status.status === 'pending' && performance.now() < until) {
      await sleep(1_000)
      status = checked(Status, (await ask(new URL(`status/${status.id}/`, root))).value, 'status')
    }
    return status
  }

  /** One page from where the cursor stands; the cursor that comes back goes on behind it. `bytes` as received. */
  async function page(cursor: PullCursor, size?: number): Promise<PulledPage & { readonly bytes: number }> {
    const url = new URL('objects/', collection)
    if (cursor.addedAfter !== null) url.searchParams.set('added_after', cursor.addedAfter)
    if (cursor.next !== null) url.searchParams.set('next', cursor.next)
    if (size !== undefined) url.searchParams.set('limit', String(size))
    let answer: Awaited<ReturnType<typeof ask>>
    try {
      answer = await ask(url)
    } catch (error) {
      // A `next` may expire (§3.5).
      const expired = cursor.next !== null && error instanceof KhienError && error.status === 400
      if (!expired) throw error
      return page(withoutNext(cursor), size)
    }
    const { more = false, next, objects = [] } = checked(Envelope, answer.value, 'envelope')
    const last = lastOf(answer.headers, objects.length, cursor.last)
    const goesOn = more && next !== undefined
    // The same `next` may stand for a session that moves on over there; a page without anything shows that it does not.
    if (goesOn && next === cursor.next && objects.length === 0) throw wrong('next does not lead on')
    if (more && !goesOn && last === cursor.addedAfter) throw wrong('more is promised, with no way to get it')
    return {
      objects,
      more,
      bytes: answer.bytes,
      cursor: goesOn ? { addedAfter: cursor.addedAfter, next, last } : { addedAfter: last, next: null, last },
    }
  }

  function lastOf(headers: Headers, count: number, before: string | null): string | null {
    const given = headers.get('x-taxii-date-added-last')
    if (count > 0 && (given === null || !/^\d{4}-\d{2}-\d{2}T[\d:.]{8,20}Z$/.test(given)))
      throw wrong('X-TAXII-Date-Added-Last is missing or no time')
    return given ?? before
  }

  return { push, page, limit }
}
export type TaxiiClient = ReturnType<typeof taxiiClient>

const ENVELOPE = '{"objects":[%]}'

function checkedRoot(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`)
  const here = url !== null && /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && here)) || url.username !== '')
    throw new KhienError('exchange/peer-insecure', 'root: expected https://, or http:// on this host.', {
      status: 400,
      field: 'body.remote.root',
    })
  return url
}

function retryAfter(text: string | null): number {
  if (text !== null && /^\d{1,6}$/.test(text)) return Number(text)
  const at = text === null ? NaN : Date.parse(text)
  return Number.isNaN(at) ? 1 : Math.max(1, Math.ceil((at - Date.now()) / 1_000))
}

/** A server that hides its root from writers still takes an envelope of a size that all of them take. */
function allowed(error: unknown): number {
  if (error instanceof KhienError && error.code === 'exchange/peer-refused') return DEFAULT_CONTENT
  throw error
}

const wrong = (why: string): KhienError =>
  new KhienError('exchange/peer-answer', `The peer does not answer as TAXII 2.1 wants: ${why}.`, { status: 502 })
const away = (cause: unknown): KhienError =>
  new KhienError('exchange/peer-away', 'The peer does not answer; it is asked again later.', { status: 503, cause })

function refused(status: number, bytes: Buffer): KhienError {
  let title = ''
  try {
    const { description } = JSON.parse(bytes.toString('utf8')) as { description?: unknown }
    if (typeof description === 'string') title = `: ${description.slice(0, 200)}`
  } catch {
    // A peer that explains nothing.
  }
  return new KhienError('exchange/peer-refused', `The peer refused with ${status}${title}`, {
    status: status === 400 ? 400 : 502,
  })
}

type Part<T> = { readonly objects: readonly T[]; readonly tooLarge: boolean }

function* parts<T extends { readonly body: string }>(objects: readonly T[], most: number): Generator<Part<T>> {
  let part: T[] = []
  let size = 0
  for (const object of objects) {
    const length = Buffer.byteLength(object.body) + 1
    if (part.length > 0 && (size + length > most || part.length >= OBJECTS_A_PUSH)) {
      yield { objects: part, tooLarge: false }
      part = []
      size = 0
    }
    if (length > most) yield { objects: [object], tooLarge: true }
    else {
      part.push(object)
      size += length
    }
  }
  if (part.length > 0) yield { objects: part, tooLarge: false }
}

function outcomesOf(status: Status, objects: readonly Pushed[]): PushOutcome[] {
  const failures = new Map(status.failures?.map((each) => [nameOf(each), each.message]))
  const pendings = new Set(status.pendings?.map(nameOf))
  // Without lists only the counts speak: then all is decided when all went the same way.
  const unnamed = status.failure_count > 0 && status.failures === undefined
  return objects.map((object): PushOutcome => {
    const { id } = object
    const name = [nameOf(object), id].find((each) => failures.has(each))
    if (name !== undefined || unnamed)
      return { id, outcome: 'failure', message: failures.get(name ?? '') ?? 'The peer gives no reason.' }
    const open = pendings.has(nameOf(object)) || pendings.has(id)
    const unsaid = status.pending_count > 0 && status.pendings === undefined
    return { id, outcome: open || unsaid ? 'pending' : 'success', message: undefined }
  })
}

const nameOf = ({ id, version }: { id: string; version?: string | undefined }): string =>
  version === undefined ? id : `${id} ${version}`
