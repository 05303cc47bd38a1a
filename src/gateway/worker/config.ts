export type ListenAddress = { readonly host: string; readonly port: number }

/** What one gateway worker is told at start. Serialisable: it travels over IPC. What it is not told has a good zero value. */
export type GatewayConfig = {
  readonly listen: ListenAddress
  /** The one application of a gateway that has no sites of its own yet. */
  readonly upstream: string
  /** Folder of SecLang files, read in name order; the rules of that one site. */
  readonly rules: string
  readonly workers: number
  /** Unix socket of the node that keeps the refusals and knows the settings. */
  readonly nodeSocket: string
  /** Unix socket of the intake that takes one event a request. */
  readonly intakeSocket: string
  /** Demo only: takes PROXY v2 from this machine for addresses of 198.18.0.0/15, where its attackers live. */
  readonly demoListen?: ListenAddress
  /** TLS, HTTP/2 and HTTP/1.1, for sites that have a certificate. */
  readonly tlsListen?: ListenAddress
  /** Takes connections with a PROXY header, version 1 or 2, from the trusted proxies alone. */
  readonly proxyListen?: ListenAddress
  readonly trustedProxies: readonly string[]
  /** Bytes of body held and inspected; a larger body is refused with 413. */
  readonly bodyLimit: number
  readonly mode: 'block' | 'detect'
  /** Where the last good settings, certificates and the sockets between workers lie; none of these without it. */
  readonly folder?: string
  /** Directory URL of the ACME authority and whom it may write to. */
  readonly acme?: { readonly directory: string; readonly email?: string }
}
