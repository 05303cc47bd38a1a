import type { GatewaySettings } from '../../src/gateway/contract.ts'
import { GatewaySettings as Schema } from '../../src/gateway/contract.ts'
import { PACK_FOLDER } from './pack.ts'

type Wish = Partial<{ -readonly [K in keyof GatewaySettings['sites'][number]]: unknown }>

/** Settings with sites of one upstream each, all by our own pack. */
export function settingsWith(
  origin: string,
  sites: readonly Wish[],
  more: Record<string, unknown> = {},
): GatewaySettings {
  return Schema.parse({
    version: 1,
    ruleSets: [{ name: 'default', rules: [PACK_FOLDER] }],
    sites: sites.map((site, i) => ({ name: `site-${i}`, hosts: ['*'], upstreams: [{ url: origin }], ...site })),
    ...more,
  })
}
