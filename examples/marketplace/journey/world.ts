/** The running system as the journey meets it: through its ports and, for the byte search, its folder. */
export type World = {
  readonly gateway: string
  readonly shop: string
  readonly internal: string
  readonly public: string
  readonly telecom: { readonly internal: string; readonly public: string }
  readonly authority: { readonly internal: string; readonly public: string }
  /** Takes PROXY v2, so that the demo's attackers have addresses of their own. */
  readonly proxied: number
  /** Where the demo's mail can be read. */
  readonly mailbox: string
  readonly data: string
  /** Folder of the clone, for bin/khien.js. */
  readonly root: string
}

/** Where the outcome of each check goes: lines for a person, assertions in the test. */
export type Report = {
  step(vi: string, en: string): void
  check(vi: string, en: string, ok: boolean, found?: string): void
}

/** Every place of a running system, from the one port it was started with. */
export function worldAt(port: number, data: string, root: string): World {
  const at = (offset: number): string => `http://localhost:${port + offset}`
  return {
    gateway: at(0),
    internal: at(1),
    public: at(11),
    telecom: { internal: at(2), public: at(12) },
    authority: { internal: at(3), public: at(13) },
    shop: `http://127.0.0.1:${port + 20}`,
    proxied: port + 21,
    mailbox: `http://127.0.0.1:${port + 23}`,
    data,
    root,
  }
}

/** All that came back on paths where nobody's data may stand: redirects, error bodies. Searched for leaks. */
export type Seen = { readonly urls: string[]; readonly errors: string[] }
export const newSeen = (): Seen => ({ urls: [], errors: [] })

const WAIT_MS = 15_000
type Sent = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string | Uint8Array }

/** A browser without script: keeps cookies, says where a form came from, follows no redirect by itself. */
export class Visitor {
  readonly #cookies = new Map<string, string>()
  readonly #seen: Seen | undefined

  constructor(seen?: Seen) {
    this.#seen = seen
  }

  async send(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Response> {
    const { origin } = new URL(url)
    const cookies = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'text/html',
        ...(cookies === '' ? {} : { cookie: cookies }),
        ...(method === 'POST' ? { origin } : {}),
        ...headers,
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(WAIT_MS),
      ...(body === undefined ? {} : { body: body as string }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (name !== undefined && value !== undefined) this.#cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location !== null) this.#seen?.urls.push(location)
    if (response.status >= 400) this.#seen?.errors.push(await response.clone().text())
    return response
  }

  get = (url: string): Promise<Response> => this.send(url)
  text = async (url: string): Promise<string> => (await this.get(url)).text()

  /** A plain form. Names may repeat, as ticked boxes do. */
  post(url: string, fields: Readonly<Record<string, string | readonly string[]>> = {}): Promise<Response> {
    const pairs = Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().map((one) => [name, one] as [string, string]),
    )
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.send(url, { method: 'POST', headers, body: new URLSearchParams(pairs).toString() })
  }
}

const SIGNS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
/** What a person would read in a page's source. */
export const unescape = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (_, sign: string) => SIGNS[sign]!)
/** The text of the element with this id. */
export const textOf = (page: string, id: string): string | undefined => {
  const found = new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(page)?.[1]
  return found === undefined ? undefined : unescape(found)
}
