/** What one gateway worker is told at start. Serialisable: it travels over IPC. */
export type GatewayConfig = {
  readonly listen: { readonly host: string; readonly port: number }
  readonly upstream: string
  /** Folder of SecLang files, read in name order. */
  readonly rules: string
  readonly workers: number
  /** Unix socket of the node that keeps the refusals. */
  readonly nodeSocket: string
  readonly trustedProxies: readonly string[]
  /** Bytes of body held and inspected; a larger body is refused with 413. */
  readonly bodyLimit: number
  readonly mode: 'block' | 'detect'
}
