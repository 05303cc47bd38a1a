import { hostname, networkInterfaces } from 'node:os'
import type { NodeConfig } from './config.ts'
import { isLoopback } from './plan.ts'

/**
 * Tells an address of the node itself: a port it listens on, at this host under any of its names, or the origins that
 * browsers reach it under.
 */
export function ownAddresses(
  config: Pick<NodeConfig, 'internal' | 'public' | 'internalOrigin' | 'publicOrigin'>,
): (url: string) => boolean {
  const ports = new Set([config.internal, config.public].map(({ port }) => String(port)))
  const origins = new Set([config.internalOrigin, config.publicOrigin].map((one) => new URL(one).origin))
  return (url) => {
    const at = URL.parse(url)
    if (at === null) return false
    const port = at.port || (at.protocol === 'https:' ? '443' : '80')
    return origins.has(at.origin) || (ports.has(port) && isHere(at.hostname.replace(/^\[|\]$/g, ''), config))
  }
}

/** Addresses come and go with the machine's network, so they are asked for each time. */
function isHere(host: string, config: Pick<NodeConfig, 'internal' | 'public'>): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (isLoopback(name) || name === '0.0.0.0' || name === '::' || name === hostname().toLowerCase()) return true
  if ([config.internal.host, config.public.host].includes(name)) return true
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === name))
}
