import { BlockList, isIP } from 'node:net'
import type { NodeConfig } from './config.ts'

/** Which addresses the internal listener takes: loopback always, others only when named. */
export function admission(ranges: readonly string[]): (address: string) => boolean {
  return matching(['127.0.0.0/8', '::1', ...ranges])
}

/** Whether an address lies in one of the ranges. */
export function matching(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family)
  }
  return (address) => {
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address
    return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Host header values a listener answers to: its origin's, its own address, and the loopback's names when it is one. */
export function hostsOf(config: NodeConfig, listener: 'internal' | 'public'): ReadonlySet<string> {
  const { host, port } = config[listener]
  const origin = new URL(listener === 'internal' ? config.internalOrigin : config.publicOrigin).host
  const loopback = ['localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${port}`)
  return new Set([origin.toLowerCase(), `${host}:${port}`.toLowerCase(), ...loopback])
}
