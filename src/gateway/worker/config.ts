/** What one gateway worker is told at start. Serialisable: it travels over IPC. */
export type GatewayConfig = {
  readonly listen: { readonly host: string; readonly port: number }
  readonly upstream: string
  /** Folder of SecLang files, read in name order. */
  readonly rules: string
  readonly workers: number
  /** Unix socket of the node that keeps the refusals. */
  readonly nodeSocket: string
  /** Unix socket of the intake that takes one event a request. */
  readonly intakeSocket: string
  /** Demo only: takes PROXY v2 from this machine for addresses of 198.18.0.0/15, where its attackers live. */
  readonly demoListen?: { readonly host: string; readonly port: number }
  readonly trustedProxies: readonly string[]
  /** Bytes of body held and inspected; a larger body is refused with 413. */
  readonly bodyLimit: number
  readonly mode: 'block' | 'detect'
}
